// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// What the proxy variables say. Read by us and not by libcurl: at one time, and the same in a test.
package struct ProxyChoice: Sendable, Equatable {
    /// Empty: none.
    package let proxy: String
    /// Hosts, domains and ranges that are reached without it: `excepts` reads them.
    package let exceptions: String

    package static let direct = ProxyChoice(proxy: "", exceptions: "")

    package init(proxy: String, exceptions: String) {
        self.proxy = proxy
        self.exceptions = exceptions
    }

    package init(_ variables: [String: String], scheme: String) {
        func value(_ names: [String]) -> String? { names.lazy.compactMap { variables[$0] }.first { !$0.isEmpty } }
        let own = scheme == "https" ? ["https_proxy", "HTTPS_PROXY"] : ["http_proxy"]
        proxy = value(own + ["all_proxy", "ALL_PROXY"]) ?? ""
        exceptions = value(["no_proxy", "NO_PROXY"]) ?? ""
    }

    /// The variables of this process.
    package static func environment() -> [String: String] {
        var found: [String: String] = [:]
        for name in ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"] {
            // Nothing in this program changes its environment; the text is copied.
            if let value = unsafe getenv(name) { found[name] = unsafe String(cString: value) }
        }
        return found
    }
}
