// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import BuiltInPlugins
internal import Foundation
internal import Testing
internal import WeirHost
internal import WeirKit

/// The built program, as the shell sees it. Nothing here needs root: what would capture is refused before.
@Suite("commands")
struct CommandTests {
    @Test("the program has the plugins that these tests know")
    func list() throws {
        let outcome = try Fixtures.weir("plugins", "list")
        #expect(outcome.status == 0)
        let names = outcome.output.split(separator: "\n").compactMap { $0.split(separator: " ").dropFirst().first.map(String.init) }
        #expect(names == builtInPlugins.map(\.name))
    }

    @Test("check exits 0 for a good file and 1 for a bad one, with the same text as in-process")
    func check() throws {
        let good = try Fixtures.weir("check", "--config", "design.good.yaml")
        #expect(good.status == 0 && good.errors == "", "\(good)")
        let bad = try Fixtures.weir("check", "--config", "unknown-key.bad.yaml")
        #expect(bad.status == 1)
        #expect(bad.errors == Fixtures.text(Fixtures.configs.appendingPathComponent("unknown-key.expected.txt")))
    }

    @Test("WEIR_CONFIG stands for --config")
    func environment() throws {
        #expect(try Fixtures.weir("check", environment: ["WEIR_CONFIG": "unknown-key.bad.yaml"]).status == 1)
        #expect(try Fixtures.weir("check", "--config", "design.good.yaml", environment: ["WEIR_CONFIG": "unknown-key.bad.yaml"]).status == 0)
    }

    @Test(
        "a slip on the command line exits 1 and says where help is",
        arguments: [["chek"], ["check", "--confg", "x"], ["plugins", "sample", "prometeus"], ["run", "--until", "soon"]])
    func slip(_ arguments: [String]) throws {
        let outcome = try Fixtures.weir(arguments)
        #expect(outcome.status == 1 && outcome.output == "", "\(outcome)")
        #expect(!outcome.errors.isEmpty)
    }

