// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import HTTPClient
internal import Synchronization
internal import WeirKit

/// Posts requests to the receiver and says what became of them.
final class Receiver: Sendable {
    /// A file of headers is read again after so long, and after each answer that does not believe who we are.
    private static let headersAge = Duration.seconds(60)

    private let settings: Settings
    private let client: HTTPClient
    private let wallClock: @Sendable () -> UInt64
    private let fromFile = Mutex<(headers: [NamedText], read: ContinuousClock.Instant)?>(nil)

    init(_ settings: Settings, _ context: PluginContext) {
        self.settings = settings
        wallClock = context.wallClock
        var options = HTTPClientOptions()
        options.maxTransfers = 2
        options.maxIdleConnections = 1
        options.userAgent = "weir/\(context.version)"
        client = HTTPClient(options)
    }

    /// Sends one body, `within` this time at the most. Never throws: what failed is an outcome like any other.
    func post(_ body: [UInt8], within limit: Duration) async -> Outcome {
        var request = HTTPRequest(settings.url.text)
        request.method = "POST"
        request.body = body
        request.totalTimeout = min(limit, settings.timeout)
        request.streamTimeout = request.totalTimeout
        request.connectTimeout = min(.seconds(5), min(limit, settings.timeout))
        request.idleTimeout = nil
        // A redirect is refused as an answer that takes nothing: another origin is for people to write down.
        request.maxRedirects = 0
        request.tls = settings.tls
        do {
            request.headers = try headers()
        } catch {
            return .again(after: nil, reason: "headers_file", message: error.description)
        }
        request.secretHeaders = request.headers.map(\.name)
        do {
            // The head alone says whether the receiver has the points, even if the rest of the answer never comes.
            let answer = try await client.open(request)
            let body = try? await Self.body(of: answer)
            if answer.status == 401 || answer.status == 403 { fromFile.withLock { $0 = nil } }
            return Outcome(
                status: answer.status, type: answer.headers["content-type"] ?? "", retryAfter: answer.headers["retry-after"], body: body,
                now: wallClock())
        } catch {
            // The one failure that cannot go away by itself.
            if error.reason == .url { return .refused(reason: error.reason.rawValue, message: error.description) }
            return .again(after: nil, reason: error.reason.rawValue, message: error.description)
        }
    }

    /// Nil when there is more of it than any answer needs.
    private static func body(of answer: HTTPStream) async throws(HTTPError) -> [UInt8]? {
        var body: [UInt8] = []
        while let chunk = try await answer.nextChunk() {
            body += chunk
            if body.count > Outcome.maxBody {
                answer.cancel()
                return nil
            }
        }
        return body
    }

    private func headers() throws(TextProblem) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = [("Content-Type", "application/x-protobuf")]
        if settings.compression == .gzip { headers.append(("Content-Encoding", "gzip")) }
        let own = try secrets()
        headers += own.map { ($0.name, $0.value) }
        // The file stands above what is written beside it.
        for header in settings.headers where !own.contains(where: { $0.name.lowercased() == header.name.lowercased() }) {
            headers.append((header.name, header.value))
        }
        return headers
    }

    private func secrets() throws(TextProblem) -> [NamedText] {
        guard let file = settings.headersFile else { return [] }
        if let known = fromFile.withLock({ $0 }), .now - known.read < Self.headersAge { return known.headers }
        let headers = try file.read()
        fromFile.withLock { $0 = (headers, .now) }
        return headers
    }
}
