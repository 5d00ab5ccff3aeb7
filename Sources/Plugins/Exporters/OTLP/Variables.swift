// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// OpenTelemetry's variables while they are read: problems are kept, so that the user sees all of them at once. An empty variable
/// is as if it was not set.
struct Variables {
    private let environment: [String: String]
    var problems: [String] = []

    init(_ environment: [String: String]) { self.environment = environment }

    func text(named name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }

    /// `TIMEOUT` is `OTEL_EXPORTER_OTLP_METRICS_TIMEOUT`, else `OTEL_EXPORTER_OTLP_TIMEOUT`.
    private func name(_ word: String) -> String {
        let own = "OTEL_EXPORTER_OTLP_METRICS_\(word)"
        return text(named: own) == nil ? "OTEL_EXPORTER_OTLP_\(word)" : own
    }

    func text(_ word: String) -> String? { text(named: name(word)) }

    /// `problem` says what is wrong with the value, if anything is.
    mutating func read(_ word: String, problem: (String) -> String?) {
        if let text = text(word), let problem = problem(text) { problems.append("\(name(word)): \(problem)") }
    }

    mutating func value<Value: ConfigValue>(named name: String) -> Value? {
        guard let text = text(named: name) else { return nil }
        guard let value = Value(configText: text) else {
            problems.append("\(name) is not \(Value.example)")
            return nil
        }
        return value
    }

    mutating func choice<Value: ConfigChoice>(_ word: String) -> Value? { value(named: name(word)) }

    mutating func milliseconds(_ word: String) -> Duration? { milliseconds(named: name(word)) }

    /// Whole milliseconds, as the specification writes times.
    mutating func milliseconds(named name: String) -> Duration? {
        guard let text = text(named: name) else { return nil }
        guard let number = Int(text), (100...86_400_000).contains(number) else {
            problems.append("\(name) is '\(text)', which is no number of milliseconds from 100 to 86400000")
            return nil
        }
        return .milliseconds(number)
    }

    mutating func list(_ word: String, _ problem: (String, String) -> String?) -> [NamedText]? { list(named: name(word), problem) }

    mutating func list(named name: String, _ problem: (String, String) -> String?) -> [NamedText]? {
        guard let text = text(named: name) else { return nil }
        do {
            return try NamedText.list(text, problem: problem)
        } catch {
            problems.append("\(name): \(error)")
            return nil
        }
    }

    /// `lowmemory` asks for delta where it needs no memory: such are our counters.
    var temporality: Temporality? {
        mutating get {
            let name = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
            switch text(named: name)?.lowercased() {
            case nil: return nil
            case "cumulative": return .cumulative
            case "delta", "lowmemory": return .delta
            case let text?:
                problems.append("\(name) is '\(text)', which is none of cumulative, delta and lowmemory")
                return nil
            }
        }
    }
}
