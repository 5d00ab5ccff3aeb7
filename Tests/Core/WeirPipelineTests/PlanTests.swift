// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Testing
import WeirKit
import WeirPipeline

/// Knows the zone of this host, and may tell the resource of it.
private struct HostStage: EndpointEnricher {
    let tellsResource: Bool
    let writes: Set<Attribute> = [.zone]
    func enrich(_ endpoints: inout EndpointBatch) {}
}

@Suite("plan: which stages are started")
struct PlanTests {
    private func plan(reads: Bool, selects: Bool) -> Plan {
        var input = PlanInput()
        input.enrichers = [true, false].map { EnricherInstance(name: $0 ? "telling" : "silent", stage: .endpoint(HostStage(tellsResource: $0))) }
        input.readsResource = reads
        let filter =
            selects
            ? Filter.read(
                ConfigNode(.scalar(#"src.zone == "a""#), at: ConfigPosition(file: "f", line: 1, column: 1)), catalog: Catalog(),
                problems: ConfigProblems()) : nil
        input.filter = filter
        return Plan(input)
    }

    @Test("what nothing selected needs is not started, unless it tells a resource that somebody reads; asked it is not even then")
    func resource() {
        let unread = plan(reads: false, selects: false)
        #expect(!unread.isStarted(0) && !unread.isStarted(1))
        let read = plan(reads: true, selects: false)
        #expect(read.isStarted(0) && !read.isStarted(1) && !read.isNeeded(0) && !read.isNeeded(1))
        #expect(read.explain().contains("  telling: asked for nothing, started for what an exporter says of this host"))
        #expect(read.explain().contains("  silent: not started, since nothing selected is among what it can answer"))
        let selected = plan(reads: true, selects: true)
        #expect(selected.isStarted(0) && selected.isStarted(1) && selected.isNeeded(0) && selected.isNeeded(1))
    }
}
