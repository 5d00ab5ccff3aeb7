// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

extension ProxyChoice {
    /// Whether `host` is reached without the proxy. It is a URL's: in lower case, an IPv6 address in its brackets.
    ///
    /// Decided here and not by libcurl, which would look at the server name of TLS where there is one. An exception is `*`, an address, a
    /// range of addresses, or a name that stands for itself and all below it, with a dot before it or without.
    package func excepts(_ host: String) -> Bool {
        let address = Self.address(host[...])
        let name = Self.bare(host)
        return exceptions.lowercased().split { ", \t".contains($0) }.contains { exception in
            if exception == "*" { return true }
            guard let address else {
                let domain = Self.bare(exception.drop { $0 == "." })
                return !domain.isEmpty && (name == domain || name.hasSuffix("." + domain))
            }
            return Self.range(exception, holds: address)
        }
    }

    /// Without the dot at its end.
    private static func bare(_ name: some StringProtocol) -> String { String(name.hasSuffix(".") ? name.dropLast() : name[...]) }

    private static func range(_ text: Substring, holds address: [UInt8]) -> Bool {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let base = Self.address(parts[0]), base.count == address.count else { return false }
        guard parts.count > 1 else { return base == address }
        guard let bits = Int(parts[1]), (0...8 * base.count).contains(bits) else { return false }
        return zip(base, address).enumerated().allSatisfy { index, bytes in
            let mask = UInt8(truncatingIfNeeded: 0xff00 >> min(max(bits - 8 * index, 0), 8))
            return bytes.0 & mask == bytes.1 & mask
        }
    }

    /// Four bytes or sixteen; nil for a name.
    private static func address(_ text: Substring) -> [UInt8]? {
        let digits = text.hasPrefix("[") && text.hasSuffix("]") ? text.dropFirst().dropLast() : text
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: count)
            // Writes as many bytes as the family has, during the call.
            if unsafe inet_pton(family, String(digits), &bytes) == 1 { return bytes }
        }
        return nil
    }
}
