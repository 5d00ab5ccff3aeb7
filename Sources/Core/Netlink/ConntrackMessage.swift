// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// What the kernel's connection tracking answers, read from bytes. Nothing in here meets the kernel.
///
/// ```
///  0      4      6       8          12        16     17       18       20
///  | length | type | flags | sequence | port id | family, version, id | attributes …
///  |<------------ nlmsghdr ------------------>|<---- nfgenmsg ---->|
/// ```
/// Numbers of netlink are the machine's, and Swift on Linux runs on little-endian machines; numbers of the network, inside of
/// the attributes, are big-endian.
public struct ConntrackMessage: Sendable, Equatable {
    public enum Content: Sendable, Equatable {
        case connection(TrackedConnection)
        /// An `errno`; 2, ENOENT, for a connection that the kernel does not know. 0 acknowledges.
        case error(Int32)
        /// What one CPU counted.
        case counts(ConntrackCounts)
        /// The end of a list.
        case done
        /// Nothing that anybody asked for.
        case other
    }

    /// The number of the question that it answers.
    public var sequence: UInt32
    public var content: Content

    public init(sequence: UInt32, content: Content) {
        self.sequence = sequence
        self.content = content
    }

    /// Every whole message in `bytes`, in order. What is cut off or badly formed is left out.
    public static func read(_ bytes: Span<UInt8>, _ body: (ConntrackMessage) -> Void) {
        var start = 0
        while bytes.count - start >= Layout.header {
            let length = Int(clamping: bytes.number32(start))
            guard length >= Layout.header, length <= bytes.count - start else { return }
            if let message = read(bytes, start..<start + length) { body(message) }
            start += Layout.aligned(length)
        }
    }

    private static func read(_ bytes: Span<UInt8>, _ message: Range<Int>) -> ConntrackMessage? {
        let type = bytes.number16(message.lowerBound + 4)
        let body = message.lowerBound + Layout.header
        let content: Content
        switch type {
        case Layout.error:
            guard message.upperBound - body >= 4 else { return nil }
            // The kernel writes a negative errno.
            content = .error(0 &- Int32(truncatingIfNeeded: bytes.number32(body)))
        case Layout.done: content = .done
        case Layout.connection:
            guard let connection = connection(bytes, body + Layout.family..<message.upperBound) else { return nil }
            content = .connection(connection)
        case Layout.counts:
            guard message.upperBound - body >= Layout.family else { return nil }
            content = .counts(counts(bytes, body + Layout.family..<message.upperBound))
        default: content = .other
        }
        return ConntrackMessage(sequence: bytes.number32(message.lowerBound + 8), content: content)
    }

    private static func connection(_ bytes: Span<UInt8>, _ attributes: Range<Int>) -> TrackedConnection? {
        guard attributes.lowerBound <= attributes.upperBound else { return nil }
        var original: ConnectionTuple?
        var reply: ConnectionTuple?
        var isPickedUp = false
        var position = attributes.lowerBound
        while let (type, payload) = bytes.nextAttribute(&position, attributes.upperBound) {
            switch type {
            case Layout.original: original = tuple(bytes, payload)
            case Layout.reply: reply = tuple(bytes, payload)
            case Layout.state: isPickedUp = isLiberal(bytes, payload)
            default: break
            }
        }
        guard let original, let reply, original.transport == reply.transport else { return nil }
        return TrackedConnection(original: original, reply: reply, isPickedUp: isPickedUp)
    }

    /// Both directions are taken as they come, without a window that was seen to be agreed on.
    private static func isLiberal(_ bytes: Span<UInt8>, _ attributes: Range<Int>) -> Bool {
        var both: UInt8 = 0
        var position = attributes.lowerBound
        while let (type, payload) = bytes.nextAttribute(&position, attributes.upperBound) {
            guard type == Layout.tcp else { continue }
            var inner = payload.lowerBound
            while let (kind, value) = bytes.nextAttribute(&inner, payload.upperBound) {
                guard kind == Layout.tcpOriginal || kind == Layout.tcpReply, value.count == 2 else { continue }
                if bytes[value.lowerBound] & Layout.liberal != 0 { both |= kind == Layout.tcpOriginal ? 1 : 2 }
            }
        }
        return both == 3
    }

