// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Synchronization
internal import Testing
internal import WeirHost
internal import WeirKit
internal import WeirPipeline
internal import WeirTesting

@Suite("a reload by parts")
struct ReloadTests {
    /// A configuration that random edits change: what is made from what, and how it is written.
    private struct Draft {
        struct Item: Equatable {
            var plugin: String
            /// Nil: not written, which is the default `x`.
            var text: String?
            var filter: String?
            /// In a file of `plugins.d`, and how far down.
            var isApart = false
            var lines = 0

            /// What an instance is made from.
            var essence: String { "\(plugin) \(text ?? "x") \(filter ?? "")" }
        }

        var items: [String: Item] = [:]
        var metric = "[src.name]"

        mutating func edit(_ random: inout SplitMix64) {
            let names = ["a", "b", "c", "d", "e", "f"]
            let name = names[Int.random(in: 0..<names.count, using: &random)]
            switch Int.random(in: 0..<9, using: &random) {
            case 0: items[name] = nil
            case 1, 2:
                items[name] = Item(plugin: ["names", "lines", "page"][Int.random(in: 0..<3, using: &random)])
            case 3: items[name]?.text = ["x", "y", nil][Int.random(in: 0..<3, using: &random)]
            case 4: items[name]?.isApart.toggle()
            case 5: items[name]?.lines += 1
            case 6:
                let isFiltered = items[name]?.filter != nil
                if items[name]?.plugin == "lines" { items[name]?.filter = isFiltered ? nil : "dst.name != \"z\"" }
            case 7: metric = metric == "[src.name]" ? "[src.name, dst.name]" : "[src.name]"
            default: break
            }
        }

        func write(to fixture: ReloadFixture) throws {
            let folder = fixture.folder.appendingPathComponent("plugins.d")
            for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
                try FileManager.default.removeItem(at: folder.appendingPathComponent(name))
            }
            func list(_ isWanted: (Item) -> Bool) -> String {
                let chosen = items.sorted { $0.key < $1.key }.filter { !$0.value.isApart && isWanted($0.value) }
                if chosen.isEmpty { return " []\n" }
                return "\n"
                    + chosen.map { "\(String(repeating: "\n", count: $0.value.lines))  - { \(Self.keys($0.key, $0.value, ", ")) }\n" }.joined()
            }
            try fixture.write(
                "metrics: { network.flow.bytes: \(metric) }\nenrich:\(list { $0.plugin == "names" })export:\(list { $0.plugin != "names" })")
            for (name, item) in items where item.isApart {
                try fixture.write(
                    String(repeating: "# a line\n", count: item.lines) + Self.keys(name, item, "\n") + "\n", to: "plugins.d/10-\(name).yaml")
            }
        }

