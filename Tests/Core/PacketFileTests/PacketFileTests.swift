// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import PacketFile
import PacketFrames
import Testing

@Suite struct PacketFileTests {
    struct Read: Equatable {
        var time: UInt64
        var length: UInt32
        var bytes: [UInt8]
    }

    /// Every packet, and how it ended.
    static func read(_ bytes: [UInt8]) -> (type: LinkType?, packets: [Read], error: PacketFileError?) {
        var packets: [Read] = []
        do throws(PacketFileError) {
            var file = try PacketFile.open(bytes: bytes, name: "test")
            do throws(PacketFileError) {
                while try file.next({ packet, bytes in
                    packets.append(Read(time: packet.nanoseconds, length: packet.wireLength, bytes: bytes.indices.map { bytes[$0] }))
                }) {}
            } catch {
                // It stays at its end.
                let isOver = (try? file.next { _, _ in }) == false
                #expect(isOver)
                return (file.linkType, packets, error)
            }
            #expect(file.count == packets.count)
            return (file.linkType, packets, nil)
        } catch { return (nil, packets, error) }
    }

    /// What opening a path says, nil when it can be opened.
    static func refusal(_ path: String) -> String? {
        do throws(PacketFileError) { _ = try PacketFile.open(path: path) } catch { return error.description }
        return nil
    }

    static let start: UInt64 = 1_700_000_000_123_456_789
    static let frames = [Frame.udp(1, 2, payload: 5), Frame.udp(3, 4, payload: 6)].map { $0.ipv4(17).ethernet(0x800).bytes }

