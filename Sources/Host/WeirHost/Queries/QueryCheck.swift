// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PromQL
package import WeirKit
package import WeirPipeline

/// Looks at queries over Weir's metrics for what was right with another agent: sums that are halved because both ends of a flow reported
/// it, and names that are other ones here.
struct QueryCheck: Sendable {
    /// Of one file; more are counted.
    static let mostWarnings = 100

    struct Warning: Sendable, Hashable {
        let position: ConfigPosition
        let message: String
    }

    /// How often the agents of a fleet export a flow between two of them.
    enum Counting: Sendable {
        case once
        /// They are told to: `accounting.observer: both`.
        case twice
        /// Neither knows of the other: nothing is covered.
        case uncovered
    }

    /// One file with its queries read.
    private struct File {
        let name: String
        let bytes: [UInt8]
        var queries: [(source: QuerySource, expression: Expression)] = []
        var unread: [(place: Int, reason: String)] = []
    }

    private var names: QueryNames
    private let counting: Counting
    private var files: [File] = []

    init(_ configuration: Configuration) {
        self.init(
            QueryNames(configuration.metrics, catalog: configuration.catalog, shown: Set(configuration.metricExporters.map(\.naming))),
            Counting(configuration))
    }

    init(_ names: QueryNames, _ counting: Counting) {
        self.names = names
        self.counting = counting
    }

    /// Reads a file's queries. All files are added before any is looked at, since rules of one are used by others.
    mutating func add(_ bytes: [UInt8], as name: String) {
        let format = QuerySource.Format(path: name, bytes)
        var file = File(name: name, bytes: bytes)
        for source in QuerySource.find(in: bytes, format).prefix(QuerySource.mostQueries) {
            let (found, errors) = format == .plain ? Parser.parseAll(source.text) : Self.parse(source.text)
            file.queries += found.map { (source, $0) }
            file.unread += errors.map { (source.place(of: $0.offset), $0.description) }
        }
        files.append(file)
    }

    private static func parse(_ text: [UInt8]) -> ([Expression], [PromQLError]) {
        do throws(PromQLError) { return ([try Parser.parse(text)], []) } catch { return ([], [error]) }
    }

    /// How many queries were read, of which how many are over metrics of ours, and what is to be said, in the order of the files.
    mutating func run() -> (queries: Int, ours: Int, warnings: [Warning], leftOut: Int) {
        names.learn(files.flatMap { file in file.queries.compactMap { query in query.source.record.map { ($0, query.expression) } } })
        var (queries, ours, leftOut) = (0, 0, 0)
        var all: [Warning] = []
        for file in files {
            var notes = Notes(file.bytes, file.name)
            for (source, expression) in file.queries {
                queries += 1
                if names.metric(in: expression) != nil { ours += 1 }
                look(at: expression, source, &notes)
            }
            // What is no query may be another language's; it matters where our names stand in the file.
            for (place, reason) in file.unread where mentionsOurs(file, near: place) {
                notes.note("could not be read as PromQL: \(reason)", at: place)
            }
            all += notes.sorted.prefix(Self.mostWarnings)
            leftOut += max(0, notes.sorted.count - Self.mostWarnings)
        }
        return (queries, ours, all, leftOut)
    }

    /// Whether one of the usual names stands within the query that could not be read, which nobody knows the ends of.
    private func mentionsOurs(_ file: File, near place: Int) -> Bool {
        let from = max(0, place - 2000)
        let text = String(decoding: file.bytes[from..<min(file.bytes.count, place + 2000)], as: UTF8.self)
        return ["weir_network_", "beyla_network_", "obi_network_"].contains { text.contains($0) }
    }

    private func look(at query: Expression, _ source: QuerySource, _ notes: inout Notes) {
        query.walk { part in
            switch part {
            case .binary(let binary):
                if let half = half(binary) { notes.note(message(halving: half.of, by: half.text, source), at: source.place(of: half.place)) }
                checkLabels(binary.labels, of: part, source, &notes)
            case .call(let call): checkLabels(call.labels, of: part, source, &notes)
            case .selector(let selector): check(selector, source, &notes)
            default: break
            }
        }
    }

    // MARK: Halves.

    /// What of ours is halved, and how that is written: `/ 2`, `* 0.5`, `0.5 *`.
    private func half(_ binary: Expression.Binary) -> (of: Expression, text: String, place: Int)? {
        let sign = binary.operation
        if sign.text == "/", binary.right.constant == 2, names.metric(in: binary.left) != nil { return (binary.left, "/ 2", sign.range.lowerBound) }
        guard sign.text == "*" else { return nil }
        if binary.right.constant == 0.5, names.metric(in: binary.left) != nil { return (binary.left, "* 0.5", sign.range.lowerBound) }
        if binary.left.constant == 0.5, names.metric(in: binary.right) != nil { return (binary.right, "0.5 *", binary.left.range.lowerBound) }
        return nil
    }