    private static func tuple(_ bytes: Span<UInt8>, _ attributes: Range<Int>) -> ConnectionTuple? {
        var source: IPAddress?
        var destination: IPAddress?
        var ports: (UInt16, UInt16) = (0, 0)
        var transport: UInt8?
        var position = attributes.lowerBound
        while let (type, payload) = bytes.nextAttribute(&position, attributes.upperBound) {
            var inner = payload.lowerBound
            while let (kind, value) = bytes.nextAttribute(&inner, payload.upperBound) {
                switch (type, kind) {
                case (Layout.addresses, Layout.source4) where value.count == 4, (Layout.addresses, Layout.source6) where value.count == 16:
                    source = bytes.address(value)
                case (Layout.addresses, Layout.destination4) where value.count == 4,
                    (Layout.addresses, Layout.destination6) where value.count == 16:
                    destination = bytes.address(value)
                case (Layout.ports, Layout.transport) where value.count >= 1: transport = bytes[value.lowerBound]
                case (Layout.ports, Layout.sourcePort) where value.count == 2: ports.0 = UInt16(bytes.big(value))
                case (Layout.ports, Layout.destinationPort) where value.count == 2: ports.1 = UInt16(bytes.big(value))
                default: break
                }
            }
        }
        guard let source, let destination, let transport else { return nil }
        return ConnectionTuple(source, ports.0, destination, ports.1, transport: transport)
    }

    private static func counts(_ bytes: Span<UInt8>, _ attributes: Range<Int>) -> ConntrackCounts {
        var counts = ConntrackCounts()
        var position = attributes.lowerBound
        while let (type, payload) = bytes.nextAttribute(&position, attributes.upperBound) {
            guard payload.count == 4 else { continue }
            switch type {
            case Layout.dropped: counts.dropped += bytes.big(payload)
            case Layout.earlyDropped: counts.earlyDropped += bytes.big(payload)
            default: break
            }
        }
        return counts
    }
}

/// What connection tracking could not keep because its table was full, since the machine started. 32 bits per CPU that wrap.
public struct ConntrackCounts: Sendable, Equatable {
    /// Packets of new connections that found no room, and went no further.
    public var dropped: UInt64 = 0
    /// Connections that gave way to new ones.
    public var earlyDropped: UInt64 = 0

    public init() {}

    public static func += (sum: inout ConntrackCounts, more: ConntrackCounts) {
        sum.dropped &+= more.dropped
        sum.earlyDropped &+= more.earlyDropped
    }
}

extension ConntrackMessage {
    /// Questions, one behind the other, ready to be sent.
    public struct Questions: Sendable {
        public private(set) var bytes: [UInt8] = []

        public init() {}

        public mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

        /// "Which connection has this tuple, in either direction?"
        public mutating func append(_ tuple: ConnectionTuple, sequence: UInt32) {
            let start = bytes.count
            let isIPv4 = tuple.source.isIPv4
            let (template, width) = isIPv4 ? (Layout.question4, 4) : (Layout.question6, 16)
            bytes.append(contentsOf: template)
            put(sequence, at: start + 8)
            // Header, family, the tuple's head, the addresses' head, an attribute's head.
            let source = start + Layout.header + Layout.family + 12
            put(tuple.source, width, at: source)
            put(tuple.destination, width, at: source + width + 4)
            let transport = source + 2 * width + 12
            bytes[transport] = tuple.transport
            putBig(tuple.sourcePort, at: transport + 8)
            putBig(tuple.destinationPort, at: transport + 16)
        }

        /// "What did each CPU count?"
        public mutating func appendCounts(sequence: UInt32) {
            let start = bytes.count
            let length = Layout.header + Layout.family
            bytes.append(contentsOf: Layout.head(type: Layout.askCounts, flags: Layout.request | Layout.dump, family: 0, length: length))
            put(sequence, at: start + 8)
        }