    @Test(
        "both formats, both byte orders, nanoseconds and microseconds",
        arguments: [
            (CaptureFile.Format.pcap(isNano: true), UInt64(1)), (.pcap(isNano: false), 1000), (.pcap(isNano: true, isBig: true), 1),
            (.pcap(isNano: false, isBig: true), 1000), (.pcapng, 1),
        ])
    func formats(_ format: CaptureFile.Format, resolution: UInt64) {
        var file = CaptureFile(format)
        file.add(Self.frames[0], at: Self.start)
        file.add(Self.frames[1], at: Self.start + 5_000_000, length: 2000)
        let (type, packets, error) = Self.read(file.bytes)
        #expect(error == nil)
        #expect(type == .ethernet)
        let start = Self.start / resolution * resolution
        #expect(
            packets == [
                Read(time: start, length: UInt32(Self.frames[0].count), bytes: Self.frames[0]),
                Read(time: start + 5_000_000, length: 2000, bytes: Self.frames[1]),
            ])
    }

    @Test(
        "link types have libpcap's numbers",
        arguments: [
            (UInt16(0), LinkType.null), (1, .ethernet), (9, .ppp), (50, .pppSerial), (101, .raw), (104, .ciscoHDLC), (108, .loop),
            (113, .linuxCooked),
            (228, .ipv4), (229, .ipv6), (276, .linuxCooked2),
        ])
    func linkTypes(number: UInt16, type: LinkType) {
        #expect(Self.read(CaptureFile(linkType: number).bytes).type == type)
        #expect(Self.read(CaptureFile(linkType: number, .pcapng).bytes).type == type)
    }

    @Test("several interfaces of one kind are one file")
    func interfaces() {
        var file = CaptureFile(.pcapng)
        file.addInterface(linkType: 1)
        file.add(Self.frames[0], at: Self.start)
        file.add(Self.frames[1], at: Self.start, interface: 1)
        #expect(Self.read(file.bytes).packets.map(\.bytes) == Self.frames)
    }

    @Test("a second interface of another kind: the packets before it, then why not more")
    func otherInterface() {
        var file = CaptureFile(.pcapng)
        file.add(Self.frames[0], at: Self.start)
        file.addInterface(linkType: 113)
        file.add(Self.frames[1], at: Self.start, interface: 1)
        let (_, packets, error) = Self.read(file.bytes)
        #expect(packets.map(\.bytes) == [Self.frames[0]])
        #expect(error?.description.hasPrefix("test: could not read packet 2: ") == true)
        #expect(error?.description.contains("type") == true, "\(error.map(String.init(describing:)) ?? "")")
        #expect(error?.isAfterPackets == true)
    }

    @Test("a link type that leads nowhere is named, with those that are understood")
    func unsupported() {
        let text = Self.read(CaptureFile(linkType: 105).bytes).error?.description
        #expect(
            text == """
                test: could not read packets with the link type IEEE802_11: needed one of C_HDLC, EN10MB, IPV4, IPV6, LINUX_SLL, LINUX_SLL2, LOOP, \
                NULL, PPP, PPP_SERIAL, RAW; capture at an Ethernet device or at `any`
                """)
        #expect(Self.read(CaptureFile(linkType: 147).bytes).error?.reason == .linkType("number 147"))
    }

    @Test("a file cut at any byte gives the packets before the cut, then says where it is", arguments: [CaptureFile.Format.pcap(), .pcapng])
    func cut(_ format: CaptureFile.Format) {
        var file = CaptureFile(format)
        var ends = [file.bytes.count]
        for frame in Self.frames {
            file.add(frame, at: Self.start)
            ends.append(file.bytes.count)
        }
        for length in 0...file.bytes.count {
            let (_, packets, error) = Self.read(Array(file.bytes[..<length]))
            let whole = max(0, ends.count { $0 <= length } - 1)
            #expect(packets.map(\.bytes) == Array(Self.frames[..<whole]), "\(length)")
            if ends.contains(length) {
                #expect(error == nil, "\(length)")
            } else if length > ends[0] {
                guard case .broken(packet: UInt64(whole) + 1, _) = error?.reason else { Issue.record("\(length): \(error as Any)"); continue }
            } else {
                guard case .notOpened = error?.reason else { Issue.record("\(length): \(error as Any)"); continue }
            }
        }
    }

    @Test("what is no packet file says so")
    func noPacketFile() {
        let text = Self.read(Array("hello, this is not a packet file at all".utf8)).error?.description ?? ""
        #expect(text.hasPrefix("test: could not open: unknown file format; a pcap or pcapng file is needed"))
        #expect(Self.refusal("/nonexistent/file.pcap")?.hasPrefix("/nonexistent/file.pcap: could not open: No such file or directory") == true)
        #expect(Self.refusal("/")?.hasPrefix("/: could not open: ") == true)
    }

    @Test("standard input is a file like others")
    func standardInput() throws {
        let folder = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
        let path = "/\(folder)/PacketReplayTests/Captures/any-sll.pcap"
        let before = dup(0)
        // The path is read before the call returns.
        let opened = unsafe Glibc.open(path, O_RDONLY)
        #expect(opened >= 0 && dup2(opened, 0) == 0)
        defer {
            dup2(before, 0)
            close(before)
            close(opened)
        }
        var file = try PacketFile.open(path: "-")
        var bytes = 0
        while try file.next({ _, packet in bytes += packet.count }) {}
        #expect(file.name == "standard input")
        #expect(file.count == 18)
        // Less the header of the file and of each packet.
        #expect(bytes == 1884 - 24 - 18 * 16)
    }

    @Test("random damage ends in packets or in an error", arguments: [UInt64.random(in: 0...UInt64.max)])
    func damage(seed: UInt64) {
        var random = SplitMix(state: seed)
        var ended = 0
        for round in 0..<2000 {
            var file = CaptureFile(linkType: 1, round % 2 == 0 ? .pcap() : .pcapng)
            for _ in 0..<3 { for frame in Self.frames { file.add(frame, at: Self.start) } }
            var bytes = file.bytes
            for _ in 0..<(1 + random.next() % 4) { bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next()) }
            let (_, packets, error) = Self.read(bytes)
            #expect(packets.count <= bytes.count / 16, "seed \(seed)")
            if error != nil { ended += 1 }
        }
        #expect(ended > 100, "seed \(seed): damage must show")
    }
}