    @Test("every command has help with an example", arguments: ["run", "check", "explain", "plugins", "tap"])
    func help(_ command: String) throws {
        let outcome = try Fixtures.weir(command, "--help")
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("Example: "))
    }

    @Test("--version says what was built")
    func version() throws {
        let outcome = try Fixtures.weir("--version")
        #expect(outcome.status == 0)
        #expect(outcome.output.hasPrefix("weir 0.1.0\nswift "))
    }

    @Test("explain prints the key, who asked for it, and the memory with its formula")
    func explain() throws {
        let outcome = try Fixtures.weir("explain", "--config", "design.good.yaml")
        #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
        for part in ["key fields beside the two addresses", "asked by", "kernel memory: ", "cidr: asked for", "max_series is 2000"] {
            #expect(outcome.output.contains(part), "\(part)")
        }
    }

    @Test("explain says that values are estimates where packets are sampled, and by default they carry the rate")
    func explainSampling() throws {
        try Fixtures.inFolder { folder in
            let file = folder.appendingPathComponent("weir.yaml")
            try "capture: { sampling: 100 }\nexport: [prometheus]\n".write(to: file, atomically: true, encoding: .utf8)
            let outcome = try Fixtures.weir("explain", "--config", file.path)
            #expect(outcome.output.contains("sampling: one in 100 packets, by chance; all values are estimates, scaled by 100"), "\(outcome)")
            #expect(outcome.output.contains("traffic.scope, observer, sampling.rate\n"), "\(outcome)")
            #expect(try !Fixtures.weir("explain", "--config", "design.good.yaml").output.contains("sampl"))
        }
    }

    /// The sum under `memory at these limits`: bytes per line, by what they are for.
    private func sizing(_ yaml: String) throws -> (parts: [String: Int], formulas: [String: String], total: Int, text: String) {
        try Fixtures.inFolder { folder in
            let file = folder.appendingPathComponent("weir.yaml")
            try yaml.write(to: file, atomically: true, encoding: .utf8)
            let outcome = try Fixtures.weir("explain", "--config", file.path)
            #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
            let lines = outcome.output.split(separator: "\n").drop { !$0.contains("memory at these limits") }.dropFirst().prefix {
                $0.hasPrefix("    ")
            }
            var parts: [String: Int] = [:]
            var formulas: [String: String] = [:]
            var total = 0
            for line in lines {
                let words = line.split(separator: " ", maxSplits: 1)
                let bytes = try #require(Int(words[0]), "\(line)")
                let text = words[1].drop { $0 == " " }
                let what = text.prefix { $0 != ":" }
                if what.hasPrefix("bytes in all") {
                    total = bytes
                } else {
                    parts[String(what)] = bytes
                    formulas[String(what)] = String(text.dropFirst(what.count + 1))
                }
            }
            return (parts, formulas, total, outcome.output)
        }
    }

    @Test("explain sizes an agent: every line of the sum has its formula, and the sum is right")
    func sizing() throws {
        let found = try sizing("{ capture: { max_flows: 2048 }, export: [prometheus, { plugin: json_lines, path: /var/log/weir/a.jsonl }] }")
        #expect(found.total == found.parts.values.reduce(0, +) && found.total > 0, "\(found.parts)")
        for what in ["kernel maps", "kernel, beside the maps", "endpoints", "texts", "series of network.flow.bytes", "queue of json_lines"] {
            #expect((found.parts[what] ?? 0) > 0, "\(what)")
        }
        for (what, bytes) in found.parts {
            let formula = found.formulas[what] ?? ""
            #expect(bytes == 0 ? !formula.isEmpty : Arithmetic.value(formula) == bytes, "\(what): \(bytes) =\(formula)")
        }
        // The figure of the capture's own section.
        let kernel = try #require(found.text.split(separator: "\n").first { $0.contains("kernel memory: ") })
        #expect(kernel.contains(" \(found.parts["kernel maps"] ?? 0) bytes"))
        let charged = (found.parts["kernel maps"] ?? 0) + (found.parts["kernel, beside the maps"] ?? 0)
        #expect(found.text.contains("the kernel charges \(charged) bytes in all"))
        #expect(found.text.contains("flows: 2048 in a window of 5s, which is 409 new ones a second; with more than 1792 it is drained early"))
    }

    @Test("a limit moves its own line of the sum and no other")
    func sizingMoves() throws {
        let (small, large) = (
            try sizing("{ capture: { max_flows: 2048 }, pipeline: { max_endpoints: 20000, max_series: 10 } }"),
            try sizing("{ capture: { max_flows: 4096 }, pipeline: { max_endpoints: 20000, max_series: 20 } }")
        )
        let moved = small.parts.filter { large.parts[$0.key] != $0.value }.keys.sorted()
        #expect(
            moved == [
                "kernel maps", "series of network.flow.bytes", "series of network.flow.packets", "series of network.inter.zone.bytes", "texts",
            ])
        let ring = 1 << 20
        #expect(((large.parts["kernel maps"] ?? 0) - ring) == 2 * ((small.parts["kernel maps"] ?? 0) - ring))
    }

    @Test("check and explain warn of the same things")
    func warnings() throws {
        try Fixtures.inFolder { folder in
            let items = folder.appendingPathComponent("plugins.d")
            try FileManager.default.createDirectory(at: items, withIntermediateDirectories: true)
            try "enrich: []\nexport: []\nmetrics: { network.flow.bytes: [src.zone] }\n".write(
                to: folder.appendingPathComponent("weir.yaml"), atomically: true, encoding: .utf8)
            try "plugin: stdout\n".write(to: items.appendingPathComponent("10-a.yml"), atomically: true, encoding: .utf8)
            let checked = try Fixtures.weir("check", "--config", folder.path).errors.split(separator: "\n").map { $0.dropFirst("warning: ".count) }
            let explained = try Fixtures.weir("explain", "--config", folder.path).output.split(separator: "\n")
                .drop { $0 != "Warnings" }.dropFirst().map { $0.drop { $0 == " " } }
            #expect(checked == explained)
            #expect(checked.count >= 2, "\(checked)")
        }
    }

    @Test("a reader that hangs up does not end the program", arguments: ["plugins list", "check --config design.good.yaml"])
    func closedPipe(_ command: String) throws {
        // The reader is gone before anything is written; the program's own status goes to standard error.
        let outcome = try Fixtures.shell("{ sleep 0.3; \"$weir\" \(command); echo $? >&2; } | true")
        #expect(outcome.errors == "0\n")
        let listen = try Fixtures.shell("{ sleep 0.3; \"$weir\" check --config unknown-key.bad.yaml 2>&1 >/dev/null; echo $? >&2; } | true")
        #expect(listen.errors == "1\n")
    }

    @Test("an address that cannot be listened on exits 2 and is named, before anything is captured")
    func listen() throws {
        try Fixtures.inFolder { folder in
            let file = folder.appendingPathComponent("weir.yaml")
            try "http: { listen: 192.0.2.1:9347 }\n".write(to: file, atomically: true, encoding: .utf8)
            let outcome = try Fixtures.weir("run", "--config", file.path, "--until", "1s")
            #expect(outcome.status == 2)
            #expect(outcome.errors.contains("could not listen error=\"Cannot assign requested address\" listen=192.0.2.1:9347"), "\(outcome)")
        }
    }

    @Test("run refuses a configuration that others can write, check does not")
    func trust() throws {
        try Fixtures.inFolder { folder in
            let file = folder.appendingPathComponent("weir.yaml")
            try "export: [stdout]\n".write(to: file, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: file.path)
            #expect(try Fixtures.weir("check", "--config", file.path).status == 0)
            let outcome = try Fixtures.weir("run", "--config", file.path, "--until", "1s")
            #expect(outcome.status == 1)
            #expect(outcome.errors.contains("is writable by everyone"), "\(outcome)")
        }
    }
}

/// What a formula such as `2 generations × 2048 flows × (64 + key 40)` comes to: its words mean nothing.
private struct Arithmetic {
    private var rest: ArraySlice<String>

    /// Nil where it is none.
    static func value(_ formula: String) -> Int? {
        let spaced = formula.map { "×+()".contains($0) ? " \($0) " : String($0) }.joined()
        let marks = spaced.split(separator: " ").map(String.init).filter { Int($0) != nil || ["×", "+", "(", ")"].contains($0) }
        var reader = Arithmetic(rest: marks[...])
        guard let sum = reader.sum(), reader.rest.isEmpty else { return nil }
        return sum
    }

    private mutating func sum() -> Int? {
        guard var sum = product() else { return nil }
        while rest.first == "+" {
            rest.removeFirst()
            guard let more = product() else { return nil }
            sum += more
        }
        return sum
    }

    private mutating func product() -> Int? {
        guard var product = factor() else { return nil }
        while rest.first == "×" {
            rest.removeFirst()
            guard let more = factor() else { return nil }
            product *= more
        }
        return product
    }

    private mutating func factor() -> Int? {
        let first = rest.popFirst()
        guard first == "(" else {
            // A number behind a number is prose: `304 for a text of 256 bytes`.
            while let next = rest.first, Int(next) != nil { rest.removeFirst() }
            return first.flatMap { Int($0) }
        }
        let inner = sum()
        return rest.popFirst() == ")" ? inner : nil
    }
}
