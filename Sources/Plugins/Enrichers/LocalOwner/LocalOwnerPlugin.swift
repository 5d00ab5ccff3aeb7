// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

/// `local_owner`: names the local end by the cgroup of its socket.
public enum LocalOwnerPlugin: Plugin {
    public static let name = "local_owner"
    public static let summary = "The systemd unit, container or pod that owns the local end of a flow, from its cgroup."
    public static let sample = String(decoding: PackageResources.sample_yaml, as: UTF8.self)

    public static func make(_ options: LocalOwnerOptions, in context: PluginContext) -> BuiltStage {
        .endpoint(LocalOwnerEnricher(options, context))
    }
}