    private func message(halving part: Expression, by text: String, _ source: QuerySource) -> String {
        var shown = String(decoding: source.text[part.range], as: UTF8.self).split(whereSeparator: \.isWhitespace).joined(separator: " ")
        if shown.count > 120 { shown = "\(shown.prefix(119))…" }
        switch counting {
        case .once: return "'\(shown)' is halved, and Weir counts each flow once: write it without '\(text)'"
        case .twice:
            return
                "'\(shown)' is halved; with 'accounting.observer: both' only flows between two agents are counted twice: write 'observer: source', "
                + "and the query without '\(text)'"
        case .uncovered:
            return
                "'\(shown)' is halved; 'accounting.covered' is empty, so a flow between two agents is exported by both: list the hosts there, then "
                + "write it without '\(text)'"
        }
    }

    // MARK: Names.

    private func check(_ selector: Expression.Selector, _ source: QuerySource, _ notes: inout Notes) {
        if let name = selector.name, let message = names.unknownMetric(name.text) {
            return notes.note(message, at: source.place(of: name.range.lowerBound))
        }
        let metrics = names.metrics(selector)
        guard let metric = metrics.first, metrics.count == 1 else { return }
        if let name = selector.name, names.isRecorded(name.text) { return }
        if let absence = names.absence(of: metric) { notes.noteOnce(absence, at: source.place(of: selector.range.lowerBound)) }
        for matcher in selector.matchers where matcher.label.text != "__name__" {
            if let problem = names.problem(ofLabel: matcher.label.text, of: metric) {
                notes.note(problem, at: source.place(of: matcher.label.range.lowerBound))
            }
        }
    }

    /// Labels by which a part is grouped or matched, held against the metrics in it.
    private func checkLabels(_ labels: [Expression.Name], of part: Expression, _ source: QuerySource, _ notes: inout Notes) {
        guard !labels.isEmpty, let metric = names.metric(in: part) else { return }
        // What functions and other metrics add is not known: only names that are slips in any case.
        let selectors = part.selectors
        guard selectors.allSatisfy({ names.metrics($0).count == 1 && !names.isRecorded($0.name?.text ?? "") }) else { return }
        for label in labels {
            if let problem = names.problem(ofLabel: label.text, of: metric) { notes.note(problem, at: source.place(of: label.range.lowerBound)) }
        }
    }
}

extension QueryCheck.Counting {
    init(_ configuration: Configuration) {
        let accounting = configuration.accounting
        let isAnswered = configuration.enrichers.contains { $0.stage.enricher?.writes.contains(.covered) == true }
        if accounting.observer == .both {
            self = .twice
        } else if accounting.covered.isEmpty, accounting.fileSD.isEmpty, !isAnswered {
            self = .uncovered
        } else {
            self = .once
        }
    }
}

extension WeirHost {
    /// What queries call a metric, for a test that compares it with the exporter.
    package static func prometheusName(of metric: String, _ profile: NamingProfile, _ measure: MetricDefinition.Measure) -> String {
        QueryNames.prometheus(profile.metric(metric), measure)
    }

    /// What `weir check --queries` says of one file to a configuration with covered hosts and the default metrics under every profile, and
    /// how many queries it found: for tests that hold the reader against its laws.
    package static func warnings(ofQueries bytes: [UInt8], as name: String) -> (queries: Int, warnings: [(position: ConfigPosition, message: String)])
    {
        let catalog = Catalog(declared: [.ownerName, .zone])
        let metrics = MetricDefinition.readAll(nil, catalog: catalog, namings: NamingProfile.allCases, problems: ConfigProblems())
        var check = QueryCheck(QueryNames(metrics, catalog: catalog, shown: Set(NamingProfile.allCases)), .once)
        check.add(bytes, as: name)
        let found = check.run()
        return (found.queries, found.warnings.map { ($0.position, $0.message) })
    }
}

/// The warnings of one file, each once.
private struct Notes {
    private let lines: [Int]
    private let bytes: [UInt8]
    private let file: String
    private var all: [Int: [String]] = [:]
    private var once: Set<String> = []

    init(_ bytes: [UInt8], _ file: String) {
        self.bytes = bytes
        self.file = file
        lines = [0] + bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }.map { $0 + 1 }
    }

    mutating func note(_ message: String, at place: Int) {
        if all[place]?.contains(message) != true { all[place, default: []].append(message) }
    }

    mutating func noteOnce(_ message: String, at place: Int) { if once.insert(message).inserted { note(message, at: place) } }

    /// Lines and columns count from 1, columns in characters.
    private func position(_ place: Int) -> ConfigPosition {
        var (low, high) = (0, lines.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if lines[middle] <= place { low = middle } else { high = middle }
        }
        let column = bytes[lines[low]..<min(place, bytes.count)].count { $0 & 0xC0 != 0x80 } + 1
        return ConfigPosition(file: file, line: low + 1, column: column)
    }

    var sorted: [QueryCheck.Warning] {
        all.sorted { $0.key < $1.key }.flatMap { place, messages in messages.map { QueryCheck.Warning(position: position(place), message: $0) } }
    }
}
