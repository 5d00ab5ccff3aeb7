// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import Logging
package import WeirKit
internal import Synchronization

/// The addresses whose sending another agent counts. Configuration, never liveness: an agent that is down is a gap
/// that `up` shows, not a change of the rule.
package final class CoveredSet: Sendable {
    private let options: AccountingOptions
    private let files: ConfigFiles
    private let log: Logger
    private let failures: Cell
    private let table = Mutex(PrefixTable<Bool>())
    /// What the lists said last, so that the pipeline looks again only when something changed.
    private let lastRead = Mutex<Set<CIDR>?>(nil)
    /// Raised with every change, so that the pipeline can tell without a lock.
    private let changes = Atomic<UInt64>(0)

    package init(_ options: AccountingOptions, files: ConfigFiles, registry: MetricRegistry, log: Logger) {
        self.options = options
        self.files = files
        self.log = log
        failures = registry.counter("weir_covered_read_failures_total", "Times a file_sd list could not be read; the last good list stays.")
        reload()
    }

    var version: UInt64 { changes.load(ordering: .acquiring) }
    /// A copy to ask many times.
    var snapshot: PrefixTable<Bool> { table.withLock { $0 } }

    /// Reads the lists again and again until cancelled; returns at once when there are none.
    package func run() async throws {
        guard !options.fileSD.isEmpty else { return }
        while true {
            try await Task.sleep(for: options.refresh)
            reload()
        }
    }

    private func reload() {
        var ranges = Set(options.covered)
        for file in options.fileSD {
            let problems = ConfigProblems()
            do {
                ranges.formUnion(FileSDList.read(try files.read(file.path, from: file.position), file: file.path, problems: problems))
            } catch {
                return fail("\(error)")
            }
            if let problem = problems.all.first { return fail("\(problem.position): \(problem.message)") }
        }
        guard
            lastRead.withLock({ before in
                defer { before = ranges }
                return before != ranges
            })
        else { return }
        var fresh = PrefixTable<Bool>()
        for cidr in ranges { fresh.insert(cidr, true) }
        table.withLock { $0 = fresh }
        changes.wrappingAdd(1, ordering: .releasing)
    }

    private func fail(_ reason: String) {
        // At most once per `refresh`; the host's handler thins it further.
        failures.add()
        log.warning("file_sd list kept as it was", metadata: ["reason": "\(reason)"])
    }
}

/// Which flows this agent exports; the rest are `not_exported{reason="covered"}`.
struct ExportRule: Sendable {
    let side: AccountingOptions.Side

    /// Once per row.
    @inline(__always)
    func exports(_ observer: Observer, source: EndpointTable.Flags, destination: EndpointTable.Flags) -> Bool {
        let sourceCovered = source.contains(.covered)
        let destinationCovered = destination.contains(.covered)
        switch side {
        case .both: return true
        case .source:
            switch observer {
            case .source, .both: return true
            case .destination: return !sourceCovered
            case .transit: return !sourceCovered && !destinationCovered
            }
        case .destination:
            switch observer {
            case .destination, .both: return true
            case .source: return !destinationCovered
            case .transit: return !sourceCovered && !destinationCovered
            }
        }
    }
}
