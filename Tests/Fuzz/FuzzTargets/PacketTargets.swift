// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PacketFile
internal import PacketParser
internal import PacketReplay
internal import WeirCapture
internal import WeirKit

extension FuzzTarget {
    private static let headers = [
        "\u{8}\u{0}E\u{0}\u{0}", "\u{6}", "\u{11}", "\u{1}", "`\u{0}\u{0}\u{0}", ":", ",", "\u{3c}", "\u{0}", "\u{2b}", "2", "\u{4}\u{0}",
        "\u{1}\u{0}\u{0}\u{0}",
        // VXLAN, Ethernet in Geneve and GRE, GRE.
        "\u{8}\u{0}\u{0}\u{0}\u{0}\u{0}\u{7}\u{0}", "eX", "/",
        "\u{7f}\u{7f}",
    ]

    /// One packet: two bytes of choices (fields, link type), one of bytes cut off, two of GSO size and one of segments, then the packet.
    static let packet = FuzzTarget("packet", words: headers, maxBytes: 512) { (bytes) throws(BrokenLaw) in
        guard bytes.count >= 6 else { return }
        let types = LinkType.allCases
        let packet = Array(bytes[6...])
        guard let layer = LinkLayer(packet.span, types[Int(bytes[1]) % types.count]) else { return }
        // A tag that was cut short is left for the parser; what is skipped was there.
        try require(layer.skipped <= packet.count, "\(layer.skipped) bytes of a packet of \(packet.count) are skipped")
        let inner = Array(packet[layer.skipped...])
        var shape = PacketShape(wireLength: UInt32(inner.count) + UInt32(bytes[2]), linkHeader: layer.header, etherType: layer.etherType)
        let choice = bytes[0]
        let parser = PacketParser(
            transport: choice & 1 != 0, ports: choice & 2 != 0, initiator: choice & 4 != 0, kernelLengths: choice & 8 != 0)
        let found = parser.parse(inner.span, shape)
        try require(parser.parse(inner.span, shape) == found, "the same packet is read in two ways")
        try single(found, shape, choice)
        try padded(found, shape, parser, inner, choice)

        shape.segmentSize = UInt32(bytes[3]) << 8 | UInt32(bytes[4])
        shape.segments = UInt32(bytes[5])
        try superPacket(found, inner, shape, parser, choice)
    }

    /// A packet that is one packet.
    private static func single(_ found: ParsedPacket, _ shape: PacketShape, _ choice: UInt8) throws(BrokenLaw) {
        try require(found.packets == 1, "one packet counts as \(found.packets)")
        try require(found.bytes <= UInt64(shape.wireLength), "\(found.bytes) of \(shape.wireLength) bytes count")
        guard found.verdict == .counted else {
            let nothing = IPAddress(high: 0, low: 0)
            return try require(
                found.source == nothing && found.destination == nothing && found.sourcePort == 0 && found.destinationPort == 0
                    && found.transport == 0 && found.handshake == [], "what does not count has a key")
        }
        try require(found.source.isIPv4 == found.destination.isIPv4 || shape.etherType != 0x0800, "an IPv4 packet between families")
        if choice & 2 == 0 { try require(found.sourcePort == 0 && found.destinationPort == 0, "ports that nobody asked for") }
        if choice & 1 == 0 { try require(found.transport == 0, "a transport that nobody asked for") }
        if choice & 4 == 0 { try require(found.handshake == [], "a handshake that nobody asked for") }
    }

    /// Ethernet pads short packets: where the header's own length counts, what lies behind it changes nothing.
    private static func padded(
        _ found: ParsedPacket, _ shape: PacketShape, _ parser: PacketParser, _ bytes: [UInt8], _ choice: UInt8
    ) throws(BrokenLaw) {
        // Up to two tags may stand before layer 3: then the length of what is there is not known here to the byte.
        guard choice & 8 == 0, found.verdict == .counted, found.bytes + UInt64(shape.linkHeader) + 8 < UInt64(shape.wireLength) else { return }
        var longer = shape
        longer.wireLength += 18
        try require(parser.parse(bytes.span, longer) == found, "18 bytes of padding change what a packet counts as")
    }

