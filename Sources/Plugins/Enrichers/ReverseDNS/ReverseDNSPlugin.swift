// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

/// `reverse_dns`: names addresses by PTR records and the hosts file.
public enum ReverseDNSPlugin: Plugin {
    public static let name = "reverse_dns"
    public static let summary = "The DNS name of an address, by PTR records and the hosts file, asked in the background within limits."
    public static let sample = String(decoding: PackageResources.sample_yaml, as: UTF8.self)

    public static func make(_ options: ReverseDNSOptions, in context: PluginContext) -> BuiltStage {
        .endpoint(ReverseDNSEnricher(options, context))
    }
}
