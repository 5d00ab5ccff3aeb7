// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

/// `cidr`: names addresses by the ranges that hold them.
public enum CIDRPlugin: Plugin {
    public static let name = "cidr"
    public static let summary = "Zones, teams and any attribute of yours, from tables of address ranges."
    public static let sample = String(decoding: PackageResources.sample_yaml, as: UTF8.self)

    public static func make(_ options: CIDROptions, in context: PluginContext) -> BuiltStage {
        .endpoint(CIDREnricher(options, context))
    }
}