        private mutating func put(_ number: UInt32, at place: Int) {
            for byte in 0..<4 { bytes[place + byte] = UInt8(truncatingIfNeeded: number >> UInt32(8 * byte)) }
        }

        private mutating func putBig(_ number: UInt16, at place: Int) {
            bytes[place] = UInt8(number >> 8)
            bytes[place + 1] = UInt8(truncatingIfNeeded: number)
        }

        private mutating func put(_ address: IPAddress, _ width: Int, at place: Int) {
            for byte in 0..<min(width, 8) { bytes[place + width - 1 - byte] = UInt8(truncatingIfNeeded: address.low >> UInt64(8 * byte)) }
            guard width == 16 else { return }
            for byte in 0..<8 { bytes[place + 7 - byte] = UInt8(truncatingIfNeeded: address.high >> UInt64(8 * byte)) }
        }
    }

    /// Numbers of <linux/netlink.h>, <linux/netfilter/nfnetlink.h> and <linux/netfilter/nfnetlink_conntrack.h>.
    private enum Layout {
        static let header = 16
        static let family = 4
        // Types of messages: those of connection tracking have its number, 1, in the upper byte.
        static let error: UInt16 = 2
        static let done: UInt16 = 3
        static let connection: UInt16 = 0x100
        static let askConnection: UInt16 = 0x101
        /// The kernel answers with the type of the question.
        static let counts: UInt16 = 0x104
        static let askCounts: UInt16 = 0x104
        static let request: UInt16 = 1
        static let dump: UInt16 = 0x300
        // Attributes of a connection, of a tuple, of its addresses, of its ports.
        static let original: UInt16 = 1
        static let reply: UInt16 = 2
        static let addresses: UInt16 = 1
        static let ports: UInt16 = 2
        static let source4: UInt16 = 1
        static let destination4: UInt16 = 2
        static let source6: UInt16 = 3
        static let destination6: UInt16 = 4
        static let transport: UInt16 = 1
        static let sourcePort: UInt16 = 2
        static let destinationPort: UInt16 = 3
        // Attributes of a connection's state: what TCP knows of either direction (flags and their mask), and the flag
        // IP_CT_TCP_FLAG_BE_LIBERAL.
        static let state: UInt16 = 4
        static let tcp: UInt16 = 1
        static let tcpOriginal: UInt16 = 4
        static let tcpReply: UInt16 = 5
        static let liberal: UInt8 = 8
        // Attributes of a CPU's counts.
        static let dropped: UInt16 = 10
        static let earlyDropped: UInt16 = 11
        static let nested: UInt16 = 0x8000

        static func aligned(_ length: Int) -> Int { (length + 3) & ~3 }

        static func head(type: UInt16, flags: UInt16, family: UInt8, length: Int) -> [UInt8] {
            pair(UInt16(length)) + [0, 0] + pair(type) + pair(flags) + [UInt8](repeating: 0, count: 8) + [family, 0, 0, 0]
        }

        private static func pair(_ number: UInt16) -> [UInt8] { [UInt8(truncatingIfNeeded: number), UInt8(number >> 8)] }

        private static func attribute(_ type: UInt16, _ payload: [UInt8]) -> [UInt8] {
            pair(UInt16(4 + payload.count)) + pair(type) + payload + [UInt8](repeating: 0, count: aligned(payload.count) - payload.count)
        }

        /// AF_INET and AF_INET6.
        static let question4 = question(family: 2, source4, destination4, [UInt8](repeating: 0, count: 4))
        static let question6 = question(family: 10, source6, destination6, [UInt8](repeating: 0, count: 16))

        private static func question(family: UInt8, _ source: UInt16, _ destination: UInt16, _ address: [UInt8]) -> [UInt8] {
            let tuple = attribute(
                original | nested,
                attribute(addresses | nested, attribute(source, address) + attribute(destination, address))
                    + attribute(ports | nested, attribute(transport, [0]) + attribute(sourcePort, [0, 0]) + attribute(destinationPort, [0, 0])))
            return head(type: askConnection, flags: request, family: family, length: header + Self.family + tuple.count) + tuple
        }
    }
}
