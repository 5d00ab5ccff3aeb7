// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// The bytes of a made-up pcap or pcapng file, built packet by packet.
package struct CaptureFile: Sendable {
    package private(set) var bytes: [UInt8] = []
    private let format: Format

    package enum Format: Sendable {
        /// The classic one. `isNano`: time stamps in nanoseconds instead of microseconds; `isBig`: written by a big-endian machine.
        case pcap(isNano: Bool = true, isBig: Bool = false)
        /// Blocks; time stamps in nanoseconds.
        case pcapng
    }

    /// `linkType` is the number in files (LINKTYPE_): 1 Ethernet, 101 RAW, 113 Linux cooked, …
    package init(linkType: UInt16 = 1, _ format: Format = .pcap(), snaplen: UInt32 = 262_144) {
        self.format = format
        switch format {
        case .pcap(let isNano, _):
            bytes = number32(isNano ? 0xa1b2_3c4d : 0xa1b2_c3d4) + number16(2) + number16(4) + number32(0) + number32(0) + number32(snaplen)
            bytes += number32(UInt32(linkType))
        case .pcapng:
            // Byte-order magic, version 1.0, section length unknown.
            addBlock(0x0a0d_0d0a, number32(0x1a2b_3c4d) + number16(1) + number16(0) + Array(repeating: 0xff, count: 8))
            addInterface(linkType: linkType, snaplen: snaplen)
        }
    }

    /// One more interface of a pcapng file.
    package mutating func addInterface(linkType: UInt16, snaplen: UInt32 = 262_144) {
        // Option 9, if_tsresol: 10^-9.
        addBlock(1, number16(linkType) + number16(0) + number32(snaplen) + number16(9) + number16(1) + [9, 0, 0, 0] + number32(0))
    }

    /// Adds a packet. `length`: bytes on the wire, unless it is as many as were captured.
    package mutating func add(_ packet: [UInt8], at nanoseconds: UInt64, length: Int? = nil, interface: UInt32 = 0) {
        let captured = UInt32(packet.count)
        let length = UInt32(length ?? packet.count)
        switch format {
        case .pcap(let isNano, _):
            let rest = UInt32(nanoseconds % 1_000_000_000)
            bytes += number32(UInt32(nanoseconds / 1_000_000_000)) + number32(isNano ? rest : rest / 1000) + number32(captured) + number32(length)
            bytes += packet
        case .pcapng:
            let padding = Array(repeating: UInt8(0), count: (4 - packet.count % 4) % 4)
            let header = number32(interface) + number32(UInt32(nanoseconds >> 32)) + number32(UInt32(truncatingIfNeeded: nanoseconds))
            addBlock(6, header + number32(captured) + number32(length) + packet + padding)
        }
    }

    private mutating func addBlock(_ type: UInt32, _ body: [UInt8]) {
        let length = number32(UInt32(12 + body.count))
        bytes += number32(type) + length + body + length
    }

    private var isBig: Bool { if case .pcap(_, let isBig) = format { isBig } else { false } }

    private func number16(_ value: UInt16) -> [UInt8] {
        let big = [UInt8(value >> 8), UInt8(value & 255)]
        return isBig ? big : big.reversed()
    }

    private func number32(_ value: UInt32) -> [UInt8] {
        let big = [UInt8(value >> 24), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
        return isBig ? big : big.reversed()
    }
}
