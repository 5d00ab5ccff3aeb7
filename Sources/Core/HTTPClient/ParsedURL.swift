// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CLibCurl

/// A URL as libcurl reads it, so that what is compared here is what is connected to there.
package struct ParsedURL: Sendable, Equatable {
    package let text: String
    package let scheme: String
    /// In lower case; an IPv6 address in its brackets.
    package let host: String
    package let port: String
    package let path: String

    /// Throws for anything but a whole `http` or `https` URL without user and password. A relative one is resolved against `base`.
    package init(_ text: String, relativeTo base: ParsedURL? = nil) throws(HTTPError) {
        guard !text.utf8.contains(0) else { throw HTTPError(.url, "use the URL: it has a NUL in it") }
        var parts = unsafe CLibCurl_url()
        // The texts live during the call; what it gives is copied before it is freed.
        let problem = unsafe CLibCurl_parse_url(base?.text, text, &parts)
        defer { unsafe CLibCurl_free_url(&parts) }
        if let problem = unsafe problem { throw HTTPError(.url, unsafe "use the URL: \(String(cString: problem))") }
        func copy(_ part: UnsafeMutablePointer<CChar>?) -> String { unsafe part.map { unsafe String(cString: $0) } ?? "" }
        self.text = unsafe copy(parts.text)
        scheme = unsafe copy(parts.scheme).lowercased()
        host = unsafe copy(parts.host).lowercased()
        port = unsafe copy(parts.port)
        path = unsafe copy(parts.path)
        guard scheme == "http" || scheme == "https" else { throw HTTPError(.url, "use the URL: its scheme is '\(scheme)', not http or https") }
        // libcurl takes it, and no connection can.
        guard port != "0" else { throw HTTPError(.url, "use the URL: its port is 0") }
    }

    /// Scheme, host and port: what credentials belong to.
    package func hasSameOrigin(as other: ParsedURL) -> Bool { scheme == other.scheme && host == other.host && port == other.port }

    /// For people: without the query, which may have secrets in it.
    package var place: String { "\(scheme)://\(host):\(port)\(path)" }
}
