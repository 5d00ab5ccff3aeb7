// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

/// `cloud_instance`: what the cloud says of the machine that the agent runs on.
public enum CloudInstancePlugin: Plugin {
    public static let name = "cloud_instance"
    public static let summary = "Zone, region, account and instance of this host, from its cloud's metadata service."
    public static let sample = String(decoding: PackageResources.sample_yaml, as: UTF8.self)

    public static func make(_ options: CloudInstanceOptions, in context: PluginContext) -> BuiltStage {
        .endpoint(CloudInstanceEnricher(options, context))
    }
}
