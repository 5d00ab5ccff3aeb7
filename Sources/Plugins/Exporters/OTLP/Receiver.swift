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
        let secrets: [NamedText]
        do { secrets = try self.secrets() } catch { return Self.unread(error) }
        request.headers = headers(secrets)
        request.secretHeaders = request.headers.map(\.name)
        do {
            // The head alone says whether the receiver has the points, even if the rest of the answer never comes.
            let answer = try await client.open(request)
            let body = try? await Self.body(of: answer)
            let outcome = Outcome(
                status: answer.status, type: answer.headers["content-type"] ?? "", retryAfter: answer.headers["retry-after"], body: body,
                now: wallClock())
            return answer.status == 401 || answer.status == 403 ? unbelieved(outcome, secrets) : outcome
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

    /// The receiver does not believe who we are. If the file says something else by now, it was asked too early.
    private func unbelieved(_ outcome: Outcome, _ sent: [NamedText]) -> Outcome {
        guard settings.headersFile != nil, case .refused(let reason, let message) = outcome else { return outcome }
        fromFile.withLock { $0 = nil }
        do { return try secrets() == sent ? outcome : .again(after: nil, reason: reason, message: message) } catch { return Self.unread(error) }
    }

    private static func unread(_ problem: TextProblem) -> Outcome { .again(after: nil, reason: "headers_file", message: problem.description) }

    private func headers(_ own: [NamedText]) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = [("Content-Type", "application/x-protobuf")]
        if settings.compression == .gzip { headers.append(("Content-Encoding", "gzip")) }
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
