// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Logging
package import WeirKit

/// A plugin's sample as a file of `plugins.d`.
package enum PluginSample {
    package static func text(of plugin: PluginEntry) -> String {
        plugin.sample.hasSuffix("\n") ? plugin.sample : plugin.sample + "\n"
    }

    /// The same, switched off: what the repository's `plugins.d` holds, so that copying the folder changes nothing.
    package static func disabledText(of plugin: PluginEntry) -> String {
        var lines = text(of: plugin).split(separator: "\n", omittingEmptySubsequences: false)
        guard let line = lines.firstIndex(where: { $0.hasPrefix("plugin:") }) else { return "enabled: false\n" + text(of: plugin) }
        lines.insert("enabled: false", at: line + 1)
        return lines.joined(separator: "\n")
    }

    /// `30-reverse-dns.yaml`: tens in the order of the program's list for enrichers, behind them fives for exporters.
    package static func fileName(of plugin: PluginEntry, in plugins: [PluginEntry]) -> String {
        let peers = plugins.filter { $0.kind == plugin.kind }
        let place = (peers.firstIndex { $0.name == plugin.name } ?? 0) + 1
        let number = plugin.kind == .enrich ? place * 10 : 65 + place * 5
        return "\(number)-\(String(plugin.name.map { $0 == "_" ? "-" : $0 })).yaml"
    }

    /// What an instance with its defaults can fill, by name.
    static func attributes(of plugin: PluginEntry) -> [Attribute] {
        let problems = ConfigProblems()
        var section = ConfigSection(at: ConfigPosition(file: "(defaults)", line: 1, column: 1), problems: problems, files: .none)
        let context = PluginContext(
            instance: plugin.name, log: ConfigurationLoader.silent, metrics: MetricRegistry(), routes: HTTPRoutes(),
            hostName: SystemFacts.hostName, invalidate: { _ in })
        let stage = try? plugin.make(&section, context)
        let writes = stage?.enricher?.writes ?? []
        return writes.sorted { $0.name < $1.name }
    }
}
