// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import HTTPClient
internal import WeirKit

/// The requests of one attempt: no proxy, no redirect, little memory, and one end for all of them.
struct MetadataExchange: Sendable {
    var headers: [MetadataProvider.Header]
    private let address: String
    private let signature: MetadataProvider.Header?
    private let deadline: ContinuousClock.Instant
    /// Of this attempt alone: it is minutes to the next.
    private let client = HTTPClient()

    init(_ address: String, headers: [MetadataProvider.Header], signature: MetadataProvider.Header?, limit: Duration) {
        self.address = address
        self.headers = headers
        self.signature = signature
        deadline = .now + limit
    }

    func token(_ token: MetadataProvider.Token) async -> Result<String, MetadataProblem> {
        switch await send("PUT", token.path, headers + [token.lifetime]) {
        case .failure(let problem): return .failure(problem)
        case .success(let response):
            let text = String(decoding: response.body, as: UTF8.self)
            // It goes into a header.
            guard response.status == 200, (1...4096).contains(response.body.count), response.body.allSatisfy({ (0x21...0x7e).contains($0) }) else {
                return .failure(
                    response.status == 200
                        ? MetadataProblem(reason: "content", "use what \(address)\(token.path) answered as a token")
                        : status(response.status, token.path))
            }
            return .success(text)
        }
    }

    /// The body; nil when the service says that there is no such thing.
    func get(_ path: String) async -> Result<[UInt8]?, MetadataProblem> {
        switch await send("GET", path, headers) {
        case .failure(let problem): return .failure(problem)
        case .success(let response):
            switch response.status {
            case 200:
                if let signature, response.headers[signature.name] != signature.value {
                    return .failure(
                        MetadataProblem(reason: "content", "trust \(address)\(path): its answer has no '\(signature.name): \(signature.value)'"))
                }
                return .success(response.body)
            // The service does not know the path, the version, or has it switched off.
            case 400, 403, 404, 405, 410: return .success(nil)
            default: return .failure(status(response.status, path))
            }
        }
    }

    private func status(_ status: Int, _ path: String) -> MetadataProblem {
        MetadataProblem(reason: (300..<400).contains(status) ? "redirect" : "status", "read \(address)\(path): it answered \(status)")
    }

    private func send(_ method: String, _ path: String, _ headers: [MetadataProvider.Header]) async -> Result<HTTPResponse, MetadataProblem> {
        let left = deadline - .now
        guard left > .milliseconds(1) else {
            return .failure(MetadataProblem(reason: "timeout", "ask \(address)\(path): the time was up before"))
        }
        var request = HTTPRequest(address + path)
        request.method = method
        request.headers = headers.map { (name: $0.name, value: $0.value) }
        request.connectTimeout = left
        request.totalTimeout = left
        request.maxBodyBytes = MetadataService.maxBodyBytes
        request.maxHeaderBytes = 16_384
        request.maxRedirects = 0
        request.proxy = .none
        do throws(HTTPError) {
            return .success(try await client.send(request))
        } catch {
            return .failure(MetadataProblem(reason: error.reason.rawValue, error.description))
        }
    }
}
