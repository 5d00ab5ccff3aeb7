// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import PacketFile
import PacketFrames
import Testing
import WeirTesting

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

    @Test("a fraction of a second or more is carried, as other readers do; a negative one is said to be that")
    func fractions() {
        func read(_ fraction: [UInt8], isNano: Bool, second: UInt8 = 5) -> (times: [UInt64], error: String?) {
            var file = CaptureFile(.pcap(isNano: isNano))
            for frame in Self.frames { file.add(frame, at: 0) }
            var bytes = file.bytes
            // The second packet's time stamp, little-endian.
            bytes.replaceSubrange(24 + 16 + Self.frames[0].count + 0..<24 + 16 + Self.frames[0].count + 8, with: [second, 0, 0, 0] + fraction)
            let (_, packets, error) = Self.read(bytes)
            return (packets.map(\.time), error?.description)
        }
        // 1,500,000,000 ns and 1,500,000 µs.
        #expect(read([0x00, 0x2f, 0x68, 0x59], isNano: true).times == [0, 6_500_000_000])
        #expect(read([0x60, 0xe3, 0x16, 0x00], isNano: false).times == [0, 6_500_000_000])
        for isNano in [true, false] {
            let found = read([0xff, 0xff, 0xff, 0xff], isNano: isNano)
            #expect(found.times == [0])
            let message =
                "test: could not read packet 2: the fraction of a second in its time stamp is negative (\(isNano ? -1 : -1000) ns); the packets before it were used; "
            #expect(found.error?.hasPrefix(message) == true, "\(found)")
            #expect(found.error?.hasSuffix("editcap -t, or leave the packet out with editcap IN OUT 2") == true)
        }
    }

    @Test("nothing is said of packets before the first")
    func firstTime() {
        var file = CaptureFile()
        file.add(Self.frames[0], at: 0)
        var bytes = file.bytes
        bytes.replaceSubrange(28..<32, with: [0xff, 0xff, 0xff, 0xff])
        let text = Self.read(bytes).error?.description ?? ""
        #expect(text.contains("could not read packet 1: the fraction") && !text.contains("before it"), "\(text)")
        #expect(!PacketFileError("a", .broken(packet: 1, "x")).description.contains("before it"))
        #expect(PacketFileError("a", .broken(packet: 2, "x")).description == "a: could not read packet 2: x; the packets before it were used")
        let late = PacketFileError("a", .time(packet: 1, seconds: 9_999_999_999, nanosecond: 5)).description
        #expect(late.contains("its time stamp, 9999999999 s, is not between 1970 and 2262"), "\(late)")
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
    func standardInput() async throws {
        // In a process of its own: the other tests of this one go on meanwhile, and its descriptor 0 is theirs too.
        await #expect(processExitsWith: .success) {
            let folder = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
            let path = "/\(folder)/PacketReplayTests/Captures/any-sll.pcap"
            // The path is read before the call returns.
            let opened = unsafe Glibc.open(path, O_RDONLY)
            #expect(opened > 0 && dup2(opened, 0) == 0)
            var file = try PacketFile.open(path: "-")
            var bytes = 0
            while try file.next({ _, packet in bytes += packet.count }) {}
            #expect(file.name == "standard input")
            #expect(file.count == 18)
            // Less the header of the file and of each packet.
            #expect(bytes == 1884 - 24 - 18 * 16)
        }
    }

    @Test("random damage ends in packets or in an error", arguments: [SplitMix64.freshSeed])
    func damage(seed: UInt64) {
        var random = SplitMix64(seed: seed)
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
