// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

private import CLibMNL
private import Glibc

/// What the kernel said of one tuple.
public enum ConntrackAnswer: Sendable, Equatable {
    case connection(TrackedConnection)
    case unknown
    /// The question or its answer was lost, or refused.
    case failed
}

/// Why connection tracking cannot be asked here.
public enum ConntrackError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kernel has no nf_conntrack_netlink.
    case missing
    /// The process lacks CAP_NET_ADMIN in this network namespace.
    case forbidden
    /// Another `errno`.
    case system(Int32)

    init(number: Int32) {
        switch number {
        case EPERM, EACCES: self = .forbidden
        // nfnetlink answers EINVAL when nobody serves the subsystem.
        case EPROTONOSUPPORT, EAFNOSUPPORT, EOPNOTSUPP, EINVAL: self = .missing
        default: self = .system(number)
        }
    }

    public var description: String {
        switch self {
        case .missing: "the kernel has no nf_conntrack_netlink"
        case .forbidden: "CAP_NET_ADMIN is missing"
        case .system(let number): NetlinkError(number: number).description
        }
    }
}

/// Asks the connection tracking of the network namespace of the thread that made it. Never waits: the kernel answers while
/// it is asked.
public struct ConntrackSocket: ~Copyable, Sendable {
    private let socket: Int32
    private var sequence: UInt32 = 0
    private var questions = ConntrackMessage.Questions()
    /// Room for some messages, each in a slot of its own.
    private var buffer = [UInt8](repeating: 0, count: slots * slot)
    private var lengths = [UInt32](repeating: 0, count: slots)

    /// Answers wait in the socket's buffer, so there must be room for those of one batch.
    private static let batch = 512
    private static let slots = 32
    /// An answer has some 250 bytes; the kernel fills one message of a list up to a page, and to what a reader has room for.
    private static let slot = 8192

    /// Opens a socket and makes sure that somebody answers.
    public static func open() throws(ConntrackError) -> ConntrackSocket {
        let opened = conntrack_open()
        guard opened >= 0 else { throw ConntrackError(number: -opened) }
        var socket = ConntrackSocket(owning: opened)
        _ = try socket.counts()
        return socket
    }

    private init(owning socket: Int32) { self.socket = socket }

    deinit { conntrack_close(socket) }

    /// Asks for each tuple, in both directions of connections; `answers` become as many, in the same order.
    public mutating func ask(_ tuples: [ConnectionTuple], into answers: inout [ConntrackAnswer]) {
        answers.removeAll(keepingCapacity: true)
        answers.append(contentsOf: repeatElement(.failed, count: tuples.count))
        var first = 0
        while first < tuples.count {
            let end = min(first + Self.batch, tuples.count)
            let base = sequence &+ 1
            questions.removeAll()
            for index in first..<end {
                sequence &+= 1
                questions.append(tuples[index], sequence: sequence)
            }
            _ = exchange { message in
                let number = Int(message.sequence &- base)
                guard number < end - first else { return }
                switch message.content {
                case .connection(let connection): answers[first + number] = .connection(connection)
                case .error(ENOENT): answers[first + number] = .unknown
                default: break
                }
            }
            first = end
        }
    }

    /// What all CPUs counted together.
    public mutating func counts() throws(ConntrackError) -> ConntrackCounts {
        sequence &+= 1
        let asked = sequence
        questions.removeAll()
        questions.appendCounts(sequence: asked)
        var sum = ConntrackCounts()
        var failure: Int32 = 0
        // A list comes piece by piece: reading one makes the kernel write the next.
        let error = exchange { message in
            guard message.sequence == asked else { return }
            switch message.content {
            case .counts(let counts): sum += counts
            case .error(let number) where number != 0: failure = number
            default: break
            }
        }
        guard error == 0, failure == 0 else { throw ConntrackError(number: error == 0 ? failure : error) }
        return sum
    }

    /// Sends the questions and shows every message that is there then; an `errno`, or 0.
    private mutating func exchange(_ body: (ConntrackMessage) -> Void) -> Int32 {
        let length = questions.bytes.count
        // The bytes stay where they are for the call; the kernel copies them.
        let sent = unsafe questions.bytes.withUnsafeBufferPointer { unsafe conntrack_send(socket, $0.baseAddress, length) }
        guard sent >= 0 else { return -sent }
        var lost: Int32 = 0
        while true {
            // The kernel writes into both arrays during the call and keeps neither.
            let received = unsafe conntrack_receive(socket, &buffer, UInt32(Self.slot), &lengths, UInt32(Self.slots))
            // Some answers found no room; those that did are behind this word.
            if received == -ENOBUFS, lost == 0 {
                lost = ENOBUFS
                continue
            }
            guard received > 0 else { return received == 0 ? lost : -received }
            for index in 0..<Int(received) {
                let start = index * Self.slot
                ConntrackMessage.read(buffer.span.extracting(start..<start + min(Int(lengths[index]), Self.slot)), body)
            }
        }
    }
}
