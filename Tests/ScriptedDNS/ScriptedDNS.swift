// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// A DNS server on loopback, over UDP and TCP, that says what a test says: right answers, wrong ones, late ones, none.
package final class ScriptedDNS: Sendable {
    package struct Question: Sendable {
        /// The name in lower case, without the dot at its end.
        package var name: String
        package var isTCP: Bool
        /// The whole message.
        package var bytes: [UInt8]
    }

    /// What happens, in order.
    package enum Act: Sendable {
        case send([UInt8])
        case wait(Duration)
        /// Of a TCP connection, without an answer.
        case close

        package static func reply(_ reply: DNSReply, to question: Question) -> Act { .send(reply.message(to: question.bytes)) }
    }

    package typealias Script = @Sendable (Question) -> [Act]

    /// On 127.0.0.1, for UDP and, unless there is none, TCP.
    package let port: UInt16
    private let channels: [any Channel]
    private let log: QuestionLog

    /// Answers at once when this returns.
    package init(tcp: Bool = true, _ script: @escaping Script) async throws {
        let log = QuestionLog()
        let (udp, stream) = try await Self.bind(tcp: tcp, log, script)
        self.log = log
        channels = [udp] + (stream.map { [$0] } ?? [])
        port = UInt16(udp.localAddress?.port ?? 0)
    }

    deinit { for channel in channels { channel.close(promise: nil) } }

    /// What was asked so far, the oldest first.
    package var questions: [Question] { log.all }

    package func stop() async { for channel in channels { try? await channel.close() } }

    /// The kernel chooses the UDP port; whether TCP's is free is seen when it is tried.
    private static func bind(tcp: Bool, _ log: QuestionLog, _ script: @escaping Script) async throws -> (any Channel, (any Channel)?) {
        for attempt in 0... {
            let udp = try await DatagramBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(DatagramHandler(log, script)) }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            guard tcp, let port = udp.localAddress?.port else { return (udp, nil) }
            do {
                let stream = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                    .childChannelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(StreamHandler(log, script)) }
                    }
                    .bind(host: "127.0.0.1", port: port).get()
                return (udp, stream)
            } catch {
                try await udp.close()
                guard attempt < 20 else { throw error }
            }
        }
        preconditionFailure("the loop has no end")
    }
}

/// What came, for tests to count.
final class QuestionLog: Sendable {
    private let questions = Mutex<[ScriptedDNS.Question]>([])

    var all: [ScriptedDNS.Question] { questions.withLock { $0 } }

    /// Nil for what is no question.
    func note(_ bytes: [UInt8], isTCP: Bool) -> ScriptedDNS.Question? {
        var labels: [String] = []
        var position = 12
        while position < bytes.count, case let length = Int(bytes[position]), length > 0, position + length < bytes.count {
            labels.append(String(decoding: bytes[position + 1...position + length], as: UTF8.self).lowercased())
            position += 1 + length
        }
        guard !labels.isEmpty else { return nil }
        let question = ScriptedDNS.Question(name: labels.joined(separator: "."), isTCP: isTCP, bytes: bytes)
        questions.withLock { $0.append(question) }
        return question
    }
}

private final class DatagramHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>

    private let log: QuestionLog
    private let script: ScriptedDNS.Script

    init(_ log: QuestionLog, _ script: @escaping ScriptedDNS.Script) {
        self.log = log
        self.script = script
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        guard let question = log.note(Array(envelope.data.readableBytesView), isTCP: false) else { return }
        let channel = context.channel
        var delay = Duration.zero
        for act in script(question) {
            switch act {
            case .wait(let more): delay += more
            case .close: break
            case .send(let bytes):
                channel.eventLoop.scheduleTask(in: TimeAmount(delay)) {
                    channel.writeAndFlush(AddressedEnvelope(remoteAddress: envelope.remoteAddress, data: ByteBuffer(bytes: bytes)), promise: nil)
                }
            }
        }
    }
}

private final class StreamHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let log: QuestionLog
    private let script: ScriptedDNS.Script
    private var received = ByteBuffer()

    init(_ log: QuestionLog, _ script: @escaping ScriptedDNS.Script) {
        self.log = log
        self.script = script
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received.writeImmutableBuffer(unwrapInboundIn(data))
        while let message = received.readLengthPrefixedSlice(as: UInt16.self) {
            guard let question = log.note(Array(message.readableBytesView), isTCP: true) else { continue }
            let channel = context.channel
            var delay = Duration.zero
            for act in script(question) {
                switch act {
                case .wait(let more): delay += more
                case .close: channel.eventLoop.scheduleTask(in: TimeAmount(delay)) { channel.close(promise: nil) }
                case .send(let bytes):
                    channel.eventLoop.scheduleTask(in: TimeAmount(delay)) {
                        var framed = ByteBuffer()
                        framed.writeInteger(UInt16(bytes.count))
                        framed.writeBytes(bytes)
                        channel.writeAndFlush(framed, promise: nil)
                    }
                }
            }
        }
    }
}
