// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Hummingbird
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import WeirKit

/// The host's own listener: `/metrics` and what else plugins serve, `/healthz`, `/readyz`.
///
/// Answers never contain the configuration, nor an error that could quote it.
final class HTTPListener: Sendable {
    /// A scraper or two and the probes; whoever comes beyond waits in the system's queue.
    private static let maxConnections = 32
    /// Longer than most scrape intervals, so that a scraper's connection lasts.
    private static let idleTimeoutSeconds: Int64 = 75

    /// No plugin may take these.
    static let ownPaths: Set<String> = ["/healthz", "/readyz"]

    let address: ListenAddress
    private let routes: HTTPRoutes
    private let health: Health
    private let log: Logger
    private let bound = Gate<String?>()
    private let stopped = Gate<Void>()
    private let ended = Gate<Void>()

    init(_ address: ListenAddress, routes: HTTPRoutes, health: Health, log: Logger) {
        self.address = address
        self.routes = routes
        self.health = health
        self.log = log
    }

    /// Listens until `stop()`. A listener that cannot bind ends at once; `failure()` says why.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { [self] in
                do {
                    try await application.run()
                    bound.open("it ended")
                } catch {
                    let isNews = bound.value != nil && !Task.isCancelled
                    bound.open(Self.reason(error))
                    if isNews { log.error("http listener failed", metadata: ["listen": "\(address)", "error": "\(Self.reason(error))"]) }
                }
            }
            await stopped.wait()
            group.cancelAll()
        }
        ended.open()
    }

    /// Nil once the port is ours, else why it is not.
    func failure() async -> String? { await bound.wait() }

    func stop() { stopped.open() }

    /// Stops, and waits until the port is free, or for a second: an answer may be under way.
    func end() async {
        stop()
        let late = Task { [ended] in
            try await Task.sleep(for: .seconds(1))
            ended.open()
        }
        await ended.wait()
        late.cancel()
    }

    /// NIO says `bind(descriptor:ptr:bytes:): Address already in use) (errno: 98)`; people want the middle.
    private static func reason(_ error: any Error) -> String {
        let text = "\(error)"
        guard text.hasSuffix(")"), let code = text.dropLast().split(separator: " ").last.flatMap({ Int32($0) }) else { return text }
        return SystemError(code: code).description
    }

    private var application: some ApplicationProtocol {
        let bound = bound
        // Hummingbird tells every connection at `info`; here only trouble is news.
        var quiet = Logger(label: "http") { _ in SwiftLogNoOpLogHandler() }
        quiet.logLevel = .critical
        return Application(
            responder: CallbackResponder<BasicRequestContext> { [self] request, _ in await answer(request) },
            server: .http1(configuration: HTTP1Channel.Configuration(idleTimeout: .seconds(Self.idleTimeoutSeconds))),
            configuration: ApplicationConfiguration(
                address: .hostname("\(address.host)", port: address.port),
                availableConnectionsDelegate: MaximumAvailableConnections(Self.maxConnections, logger: quiet)),
            onServerRunning: { _ in bound.open(nil) },
            logger: quiet)
    }

    private func answer(_ request: Request) async -> Response {
        let isHead = request.method == .head
        guard request.method == .get || isHead else { return Self.response(HTTPAnswer(status: 405, "only GET is answered here\n"), isHead) }
        let path = String(request.uri.path)
        let question = HTTPQuestion(path: path, accept: request.headers[.accept] ?? "")
        if let handler = routes.handler(for: path) { return Self.response(await handler(question), isHead) }
        switch path {
        case "/healthz": return Self.response(health.live(), isHead)
        case "/readyz": return Self.response(health.ready(), isHead)
        default:
            let known = (routes.paths + Self.ownPaths).sorted()
            return Self.response(HTTPAnswer(status: 404, "not found; there is \(known.joined(separator: ", "))\n"), isHead)
        }
    }

    private static func response(_ answer: HTTPAnswer, _ isHead: Bool) -> Response {
        let headers: HTTPFields = [.contentType: answer.contentType]
        let status = HTTPResponse.Status(code: answer.status)
        guard !isHead else { return Response(status: status, headers: headers) }
        return Response(
            status: status, headers: headers,
            body: ResponseBody { writer in
                let pipe = BodyPipe()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        defer { pipe.close() }
                        try await answer.body { try await pipe.write($0) }
                    }
                    do {
                        while let piece = await pipe.next() { try await writer.write(ByteBuffer(bytes: piece)) }
                    } catch {
                        // The reader hung up: let the maker go.
                        pipe.close()
                        throw error
                    }
                    try await group.waitForAll()
                }
                try await writer.finish(nil)
            })
    }
}
