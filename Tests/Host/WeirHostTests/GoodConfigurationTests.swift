// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import BuiltInPlugins
internal import Foundation
internal import Testing
internal import WeirHost
internal import WeirKit

@Suite("good configurations")
struct GoodConfigurationTests {
    @Test("is read without a problem", arguments: Fixtures.names(".good.yaml"))
    func good(_ name: String) {
        let found = BadConfigurationTests.problems(Fixtures.configs.appendingPathComponent(name))
        #expect(found.report == "")
    }

    @Test("the examples have no problem", arguments: ["weir.yaml", "demo/weir.yaml"])
    func examples(_ path: String) {
        let found = BadConfigurationTests.problems(Fixtures.repository.appendingPathComponent("examples/\(path)"))
        #expect(found.report == "")
    }

    @Test("examples/weir.yaml, which shows every key at its default, leads to the plan that no configuration leads to")
    func defaults() throws {
        try Fixtures.inFolder { folder in
            let empty = folder.appendingPathComponent("weir.yaml")
            try "export: [prometheus]\n".write(to: empty, atomically: true, encoding: .utf8)
            func plan(_ path: String) throws -> [Substring] {
                try Fixtures.weir("explain", "--config", path).output.split(separator: "\n").filter {
                    !$0.contains(".yaml") && !$0.contains("nothing fills")
                }
            }
            let lines = try plan(empty.path)
            #expect(lines.count > 10)
            #expect(
                try plan(Fixtures.repository.appendingPathComponent("examples/weir.yaml").path).filter { $0 != "Warnings" }
                    == lines.filter { $0 != "Warnings" })
        }
    }

    @Test("a sample is a file of plugins.d that changes nothing and has no problem", arguments: builtInPlugins.map(\.name))
    func sample(_ name: String) throws {
        let plugin = try #require(builtInPlugins.first { $0.name == name })
        try Fixtures.inFolder { folder in
            let items = folder.appendingPathComponent("plugins.d")
            try FileManager.default.createDirectory(at: items, withIntermediateDirectories: true)
            // What it needs from others is there as their samples have it.
            let needed = name == "node_zone" ? [plugin, try #require(builtInPlugins.first { $0.name == "kubernetes" })] : [plugin]
            for plugin in needed {
                try PluginSample.text(of: plugin).write(
                    to: items.appendingPathComponent(PluginSample.fileName(of: plugin, in: builtInPlugins)), atomically: true, encoding: .utf8)
            }
            #expect(WeirHost.problems(at: folder.path, plugins: builtInPlugins).report == "")
        }
    }

    @Test(
        "an interval that series can fall through is worth a warning",
        arguments: [
            ("interval: 10m", "series_ttl: 10m", true), ("interval: 9m", "series_ttl: 10m", false), ("interval: 5m", "max_series: 1000", true),
            ("timeout: 5s", "max_series: 1000", false),
        ])
    func interval(_ interval: String, _ pipeline: String, _ isWarned: Bool) throws {
        try Fixtures.inFolder { folder in
            let file = folder.appendingPathComponent("weir.yaml")
            let yaml = "pipeline: { \(pipeline) }\nexport: [prometheus, { plugin: otlp, \(interval), name: far }]\n"
            try yaml.write(to: file, atomically: true, encoding: .utf8)
            let found = try Fixtures.weir("check", "--config", file.path)
            #expect(found.status == 0)
            #expect(found.errors.contains("warning: exporter far reads the series every ") == isWarned, "\(found)")
            #expect(found.errors.contains("it never sees series that come and go in between\n") == isWarned, "\(found)")
        }
    }

    @Test(
        "an exporter's choice of metrics is read as series are matched",
        arguments: [("[network_flow_*]", "metrics network_flow_*"), ("[\"*.flow_bytes\"]", "metrics *.flow_bytes"), ("[]", "none of the metrics")])
    func chosenMetrics(_ choice: String, _ said: String) throws {
        try Fixtures.inFolder { folder in
            let file = folder.appendingPathComponent("weir.yaml")
            try "export: [{ plugin: prometheus, metrics: \(choice) }]\n".write(to: file, atomically: true, encoding: .utf8)
            let outcome = try Fixtures.weir("explain", "--config", file.path)
            #expect(outcome.status == 0 && outcome.output.contains("  prometheus: \(said)\n"), "\(outcome)")
        }
    }

    @Test("explain says by which names each exporter writes what")
    func names() throws {
        try Fixtures.inFolder { folder in
            let file = folder.appendingPathComponent("weir.yaml")
            let text = """
                enrich: [{ plugin: cidr, tables: [{ cidr: 10.0.0.0/8, owner.name: x }] }]
                metrics: { network.flow.bytes: [src.owner.name, transport] }
                export:
                  - { plugin: prometheus, naming: beyla }
                  - { plugin: prometheus, name: own, path: /own }
                  - { plugin: json_lines, path: "-", naming: otel, attributes: [dst.address, transport] }

                """
            try text.write(to: file, atomically: true, encoding: .utf8)
            let outcome = try Fixtures.weir("explain", "--config", file.path)
            for lines in [
                "  prometheus: metrics *\n    naming: beyla\n    beyla.network.flow.bytes: k8s.src.owner.name, transport\n",
                "  own: metrics *\n    naming: weir\n    weir.network.flow.bytes: src.owner.name, transport\n",
                "    naming: otel\n    destination.address, network.transport\n",
            ] { #expect(outcome.status == 0 && outcome.output.contains(lines), "\(outcome.output)") }
        }
    }

    @Test("a file of plugins.d is one more instance, named after the file")
    func pluginsFolder() throws {
        try Fixtures.inFolder { folder in
            let items = folder.appendingPathComponent("plugins.d")
            try FileManager.default.createDirectory(at: items, withIntermediateDirectories: true)
            func write(_ name: String, _ text: String) throws {
                try text.write(to: folder.appendingPathComponent(name), atomically: true, encoding: .utf8)
            }
            try write("weir.yaml", "export:\n  - { plugin: json_lines, name: zone_log, path: /tmp/a }\n")
            try write("plugins.d/70-zone-log.yaml", "plugin: json_lines\npath: /tmp/b\n")
            try write("plugins.d/.80-hidden.yaml", "plugin: nonsense\n")
            try write("plugins.d/90-off.yaml", "plugin: stdout\nenabled: false\nname: zone_log\n")
            try write("plugins.d/99-empty.yaml", "# plugin: stdout\n")
            let problems = WeirHost.problems(at: folder.path, plugins: builtInPlugins).problems
            #expect(problems.map(\.kind) == [.duplicateName])
            #expect(problems.first?.message.contains("called 'zone_log'") == true)
        }
    }

    @Test("a folder with nothing to read is a mistake, unless nobody asked for it")
    func emptyFolder() throws {
        try Fixtures.inFolder { folder in
            try "a: b".write(to: folder.appendingPathComponent("wier.yaml"), atomically: true, encoding: .utf8)
            let problems = WeirHost.problems(at: folder.path, plugins: builtInPlugins).problems
            #expect(problems.map(\.kind) == [.unreadable])
            #expect(problems.first?.message.hasSuffix("; it has 'wier.yaml'") == true)
        }
    }
}
