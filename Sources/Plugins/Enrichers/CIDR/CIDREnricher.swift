// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import Synchronization
public import WeirKit

/// Answers from a frozen table, which `run()` replaces whole when a file changes.
public final class CIDREnricher: EndpointEnricher {
    public let writes: Set<Attribute>
    private let options: CIDROptions
    private let context: PluginContext
    private let metrics: Metrics
    private let table: Mutex<AttributeTable>
    private let valueCounts: [Attribute: Int]

    package init(_ options: CIDROptions, _ context: PluginContext) {
        self.options = options
        self.context = context
        metrics = Metrics(context.metrics)
        let loaded = options.loaded.table
        table = Mutex(loaded)
        writes = Set(loaded.attributes)
        valueCounts = Dictionary(uniqueKeysWithValues: loaded.attributes.map { ($0, loaded.valueCount(of: $0)) })
        metrics.rows.set(UInt64(loaded.count))
    }

    public func valueCount(of attribute: Attribute) -> Int? { valueCounts[attribute] }

    public func enrich(_ endpoints: inout EndpointBatch) {
        let table = table.withLock { $0 }  // one snapshot per batch
        let wanted = table.attributes.filter { endpoints.wants($0) }
        guard !wanted.isEmpty else { return }
        for row in endpoints.rows {
            let matches = table.matches(endpoints.address(row))
            for attribute in wanted {
                endpoints.answer(attribute, row, table.text(of: attribute, in: matches).map(Answer.text) ?? .absent)
            }
        }
    }

    /// Looks at the files every `refresh`; without files there is nothing to learn.
    public func run() async throws {
        guard !options.sources.files.isEmpty else { return }
        var current = options.loaded.fingerprints
        var complaint = Complaint()
        while true {
            try await Task.sleep(for: options.refresh)
            let problems = ConfigProblems()
            guard let fresh = options.sources.reload(ifNot: current, problems) else { continue }
            current = fresh.fingerprints
            if let problem = problems.all.first {
                metrics.failed.add()
                complaint.log(problem, context.log)
            } else {
                metrics.reloads.add()
                metrics.rows.set(UInt64(fresh.table.count))
                table.withLock { $0 = fresh.table }
                context.invalidate(.all)
                context.log.info("table read again", metadata: ["cidr.rows": "\(fresh.table.count)"])
            }
        }
    }
}

/// Says at most once a minute that the last good table goes on.
private struct Complaint {
    private var last: ContinuousClock.Instant?

    mutating func log(_ problem: ConfigProblem, _ log: Logger) {
        let now = ContinuousClock.now
        if let last, now - last < .seconds(60) { return }
        last = now
        log.warning(
            "table not read again, the last good one goes on",
            metadata: ["cidr.position": "\(problem.position)", "cidr.problem": "\(problem.message)"])
    }
}
