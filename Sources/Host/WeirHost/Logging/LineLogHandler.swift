// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Logging
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
        let milliseconds = unixNanoseconds / 1_000_000
        let seconds = Int(milliseconds / 1000)
        let (year, month, day) = date(daysSince1970: seconds / 86_400)
        func padded(_ number: Int, _ width: Int = 2) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        let clock = [seconds / 3600 % 24, seconds / 60 % 60, seconds % 60].map { padded($0) }.joined(separator: ":")
        return "\(padded(year, 4))-\(padded(month))-\(padded(day))T\(clock).\(padded(Int(milliseconds % 1000), 3))Z"
    }

    /// The civil date, by eras of 400 years that begin on 1 March (Howard Hinnant's `civil_from_days`).
    private static func date(daysSince1970: Int) -> (year: Int, month: Int, day: Int) {
        let days = daysSince1970 + 719_468
        let era = days / 146_097
        let dayOfEra = days % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }
}
