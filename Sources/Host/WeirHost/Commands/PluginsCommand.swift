// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WeirKit

/// `weir plugins`: what this program contains.
struct PluginsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugins",
        abstract: "Lists the plugins of this program, describes one, or prints its sample.",
        discussion: "Example: weir plugins sample cidr > /etc/weir/plugins.d/10-cidr.yaml",
        subcommands: [List.self, Describe.self, Sample.self], defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "One line per plugin: under which key it stands, and what it does.", discussion: "Example: weir plugins list")

        func run() {
            let plugins = WeirHost.plugins
            let width = plugins.map(\.name.count).max() ?? 0
            for plugin in plugins {
                let kind = plugin.kind.rawValue
                Output.text("\(kind)  \(plugin.name)\(String(repeating: " ", count: width - plugin.name.count))  \(plugin.summary)\n")
            }
        }
    }

    struct Describe: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What a plugin does, the attributes it fills, and its options.", discussion: "Example: weir plugins describe cidr")

        @Argument(help: "The plugin's name.") var name: String

        func run() throws {
            let plugin = try PluginsCommand.find(name)
            Output.text("\(plugin.name): \(plugin.summary)\nStands under '\(plugin.kind.rawValue)'.\n")
            let attributes = PluginSample.attributes(of: plugin)
            if !attributes.isEmpty {
                Output.text("\nAttributes it fills:\n")
                let width = attributes.map(\.name.count).max() ?? 0
                for attribute in attributes {
                    let end = attribute.subject == .endpoint ? "src. and dst." : "the flow's"
                    Output.text("  \(attribute.name)\(String(repeating: " ", count: width - attribute.name.count))  (\(end)) \(attribute.help)\n")
                }
            }
            Output.text("\nOptions, at their defaults:\n\n")
            Output.text(
                PluginSample.text(of: plugin).split(separator: "\n", omittingEmptySubsequences: false).map { $0.isEmpty ? "" : "  \($0)" }.joined(
                    separator: "\n"))
            Output.text("\nKeys of every \(plugin.kind == .export ? "exporter" : "enricher"): plugin, name, enabled")
            Output.text(plugin.kind == .export ? "; metrics, naming; records, filter, attributes, queue.\n" : ".\n")
        }
    }

    struct Sample: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "A file for plugins.d with every option at its default.",
            discussion: "Example: weir plugins sample cidr > /etc/weir/plugins.d/10-cidr.yaml")

        @Argument(help: "The plugin's name.") var name: String
        @Flag(help: "With 'enabled: false', as it stands in the repository's plugins.d.") var disabled = false

        func run() throws {
            let plugin = try PluginsCommand.find(name)
            Output.text(disabled ? PluginSample.disabledText(of: plugin) : PluginSample.text(of: plugin))
        }
    }

    private static func find(_ name: String) throws(CommandFailure) -> PluginEntry {
        if let plugin = WeirHost.plugins.first(where: { $0.name == name }) { return plugin }
        let hint = Suggestion.suffix(for: name, among: WeirHost.plugins.map(\.name))
        throw CommandFailure(status: .user, message: "unknown plugin '\(name)'\(hint.isEmpty ? "; see weir plugins list" : hint)\n")
    }
}