    /// Segments change what a packet counts as, never whose it is: n of them are its length and n - 1 times the same headers.
    private static func superPacket(
        _ single: ParsedPacket, _ bytes: [UInt8], _ shape: PacketShape, _ parser: PacketParser, _ choice: UInt8
    ) throws(BrokenLaw) {
        let found = parser.parse(bytes.span, shape)
        var key = found
        (key.bytes, key.packets) = (single.bytes, single.packets)
        try require(key == single, "the segments changed the key")
        guard shape.segmentSize > 0, found.verdict == .counted, choice & 8 == 0 else {
            return try require(found == single, "a packet without segments counts as \(found.packets), \(found.bytes) bytes")
        }
        func parsed(_ segments: UInt32) -> ParsedPacket {
            var other = shape
            other.segments = segments
            return parser.parse(bytes.span, other)
        }
        let (one, two) = (parsed(1), parsed(2))
        try require(one.packets == 1 && two.packets == 2 && two.bytes >= one.bytes, "one is \(one.packets), two are \(two.packets)")
        let headers = two.bytes - one.bytes
        var packets = UInt64(shape.segments)
        if packets == 0 {
            let payload = one.bytes - min(one.bytes, headers)
            // 0xffff: segments of unequal sizes, which only their number counts.
            packets = payload == 0 || shape.segmentSize == 0xffff ? 1 : (payload + UInt64(shape.segmentSize) - 1) / UInt64(shape.segmentSize)
        }
        try require(found.packets == packets, "\(found.packets) packets instead of \(packets)")
        try require(
            found.bytes == one.bytes + (packets - 1) * headers,
            "\(found.bytes) bytes in \(packets) segments of \(one.bytes) with headers of \(headers)")
    }

    /// A packet file: its windows hold every packet once, to the byte, in order; the same file gives the same windows.
    static let packetFile = FuzzTarget(
        "packet_file",
        words: headers + [
            "\u{1}\u{0}\u{0}\u{0}", "\u{6}\u{0}\u{0}\u{0}", "\u{2}\u{0}\u{0}\u{0}", "\u{3}\u{0}\u{0}\u{0}", "M<+\u{1a}", "\u{20}\u{0}\u{0}\u{0}",
        ],
        maxBytes: 4096
    ) { (bytes) throws(BrokenLaw) in
        var options = ReplayOptions(window: .seconds(1))
        // Few, so that a table is full and a window is handed on early.
        options.capture.maxFlows = 4
        options.capture.initiator = true
        let first = try windows(bytes, options)
        let second = try windows(bytes, options)
        try require(first == second, "the same file was read in two ways")
    }

    /// What comes out of a file, one line a flow.
    private static func windows(_ bytes: [UInt8], _ options: ReplayOptions) throws(BrokenLaw) -> [String] {
        var reader: PacketWindows
        do throws(PacketFileError) { reader = try PacketWindows.open(bytes: bytes, options) } catch { return [error.description] }
        var lines: [String] = []
        var packets: UInt64 = 0
        var last: FlowWindow?
        var errors = 0
        while true {
            let window: FlowWindow?
            do throws(PacketFileError) { window = try reader.next() } catch {
                lines.append(error.description)
                errors += 1
                try require(errors == 1, "a file ends in two errors: \(error)")
                continue
            }
            guard let window else { break }
            try require(errors == 0, "a window behind the error")
            try check(window, after: last, length: UInt64(options.window.nanoseconds))
            packets += window.book.seen.packets
            lines += ["\(window.range) \(window.isEarly)"] + window.flows.map { "\($0)" }
            last = window
        }
        try require(reader.summary.packets == packets, "\(reader.summary.packets) packets were read, \(packets) are in the books")
        return lines
    }

    private static func check(_ window: FlowWindow, after last: FlowWindow?, length: UInt64) throws(BrokenLaw) {
        try require(window.book.isBalanced, "the book is off by \(window.book.imbalance)")
        let sum = window.flows.reduce(into: (bytes: UInt64(0), packets: UInt64(0))) {
            ($0.bytes, $0.packets) = ($0.bytes + $1.bytes, $0.packets + $1.packets)
        }
        try require(sum == (window.book.inMap.bytes, window.book.inMap.packets), "the flows have \(sum), the book says \(window.book.inMap)")
        try require(window.range.lowerBound % length == 0, "a window begins at \(window.range.lowerBound)")
        try require(window.isEarly || window.range.count == length, "a window from \(window.range.lowerBound) to \(window.range.upperBound)")
        guard let last else { return }
        let isNext = last.isEarly ? window.range.lowerBound >= last.range.lowerBound : window.range.lowerBound >= last.range.upperBound
        try require(isNext, "a window at \(window.range.lowerBound) comes after one at \(last.range.lowerBound)")
    }
}
