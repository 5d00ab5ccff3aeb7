// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
// glibc's `timespec` belongs to this module of the standard library, wherever it is first seen.
internal import SwiftOverlayShims

/// What the host asks of the machine it runs on.
enum SystemFacts {
    static var isRoot: Bool { geteuid() == 0 }
    static var user: UInt32 { geteuid() }
    static var isOutputTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// For a thread of one's own, which nothing need wake.
    static func sleep(_ time: Duration) { Glibc.sleep(UInt32(clamping: time.components.seconds + 1)) }

    static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        // The kernel fills `name`, which outlives the call; the last byte stays zero.
        guard unsafe gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Environment variables as they were at the first look. Read once: `getenv` races with `setenv` elsewhere.
    static let environment: [String: String] = {
        var found: [String: String] = [:]
        var next = unsafe environ
        // `environ` is an array of C strings that ends in a null pointer; nothing here changes it.
        while let entry = unsafe next.pointee {
            let text = unsafe String(cString: entry)
            if let equals = text.firstIndex(of: "=") { found[String(text[..<equals])] = String(text[text.index(after: equals)...]) }
            unsafe next += 1
        }
        return found
    }()

    /// Those of them that OpenTelemetry's specification names: plugins see these and no others.
    static var openTelemetry: [String: String] { environment.filter { $0.key.hasPrefix("OTEL_") } }

    static var currentFolder: String {
        guard let found = unsafe getcwd(nil, 0) else { return "/" }
        // `getcwd` allocated the text; it is copied, then given back.
        defer { unsafe free(found) }
        return unsafe String(cString: found)
    }

    /// Now, in nanoseconds since 1970.
    static var unixNanoseconds: UInt64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }

    /// Nanoseconds on a clock that nobody sets.
    static var monotonicNanoseconds: UInt64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }
}
