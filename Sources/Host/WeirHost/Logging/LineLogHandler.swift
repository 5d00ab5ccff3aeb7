// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Logging
internal import WeirKit
internal import Synchronization

/// Writes `time level message key=value` lines to standard error, one `write` each, so that lines of several
/// threads do not mix.
struct LineLogHandler: LogHandler {
    /// Shared by all loggers of the process: a reload may change it.
    final class Threshold: Sendable {
        private let value: Mutex<Logger.Level>
        init(_ level: Logger.Level) { value = Mutex(level) }
        var level: Logger.Level {
            get { value.withLock { $0 } }
            set { value.withLock { $0 = newValue } }
        }
    }

    let label: String
    let threshold: Threshold
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level {
        get { threshold.level }
        set {}  // The level is the process's, not one logger's.
    }

    init(label: String, threshold: Threshold) {
        self.label = label
        self.threshold = threshold
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line = "\(Self.time(SystemFacts.unixNanoseconds)) \(event.level.rawValue) \(Self.harmless("\(event.message)"))"
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(Self.quoted("\(value)"))" }
        if let error = event.error { line += " error=\(Self.quoted("\(error)"))" }
        line += "\n"
        try? SystemFile.write(Array(line.utf8), to: STDERR_FILENO)
    }

    /// A value with spaces, quotes or nothing in it stands in quotes.
    static func quoted(_ value: String) -> String {
        let plain = !value.isEmpty && value.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") && $0 != 0x7f }
        if plain { return value }
        var text = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            default: text += scalar.properties.generalCategory == .control ? "?" : String(scalar)
            }
        }
        return text + "\""
    }

    /// No line may break, and no terminal may be told anything by a log.
    static func harmless(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }

    /// `2026-11-23T21:39:46.123Z`
    static func time(_ unixNanoseconds: UInt64) -> String {
        var bytes: [UInt8] = []
        RFC3339.append(nanoseconds: unixNanoseconds, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
