// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

/// `kubernetes`: names the ends of flows by what the API server knows of pods, nodes and Services.
public enum KubernetesPlugin: Plugin {
    public static let name = "kubernetes"
    public static let summary = "Pods, their owners, nodes and Services behind addresses, and labels of theirs, from the Kubernetes API."
    public static let sample = String(decoding: PackageResources.sample_yaml, as: UTF8.self)

    public static func make(_ options: KubernetesOptions, in context: PluginContext) -> BuiltStage {
        .both(KubernetesEnricher(options, context))
    }
}
