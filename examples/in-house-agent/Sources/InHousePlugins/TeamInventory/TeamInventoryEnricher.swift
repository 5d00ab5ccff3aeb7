// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization
import WeirKit

/// Answers from a frozen inventory, which `run()` replaces whole when the file changes.
package final class TeamInventoryEnricher: EndpointEnricher {
    package static let team = Attribute.endpoint("team", "The team that answers for this end, by the inventory.")
    package static let costCenter = Attribute.endpoint("cost_center", "The cost center of that team, by the inventory.")

    /// An earlier stage must find the owner: local_owner, kubernetes, cidr.
    package let reads: Set<Attribute> = [.ownerName]
    package let writes: Set<Attribute> = [team, costCenter]

    private let options: TeamInventoryOptions
    private let context: PluginContext
    private let metrics: TeamInventoryMetrics
    private let inventory: Mutex<Inventory>

    package init(_ options: TeamInventoryOptions, _ context: PluginContext) {
        self.options = options
        self.context = context
        metrics = TeamInventoryMetrics(context.metrics)
        // Its problems were noted when the options were read.
        let first = options.file?.read(ConfigProblems()) ?? Inventory()
        inventory = Mutex(first)
        metrics.lines.set(UInt64(first.entries.count))
    }

    /// For `weir explain`: how many series a metric by team can have.
    package func valueCount(of attribute: Attribute) -> Int? {
        let entries = inventory.withLock { $0 }.entries
        return Set(attribute == Self.team ? entries.map(\.team) : entries.map(\.costCenter)).count
    }

    /// On the data thread: one snapshot, then look-ups in memory.
    package func enrich(_ endpoints: inout EndpointBatch) {
        let inventory = inventory.withLock { $0 }
        for row in endpoints.rows {
            guard let owner = endpoints[.ownerName, row] else { continue }
            guard let entry = inventory.entry(for: owner) else {
                metrics.unlisted.add()
                continue
            }
            endpoints.answer(Self.team, row, .text(entry.team))
            endpoints.answer(Self.costCenter, row, .text(entry.costCenter))
        }
    }

    /// Looks at the file every `refresh`. A file that is wrong ends this in an error, which the host counts, logs at most once a
    /// minute and answers by a new call after 1 s, 2 s, 4 s … 5 min; until then the last good inventory goes on.
    package func run() async throws {
        guard let file = options.file else { return }
        while true {
            let problems = ConfigProblems()
            let fresh = file.read(problems)
            guard let fresh, problems.count == 0 else { throw InventoryError(problems) }
            let isChanged = inventory.withLock { inventory in
                defer { inventory = fresh }
                return inventory != fresh
            }
            if isChanged {
                metrics.reloads.add()
                metrics.lines.set(UInt64(fresh.entries.count))
                context.invalidate(.all)
            }
            try await Task.sleep(for: options.refresh)
        }
    }
}

/// Why the inventory could not be read again, at its first bad place.
struct InventoryError: Error, CustomStringConvertible {
    let description: String

    init(_ problems: ConfigProblems) {
        let first = problems.all.first.map { "\($0.position): \($0.message)" } ?? "nothing could be read"
        description = problems.count > 1 ? "\(first) (and \(problems.count - 1) more)" : first
    }
}
