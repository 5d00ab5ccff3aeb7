// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization
import InHousePlugins
import Testing
import WeirKit
import WeirTesting

@Suite("team_inventory")
struct TeamInventoryTests {
    private static let checkout = FixedAnswers([.ownerName: "checkout"])
    private static let endpoints = [Questions.Endpoint("10.0.0.4"), Questions.Endpoint("2001:db8::1", owner: 17, isLocal: true)]

    @Test("the sample decodes to exactly the defaults")
    func sample() {
        let found = TeamInventoryOptions.reading(TeamInventoryPlugin.sample)
        #expect(found.problems == [])
        #expect(found.options == TeamInventoryOptions())
    }

    @Test("a bad file is an error of the configuration, at its line; a missing one at the place that names it")
    func badFile() {
        let file = Content("owner,team,cost_center\ncheckout\n")
        #expect(
            TeamInventoryOptions.reading("file: inventory.csv", files: file.files).problems
                == ["inventory.csv:2:1: expected 3 fields (owner,team,cost_center), found 1"])
        #expect(TeamInventoryOptions.reading("file: inventory.csv").problems == ["weir.yaml:1:7: 'inventory.csv' cannot be read here"])
        #expect(
            TeamInventoryOptions.reading("refresh: 10ms\nfil: a.csv").problems
                == ["weir.yaml:1:10: refresh is from 1s to 24h", "weir.yaml:2:1: unknown key 'fil'; did you mean 'file'?"])
    }

    @Test("keeps the promises of every enricher")
    func promises() throws {
        let enricher = try Self.enricher(Content("owner,team,cost_center\ncheckout,payments,cc-1\n"))
        #expect(Questions.brokenPromises(of: enricher, after: [Self.checkout], with: Self.endpoints) == [])
        let answers = Questions.ask([Self.checkout, enricher], Self.endpoints)
        #expect(answers.allSatisfy { $0[TeamInventoryEnricher.team] == .text("payments") && $0[TeamInventoryEnricher.costCenter] == .text("cc-1") })
    }

    @Test("who is not listed has no team, and is counted")
    func unlisted() throws {
        let registry = MetricRegistry()
        let enricher = try Self.enricher(Content("owner,team,cost_center\nsearch,search,\n"), registry)
        #expect(Questions.ask([Self.checkout, enricher], Self.endpoints).allSatisfy { $0[TeamInventoryEnricher.team] == .absent })
        #expect(Self.metric("weir_team_inventory_unlisted_total", registry) == 2)
    }

    @Test("a changed file is taken over; a bad one ends run() with its place, and the last good one goes on", .timeLimit(.minutes(1)))
    func reload() async throws {
        let file = Content("owner,team,cost_center\ncheckout,payments,cc-1\n")
        let registry = MetricRegistry()
        let asked = Mutex(0)
        let enricher = try Self.enricher(file, registry) { selection in
            #expect(selection == .all)
            asked.withLock { $0 += 1 }
        }
        let running = Task { try await enricher.run() }
        file.text = "owner,team,cost_center\ncheckout,billing,cc-1\n"
        while asked.withLock({ $0 }) == 0 { try await Task.sleep(for: .milliseconds(10)) }
        #expect(Questions.ask([Self.checkout, enricher], Self.endpoints).allSatisfy { $0[TeamInventoryEnricher.team] == .text("billing") })
        #expect(Self.metric("weir_team_inventory_reloads_total", registry) == 1)
        file.text = "owner,team,cost_center\ncheckout\nsearch\n"
        await #expect { try await running.value } throws: {
            "\($0)" == "inventory.csv:2:1: expected 3 fields (owner,team,cost_center), found 1 (and 1 more)"
        }
        #expect(Questions.ask([Self.checkout, enricher], Self.endpoints).allSatisfy { $0[TeamInventoryEnricher.team] == .text("billing") })
        #expect(asked.withLock { $0 } == 1)
    }

    private static func enricher(
        _ file: Content, _ registry: MetricRegistry = MetricRegistry(), invalidate: @escaping @Sendable (EndpointSelection) -> Void = { _ in }
    ) throws -> TeamInventoryEnricher {
        let read = TeamInventoryOptions.reading("file: inventory.csv\nrefresh: 1s", files: file.files)
        #expect(read.problems == [])
        return TeamInventoryEnricher(read.options, .testing("team_inventory", metrics: registry, invalidate: invalidate))
    }

    private static func metric(_ name: String, _ registry: MetricRegistry) -> UInt64? {
        registry.read().first { $0.name == name }?.cells.first?.cell.current
    }
}

/// A file in memory that a test changes.
private final class Content: Sendable {
    private let content: Mutex<String>
    init(_ text: String) { content = Mutex(text) }

    var text: String {
        get { content.withLock { $0 } }
        set { content.withLock { $0 = newValue } }
    }
    var files: ConfigFiles { ConfigFiles { [self] (_, _) throws(ConfigFileError) in Array(text.utf8) } }
}
