// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FileTree
package import HTTPClient

/// An API server over HTTP. Inert until it is asked; all its questions share their connections.
package final class KubernetesAPI: KubernetesTransport {
    /// Tokens are some KiB.
    private static let maxTokenBytes = 64 << 10

    private let access: KubernetesAccess
    private let client: HTTPClient
    package let talk: TroubleTalk? = TroubleTalk()

    package init(_ access: KubernetesAccess, client: HTTPClient = HTTPClient()) {
        self.access = access
        self.client = client
    }

    /// How a kubeconfig calls the cluster; empty in a pod.
    package var clusterName: String { access.clusterName }

    package func open(_ request: KubernetesRequest) async throws(KubernetesError) -> any KubernetesAnswer {
        var http = HTTPRequest(access.server + request.target)
        http.headers = [("Accept", request.accept)]
        if let token = try token() { http.headers.append(("Authorization", "Bearer \(token)")) }
        http.totalTimeout = request.idleTimeout
        http.idleTimeout = request.idleTimeout
        http.streamTimeout = request.totalTimeout
        http.gatherTime = request.gatherTime
        // An API server sends nobody elsewhere; a redirect is a refusal like others.
        http.maxRedirects = 0
        http.tls = access.tls
        http.proxy = access.proxy
        do { return HTTPAnswer(try await client.open(http)) } catch { throw KubernetesError(error) }
    }

    /// The metadata of one object; nil when there is none of that name, or no such resource.
    package func metadata(_ resource: KubernetesResource, name: String, labels: [String] = []) async throws(KubernetesError) -> ObjectMeta? {
        let request = resource.request(name: name)
        let answer = try await open(request)
        var reader = ObjectReader<PartialObject>(labels: labels)
        var refusal = StatusReader()
        while let piece = try await answer.nextPiece() {
            if answer.status == 200 { try reader.read(piece) } else if !refusal.read(piece) { break }
        }
        answer.cancel()
        switch answer.status {
        case 200: return try reader.end().meta
        case 404: return nil
        default: throw KubernetesError(RestartReason(status: answer.status), Refusal.text(resource, answer.status, refusal.status))
        }
    }

    private func token() throws(KubernetesError) -> String? {
        switch access.credentials {
        case .none: return nil
        case .token(let secret): return secret.text
        case .tokenFile(let path):
            let bytes: [UInt8]
            do { bytes = try FileTree.read(path, limit: Self.maxTokenBytes) } catch { throw KubernetesError(.unauthorized, error.description) }
            let text = String(decoding: bytes, as: UTF8.self)
            let token = String(text.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
            guard !token.isEmpty, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                throw KubernetesError(.unauthorized, "use the token in \(path): it is empty, or has characters that no token has")
            }
            return token
        }
    }
}

private struct HTTPAnswer: KubernetesAnswer {
    let stream: HTTPStream

    init(_ stream: HTTPStream) { self.stream = stream }

    var status: Int { stream.status }

    /// In seconds; dates are not used by API servers.
    var retryAfter: Duration? {
        guard let text = stream.headers["Retry-After"], let seconds = Int64(text), (0...86_400).contains(seconds) else { return nil }
        return .seconds(seconds)
    }

    func nextPiece() async throws(KubernetesError) -> [UInt8]? {
        do { return try await stream.nextChunk() } catch { throw KubernetesError(error) }
    }

    func cancel() { stream.cancel() }
}

extension KubernetesError {
    init(_ error: HTTPError) {
        let reason: RestartReason =
            switch error.reason {
            case .tls: .tls
            case .timeout: .idle
            case .reset, .closed, .cancelled: .cut
            case .tooLarge, .protocolError: .decode
            case .url, .resolve, .connect, .redirect, .busy: .connect
            }
        self.init(reason, error.description)
    }
}
