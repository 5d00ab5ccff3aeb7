// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

/// `node_zone`: the zone and region of the node behind each end.
public enum NodeZonePlugin: Plugin {
    public static let name = "node_zone"
    public static let summary = "Zone and region of the Kubernetes node behind each end, from the node's labels."
    public static let sample = String(decoding: PackageResources.sample_yaml, as: UTF8.self)

    public static func make(_ options: NodeZoneOptions, in context: PluginContext) -> BuiltStage {
        .endpoint(NodeZoneEnricher(options, context))
    }
}
