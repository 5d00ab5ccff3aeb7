// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The client went away, or the server was stopped: whatever a handler was about to do has no reader any more.
package struct ConnectionGone: Error {
    package init() {}
}

/// One connection in the hands of its handler, on the connection's own thread.
package final class ScriptedConnection {
    /// From 1, in the order of their coming.
    package let number: Int
    /// The handler has closed or reset it; nothing can be written any more.
    package private(set) var isClosed = false

    private let descriptor: Int32
    private let note: (ScriptedRequest) -> Void
    private var reader: RequestReader

    init(_ descriptor: Int32, number: Int, note: @escaping (ScriptedRequest) -> Void) {
        self.descriptor = descriptor
        self.number = number
        self.note = note
        reader = RequestReader { Sockets.receive(descriptor) }
    }

    /// Waits for the next request and notes it; nil when the client has closed. Only scripts that started raw need it.
    package func nextRequest() throws -> ScriptedRequest? {
        let request = try reader.next(connection: number) { try write("HTTP/1.1 100 Continue\r\n\r\n") }
        if let request { note(request) }
        return request
    }

    // MARK: Whole answers

    /// A whole answer with a right Content-Length.
    package func respond(_ status: Int = 200, headers: [(String, String)] = [], body: [UInt8] = []) throws {
        try write(Self.head(status, headers + [("Content-Length", "\(body.count)")]) + body)
    }

    /// The same with a text.
    package func respond(_ status: Int, headers: [(String, String)] = [], _ text: String) throws {
        try respond(status, headers: headers, body: Array(text.utf8))
    }

    /// 200 with a text.
    package func respond(_ text: String) throws { try respond(200, text) }

    // MARK: Pieces

    /// The head of an answer whose chunks follow.
    package func startChunks(_ status: Int = 200, headers: [(String, String)] = []) throws {
        try write(Self.head(status, headers + [("Transfer-Encoding", "chunked")]))
    }

    /// One chunk; an empty one is left out, as it would end the body.
    package func chunk(_ bytes: [UInt8]) throws {
        guard !bytes.isEmpty else { return }
        try write(Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + Array("\r\n".utf8))
    }

    /// One chunk of text, such as `"{…}\n"`.
    package func chunk(_ text: String) throws { try chunk(Array(text.utf8)) }

    /// The end of a chunked body.
    package func endChunks() throws { try write("0\r\n\r\n") }

    /// These bytes and nothing else, be they HTTP or not. Waits while the client does not read.
    package func write(_ bytes: [UInt8]) throws {
        guard !isClosed, Sockets.send(descriptor, bytes) else { throw ConnectionGone() }
    }

    /// The same with a text.
    package func write(_ text: String) throws { try write(Array(text.utf8)) }

    /// The bytes of a head, for those who then send a body that does not fit it.
    package static func head(_ status: Int, _ headers: [(String, String)]) -> [UInt8] {
        Array("HTTP/1.1 \(status) \(status < 400 ? "OK" : "Trouble")\r\n\(headers.map { "\($0.0): \($0.1)\r\n" }.joined())\r\n".utf8)
    }

    // MARK: Trouble

    /// Does nothing for so long; throws at once when the client goes away or the server stops.
    package func pause(_ time: Duration) throws {
        let end = ContinuousClock.now + time
        while true {
            let left = end - ContinuousClock.now
            if left <= .zero { return }
            let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1
            if isClosed || Sockets.isHungUp(descriptor, milliseconds: Int32(clamping: milliseconds)) { throw ConnectionGone() }
        }
    }

    /// Never answers: waits until the client gives up.
    package func hang() throws -> Never {
        while true { try pause(.seconds(3600)) }
    }

    /// From here on is nothing but a way to another port of loopback, as a proxy is after CONNECT; ends when either end closes.
    package func relay(toPort port: UInt16) throws {
        guard let other = Sockets.connect(to: port) else { throw ConnectionGone() }
        defer { Glibc.close(other) }
        let answers = RelayHalf(from: other, to: descriptor)
        answers.start()
        Sockets.copy(from: descriptor, to: other)
        answers.wait()
        isClosed = true
    }

    /// Says that nothing more will come (FIN), and goes on listening.
    package func halfClose() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Cuts the connection with a RST: what the client has not read yet is lost.
    package func reset() {
        isClosed = true
        Sockets.lingerZero(descriptor)
    }

    /// Ends the connection in order, now or wherever in an answer.
    package func close() {
        isClosed = true
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// The descriptor goes when the script has ended.
    func finish() {
        isClosed = true
        Glibc.close(descriptor)
    }
}
