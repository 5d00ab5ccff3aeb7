// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// What stands before layer 3 in a file's packet, turned into what a device on Linux would have handed to the kernel.
///
/// The file's own pseudo header goes; the outermost VLAN tag goes, as the kernel takes it off before any program sees the packet.
package struct LinkLayer: Sendable, Equatable {
    /// Bytes that are not part of the packet: the parser begins behind them.
    package var skipped: Int
    /// Bytes of link header behind them, which `capture.count: kernel` counts. What they hold does not matter.
    package var header: UInt32
    /// What stands behind the header; 0 where the file says nothing that leads to IP.
    package var etherType: UInt16
    package var direction = Direction.unknown
    /// The number of the interface on the host that captured, 0 where the file does not say.
    package var interfaceIndex: UInt32 = 0

    /// Where the packet was going when it was captured.
    package enum Direction: UInt8, Sendable {
        case unknown
        /// To an address of the host that captured, by its link layer.
        case incoming
        /// Broadcast or multicast.
        case group
        /// Between others.
        case passing
        case outgoing
        /// Within the host that captured.
        case loopback
    }

    static let ethernetHeader = 14

    /// Reads the link header; nil when the packet is too short for it. Called once per packet.
    package init?(_ bytes: Span<UInt8>, _ type: LinkType) {
        switch type {
        case .ethernet:
            guard let etherType = bytes.word(12) else { return nil }
            self.init(skipped: 0, header: 14, etherType: etherType)
        case .raw:
            guard let first = bytes.byte(0) else { return nil }
            self.init(skipped: 0, header: 0, etherType: first >> 4 == 4 ? EtherType.ipv4 : first >> 4 == 6 ? EtherType.ipv6 : 0)
        case .ipv4: self.init(skipped: 0, header: 0, etherType: EtherType.ipv4)
        case .ipv6: self.init(skipped: 0, header: 0, etherType: EtherType.ipv6)
        case .null, .loop:
            guard let high = bytes.word(0), let low = bytes.word(2) else { return nil }
            // A file does not say whose byte order it is: no family is that large.
            let family = high == 0 ? low : low == 0 && type == .null ? high.byteSwapped : 0
            self.init(skipped: 4, header: 0, etherType: EtherType.ofFamily(family))
        case .ppp, .pppSerial:
            guard let (skipped, etherType) = Self.ppp(bytes) else { return nil }
            self.init(skipped: skipped, header: 0, etherType: etherType)
        case .ciscoHDLC:
            guard let etherType = bytes.word(2) else { return nil }
            self.init(skipped: 4, header: 0, etherType: etherType)
        case .linuxCooked:
            // 0 packet type · 2 hardware type · 4 address length · 6 address · 14 protocol
            guard let packetType = bytes.word(0), let hardware = bytes.word(2), let etherType = bytes.word(14) else { return nil }
            self.init(cooked: 16, packetType, hardware: hardware, etherType)
        case .linuxCooked2:
            // 0 protocol · 2 reserved · 4 interface · 8 hardware type · 10 packet type · 11 address length · 12 address
            guard let etherType = bytes.word(0), let high = bytes.word(4), let low = bytes.word(6), let hardware = bytes.word(8),
                let packetType = bytes.byte(10), bytes.count >= 20
            else { return nil }
            self.init(cooked: 20, UInt16(packetType), hardware: hardware, etherType)
            interfaceIndex = UInt32(high) << 16 | UInt32(low)
        }
        takeOffTag(bytes)
    }

    private init(skipped: Int, header: UInt32, etherType: UInt16) {
        self.skipped = skipped
        self.header = header
        self.etherType = etherType
    }

    /// `length` bytes of pseudo header, which stand where the device's own header was.
    private init(cooked length: Int, _ packetType: UInt16, hardware: UInt16, _ etherType: UInt16) {
        let isEthernet = hardware == Hardware.ethernet || hardware == Hardware.loopback
        self.init(skipped: isEthernet ? length - Self.ethernetHeader : length, header: isEthernet ? 14 : 0, etherType: etherType)
        // There the field is a netlink family.
        if hardware == Hardware.netlink { self.etherType = 0 }
        direction =
            switch packetType {
            case _ where hardware == Hardware.loopback: .loopback
            case 0: .incoming
            case 1, 2: .group
            case 3: .passing
            case 4: .outgoing
            default: .unknown
            }
    }

    /// The outermost tag is not in the frame when the kernel's programs see it; the parser steps over those within.
    private mutating func takeOffTag(_ bytes: Span<UInt8>) {
        guard etherType == EtherType.vlan || etherType == EtherType.providerVLAN else { return }
        // A tag that is cut off stays: the parser will say what that is.
        guard let inner = bytes.word(skipped + Int(header) + 2) else { return }
        skipped += 4
        etherType = inner
    }

    /// PPP's protocol, behind address and control (ff 03) where they are there, in two bytes or, odd, in one.
    private static func ppp(_ bytes: Span<UInt8>) -> (skipped: Int, etherType: UInt16)? {
        let start = bytes.word(0) == 0xff03 ? 2 : 0
        guard let first = bytes.byte(start) else { return nil }
        if first & 1 == 1 { return (start + 1, EtherType.ofPPP(UInt16(first))) }
        guard let number = bytes.word(start) else { return nil }
        return (start + 2, EtherType.ofPPP(number))
    }
}

/// Numbers of layer 3 as Ethernet says them.
private enum EtherType {
    static let ipv4: UInt16 = 0x0800
    static let ipv6: UInt16 = 0x86dd
    static let vlan: UInt16 = 0x8100
    static let providerVLAN: UInt16 = 0x88a8

    /// AF_INET is 2 everywhere; AF_INET6 is 10 on Linux, 24, 28 and 30 on the BSDs and Darwin.
    static func ofFamily(_ family: UInt16) -> UInt16 {
        switch family {
        case 2: ipv4
        case 10, 24, 28, 30: ipv6
        default: 0
        }
    }

    static func ofPPP(_ number: UInt16) -> UInt16 {
        switch number {
        case 0x0021: ipv4
        case 0x0057: ipv6
        default: 0
        }
    }
}

/// ARPHRD_ numbers of linux/if_arp.h.
private enum Hardware {
    static let ethernet: UInt16 = 1
    static let loopback: UInt16 = 772
    static let netlink: UInt16 = 824
}

extension Span<UInt8> {
    fileprivate func byte(_ offset: Int) -> UInt8? {
        guard offset < count else { return nil }
        return self[offset]
    }

    /// Two bytes, big-endian.
    fileprivate func word(_ offset: Int) -> UInt16? {
        guard let high = byte(offset), let low = byte(offset + 1) else { return nil }
        return UInt16(high) << 8 | UInt16(low)
    }
}