        private static func keys(_ name: String, _ item: Item, _ separator: String) -> String {
            var keys = ["plugin: \(item.plugin)", "name: \(name)"]
            if let text = item.text { keys.append("text: \(text)") }
            if let filter = item.filter { keys.append("filter: '\(filter)'") }
            return keys.joined(separator: separator)
        }
    }

    @Test("over random edits exactly those instances are made anew whose section changed, and no other run ends", arguments: 1...4)
    func law(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        let fixture = try ReloadFixture()
        try await fixture.run {
            var before = Draft()
            before.items["a"] = .init(plugin: "names")
            var made: [String: UInt64] = [:]
            for step in 0..<60 {
                var draft = before
                if step > 0 { for _ in 0..<Int.random(in: 1...3, using: &random) { draft.edit(&random) } }
                for (name, item) in draft.items {
                    let isAnew =
                        step == 0 || item.essence != before.items[name]?.essence || item.plugin == "page" && draft.metric != before.metric
                    if isAnew { made[name, default: 0] += 1 }
                }
                try draft.write(to: fixture)
                #expect(await fixture.reload() == [], "seed \(seed), step \(step)")
                for (name, count) in made { #expect(fixture.count("made", name) == count, "seed \(seed), step \(step): \(name)") }
                before = draft
            }
            // Whoever is not there any more was told so, and nobody else.
            #expect(
                await fixture.wait {
                    made.allSatisfy { name, count in
                        guard let item = before.items[name], item.plugin != "lines" else { return true }
                        return fixture.count("cancelled", name) + 1 >= fixture.count("began", name)
                    }
                })
        }
    }

    @Test("a stage that goes on is neither started again nor cancelled, keeps what it learned, and may still invalidate")
    func goesOn() async throws {
        let fixture = try ReloadFixture()
        try fixture.write("enrich: [names]\nmetrics: { network.flow.bytes: [src.name] }\nexport: [page, { plugin: lines, text: a }]")
        try await fixture.run {
            #expect(await fixture.reload() == [])
            fixture.window([CapturedFlow("10.0.0.1", "10.0.0.2", bytes: 10)])
            #expect(await fixture.wait { fixture.count("began", "names") == 1 && fixture.count("began", "page") == 1 })
            let first = fixture.tree?.configuration.instances
            try fixture.write(
                "\n\nexport:\n  - { plugin: lines, text: b }\n  - page\nmetrics: { network.flow.bytes: [src.name] }\nenrich: [{ plugin: names, text: x }]"
            )
            #expect(await fixture.reload() == [])
            let second = fixture.tree?.configuration.instances
            #expect(first?["names"] === second?["names"] && first?["page"] === second?["page"] && first?["lines"] !== second?["lines"])
            fixture.window([CapturedFlow("10.0.0.1", "10.0.0.2", bytes: 10)])
            #expect(fixture.count("questions", "names") == 2)
            #expect(fixture.count("began", "names") == 1 && fixture.count("cancelled", "names") == 0)
            #expect(fixture.count("began", "page") == 1 && fixture.count("cancelled", "page") == 0 && fixture.count("finished", "page") == 0)
            #expect(await fixture.wait { fixture.count("finished", "lines") == 1 })
        }
        #expect(fixture.count("cancelled", "names") == 1 && fixture.count("finished", "page") == 1)
    }

    @Test("a queue goes on with its exporter, and what is offered after the reload arrives")
    func queue() async throws {
        let fixture = try ReloadFixture()
        func text(_ other: String) -> String { "enrich: [{ plugin: names, text: \(other) }]\nexport: [{ plugin: lines, attributes: [src.name] }]" }
        try await fixture.run {
            for other in ["a", "b", "c"] {
                try fixture.write(text(other))
                #expect(await fixture.reload() == [])
                fixture.window([CapturedFlow("10.0.0.1", "10.0.0.2")])
            }
            #expect(await fixture.wait { fixture.count("records", "lines") == 3 })
            #expect(fixture.count("made", "lines") == 1 && fixture.count("made", "names") == 3 && fixture.count("finished", "lines") == 0)
        }
        #expect(fixture.count("finished", "lines") == 1)
    }

    @Test("series of a metric that stays keep value, number and start; one that changes begins anew")
    func series() async throws {
        let fixture = try ReloadFixture()
        func text(_ metrics: String) -> String { "enrich: [names]\nmetrics: { \(metrics) }\nexport: [page]" }
        let flow = CapturedFlow("10.0.0.1", "10.0.0.2", bytes: 10)
        try await fixture.run {
            try fixture.write(text("network.flow.bytes: [src.name], network.flow.packets: [src.name]"))
            await fixture.reload()
            fixture.window([flow])
            let before = fixture.snapshots
            try fixture.write(text("network.flow.bytes: [src.name], network.flow.packets: [dst.name]"))
            await fixture.reload()
            fixture.window([flow])
            let after = fixture.snapshots
            #expect(before.map(\.values) == [[10], [1]] && after.map(\.values) == [[20], [1]])
            #expect(after.first?.created == before.first?.created && after.first?.numbers == before.first?.numbers)
            #expect(after.last?.created != before.last?.created && after.last?.numbers != before.last?.numbers && after.last?.expired == 1)
        }
    }

    @Test("an exporter that goes on reads one story: what it saw before is not carried; one that is new begins with what was there")
    func story() async throws {
        let fixture = try ReloadFixture()
        let flow = CapturedFlow("10.0.0.1", "10.0.0.2", bytes: 10)
        func page(_ name: String) async -> String {
            guard await fixture.wait({ fixture.routes.handler(for: "/\(name)") != nil }), let handler = fixture.routes.handler(for: "/\(name)")
            else { return "nobody answers" }
            let text = Collected()
            try? await handler(HTTPQuestion(path: "/\(name)", accept: "")).body { text.add($0) }
            return text.text
        }
        func text(_ host: String, _ exporters: String) -> String {
            "enrich: [{ plugin: names, text: \(host) }]\nmetrics: { network.flow.bytes: [src.address] }\nexport: [\(exporters)]"
        }
        try await fixture.run {
            try fixture.write(text("x", "page"))
            await fixture.reload()
            fixture.window([flow])
            for round in 2...4 {
                // What stages tell of the host comes from the one that runs, and reaches exporters that were there before.
                try fixture.write(text("y\(round)", "page, { plugin: page, name: new\(round) }"))
                await fixture.reload()
                fixture.window([flow])
                let (old, new) = (await page("page"), await page("new\(round)"))
                #expect(old == "\(round * 10) y\(round)" && new == "10 y\(round)")
            }
            #expect(fixture.count("made", "page") == 1)
        }
    }

    @Test("rows that wait for an answer go on waiting over a reload, and get it")
    func held() async throws {
        let fixture = try ReloadFixture()
        func text(_ more: String) -> String {
            "enrich: [{ plugin: names, text: late }]\nmetrics: { network.flow.bytes: [src.name] }\nexport: [page\(more)]"
        }
        try await fixture.run {
            try fixture.write(text(""))
            await fixture.reload()
            fixture.window([CapturedFlow("10.0.0.1", "10.0.0.2", bytes: 10)])
            #expect(fixture.snapshots.map(\.values) == [[]])
            try fixture.write(text(", { plugin: page, name: new }"))
            await fixture.reload()
            #expect(fixture.snapshots.map(\.values) == [[]])
            fixture.window([])
            #expect(fixture.snapshots.map(\.values) == [[10]] && fixture.snapshots.map(\.texts) == [["late"]])
        }
    }

    @Test("a new stage is waited for while it is not ready")
    func readiness() async throws {
        let fixture = try ReloadFixture()
        func text(_ text: String) -> String {
            "enrich: [{ plugin: names, text: \(text) }]\nmetrics: { network.flow.bytes: [src.name] }\nexport: [page]"
        }
        try await fixture.run {
            try fixture.write(text("fast"))
            await fixture.reload()
            try fixture.write(text("slow"))
            await fixture.reload { beginners in
                #expect(beginners.unready == ["names"])
                #expect(await fixture.wait { beginners.unready == [] })
            }
            // One that goes on is not waited for again.
            await fixture.reload { #expect($0.unready == []) }
        }
    }

    @Test("what a stage says of itself counts once its run has been called for what is asked now")
    func begun() async throws {
        let fixture = try ReloadFixture()
        try fixture.write("enrich: [names]\nmetrics: { network.flow.bytes: [src.name] }\nexport: [page]")
        // Before `run` nothing starts.
        var beginners: StageTree.Beginners?
        await fixture.reload { beginners = $0 }
        #expect(beginners?.unready == ["names"])
        try await fixture.run { #expect(await fixture.wait { beginners?.unready == [] }) }
    }

    @Test("a stop cuts the wait for new stages short, and only a stop does")
    func hurry() async throws {
        let fixture = try ReloadFixture()
        try fixture.write("enrich: [{ plugin: names, text: never }]\nmetrics: { network.flow.bytes: [src.name] }\nexport: [page]")
        try await fixture.run {
            await fixture.reload { beginners in
                let hurry = Gate<Void>()
                #expect(await beginners.wait(within: .milliseconds(50), hurry: hurry) == ["names"])
                async let unready = beginners.wait(within: .seconds(600), hurry: hurry)
                hurry.open(())
                #expect(await unready == ["names"])
            }
        }
    }

    @Test("a stage that is asked for more begins anew with what it knows; for less it goes on")
    func asked() async throws {
        let fixture = try ReloadFixture()
        func text(_ attributes: String) -> String { "enrich: [names]\nmetrics: { network.flow.bytes: \(attributes) }\nexport: [page]" }
        try await fixture.run {
            for (attributes, began) in [("[src.name]", 1), ("[src.name, src.owner.name]", 2), ("[src.owner.name]", 2), ("[src.name]", 2)] {
                try fixture.write(text(attributes))
                #expect(await fixture.reload() == [])
                #expect(await fixture.wait { fixture.count("began", "names") == UInt64(began) })
                #expect(fixture.count("made", "names") == 1)
            }
        }
    }

    @Test("another content of a file makes an instance anew, unless its stage follows the file itself; another path does too")
    func files() async throws {
        let fixture = try ReloadFixture()
        let text = "enrich: [{ plugin: names, file: table, followed: hosts }]\nexport: [page]\nmetrics: { network.flow.bytes: [src.name] }\n"
        try await fixture.run {
            try fixture.write("1", to: "table")
            try fixture.write("1", to: "hosts")
            try fixture.write(text)
            await fixture.reload()
            try fixture.write("2", to: "hosts")
            try fixture.write("1", to: "table")
            await fixture.reload()
            #expect(fixture.count("made", "names") == 1)
            try fixture.write("2", to: "table")
            await fixture.reload()
            #expect(fixture.count("made", "names") == 2)
            // The same words in another folder mean another file.
            try fixture.write("2", to: "plugins.d/table")
            try fixture.write("export: [page]\nenrich: []\nmetrics: { network.flow.bytes: [src.name] }\n")
            try fixture.write("plugin: names\nfile: table\nfollowed: hosts\n", to: "plugins.d/1-names.yaml")
            await fixture.reload()
            #expect(fixture.count("made", "names") == 3)
        }
    }

    @Test("a path of an exporter that goes on is not another one's, and a wrong configuration changes nothing")
    func conflict() async throws {
        let fixture = try ReloadFixture()
        try await fixture.run {
            try fixture.write("enrich: []\nexport: [{ plugin: page, name: one, path: /p }]")
            #expect(await fixture.reload() == [])
            for order in [
                "{ plugin: page, name: two, path: /p }, { plugin: page, name: one, path: /p }",
                "{ plugin: page, name: one, path: /p }, { plugin: page, name: two, path: /p }",
            ] {
                try fixture.write("enrich: []\nexport: [\(order)]")
                #expect(await fixture.reload().contains { $0.contains("the path /p is answered by") })
            }
            #expect(fixture.count("began", "one") <= 1 && fixture.count("cancelled", "one") == 0)
            try fixture.write("enrich: []\nexport: [{ plugin: page, name: two, path: /p }]")
            #expect(await fixture.reload() == [])
            #expect(await fixture.wait { fixture.count("began", "two") == 1 && fixture.count("finished", "one") == 1 })
        }
    }
}

private final class Collected: Sendable {
    private let all = Mutex<[UInt8]>([])
    func add(_ piece: [UInt8]) { all.withLock { $0 += piece } }
    var text: String { String(decoding: all.withLock { $0 }, as: UTF8.self) }
}
