// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// One of the requests that a redirected request consists of.
package struct Hop: Sendable {
    package var url: ParsedURL
    package var method: String
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    /// Still at the origin that the caller named. Once it is left, credentials are gone for good.
    package var isAtOrigin = true

    /// The first one. Throws `url` for what cannot be sent as it is.
    package init(_ request: HTTPRequest) throws(HTTPError) {
        url = try ParsedURL(request.url)
        method = request.method
        headers = request.headers
        body = request.body
        guard HeaderText.isToken(method) else { throw HTTPError(.url, "use the method '\(method)'") }
        for (name, value) in headers {
            guard HeaderText.isToken(name) else { throw HTTPError(.url, "use the header '\(name)': that is no name") }
            guard HeaderText.isValue(value) else { throw HTTPError(.url, "use the header \(name): it has a line break or another control character") }
            guard !["content-length", "transfer-encoding", "expect"].contains(name.lowercased()) else {
                throw HTTPError(.url, "use the header \(name): it is the client's own")
            }
        }
    }

    /// Where an answer that is no redirect says to go next; nil when it does not.
    package static func isRedirect(_ head: ResponseHead) -> Bool {
        [301, 302, 303, 307, 308].contains(head.status) && head.headers["location"] != nil
    }

    /// The next hop.
    package func redirected(_ head: ResponseHead, _ request: HTTPRequest) throws(HTTPError) -> Hop {
        let target: ParsedURL
        do throws(HTTPError) { target = try ParsedURL(head.headers["location"] ?? "", relativeTo: url) } catch {
            throw HTTPError(.redirect, "follow a redirect of \(url.place): could not \(error.description)")
        }
        guard url.scheme == "http" || target.scheme == "https" else {
            throw HTTPError(.redirect, "follow a redirect of \(url.place): it leads from https to http")
        }
        var next = self
        next.url = target
        if head.status == 303 && method != "HEAD" || (head.status == 301 || head.status == 302) && method == "POST" {
            next.method = "GET"
            next.body = []
            next.headers.removeAll { $0.name.lowercased().hasPrefix("content-") }
        }
        if !target.hasSameOrigin(as: url) {
            guard request.unixSocket == nil else {
                throw HTTPError(.redirect, "follow a redirect of \(url.place): it leads away from the unix socket")
            }
            next.isAtOrigin = false
            let secret = Set(["authorization", "proxy-authorization", "cookie", "host"] + request.secretHeaders.map { $0.lowercased() })
            next.headers.removeAll { secret.contains($0.name.lowercased()) }
        }
        return next
    }
}
