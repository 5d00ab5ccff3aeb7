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
    private var socket: QuestionSocket
    private var sequence: UInt32 = 0
    private var questions = ConntrackMessage.Questions()

    /// Answers wait in the socket's buffer, so there must be room for those of one batch.
    private static let batch = 512

    /// Opens a socket and makes sure that somebody answers.
    public static func open() throws(ConntrackError) -> ConntrackSocket {
        let opened: QuestionSocket
        do { opened = try QuestionSocket(ASK_NETFILTER) } catch { throw ConntrackError(number: error.number) }
        var socket = ConntrackSocket(opened)
        _ = try socket.counts()
        return socket
    }

    private init(_ socket: consuming QuestionSocket) { self.socket = socket }

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
        socket.exchange(questions.bytes) { ConntrackMessage.read($0, body) }
    }
}
