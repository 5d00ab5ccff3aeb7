// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import WeirKit

/// `team_inventory`: who answers for a workload, by a file that the company keeps anyway.
public enum TeamInventoryPlugin: Plugin {
    public static let name = "team_inventory"
    public static let summary = "The team and cost center of a workload, from a CSV file of owners."
    public static let sample = String(decoding: PackageResources.team_inventory_yaml, as: UTF8.self)

    public static func make(_ options: TeamInventoryOptions, in context: PluginContext) -> BuiltStage {
        .endpoint(TeamInventoryEnricher(options, context))
    }
}
