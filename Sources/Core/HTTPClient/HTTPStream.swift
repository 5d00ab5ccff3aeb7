// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// An answer whose body arrives by and by. One reader at a time; dropping it cancels the transfer.
public final class HTTPStream: Sendable {
    public let status: Int
    public let headers: HTTPHeaders
    private let exchange: Exchange
    private let engine: EngineLease
    private let splitter = Mutex(LineSplitter())

    init(_ head: ResponseHead, _ exchange: Exchange, _ engine: EngineLease) {
        status = head.status
        headers = head.headers
        self.exchange = exchange
        self.engine = engine
    }

    deinit { exchange.cancel() }

    /// What has come since the last call, after waiting for something; nil at the end. What came before a failure is given before
    /// the failure is thrown. Cancelling the task that waits cancels the transfer.
    public func nextChunk() async throws(HTTPError) -> [UInt8]? {
        if let rest = splitter.withLock({ $0.takeRest() }) { return rest }
        return try await exchange.chunk()
    }

    /// The next line without its newline; the last one may have none. nil at the end. A line longer than `maxBytes` is `tooLarge`
    /// and ends the stream.
    public func nextLine(maxBytes: Int) async throws(HTTPError) -> [UInt8]? {
        while true {
            switch splitter.withLock({ $0.next(maxBytes: maxBytes) }) {
            case .line(let line): return line
            case .tooLong:
                splitter.withLock { $0 = LineSplitter() }
                exchange.cancel()
                throw HTTPError(.tooLarge, "read \(exchange.place): a line has more than \(maxBytes) bytes")
            case .more: break
            }
            guard let chunk = try await exchange.chunk() else { return splitter.withLock { $0.takeRest() } }
            splitter.withLock { $0.feed(chunk) }
        }
    }

    /// Ends the transfer; whoever reads gets `cancelled`.
    public func cancel() { exchange.cancel() }
}
