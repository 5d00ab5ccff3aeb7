// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CountingMalloc
import Testing
import WeirKit
import WeirPipeline
import WeirTesting

/// What `weir explain` computes against what the allocator says of a pipeline that is full: never less, and no figure of fancy.
@Suite struct MemoryBoundTests {
    /// Answers each address with a text of its own, 256 bytes long as none may be longer.
    private struct DistinctNames: EndpointEnricher {
        let writes: Set<Attribute> = [.endpoint("team")]
        var isPending = false

        func enrich(_ endpoints: inout EndpointBatch) {
            for row in endpoints.rows {
                let name = endpoints.address(row).description
                let text = name + String(repeating: "x", count: 256 - name.utf8.count)
                endpoints.answer(.endpoint("team"), row, isPending ? .pending : .text(text))
            }
        }
    }

    private static func enrichers(isPending: Bool = false) -> [EnricherInstance] {
        [EnricherInstance(name: "names", stage: .endpoint(DistinctNames(isPending: isPending)))]
    }

    private static func flow(_ number: Int) -> CapturedFlow {
        var flow = CapturedFlow("10.0.0.1", "10.0.0.2", ports: (UInt16(truncatingIfNeeded: number), UInt16(truncatingIfNeeded: number >> 16)))
        flow.source = IPAddress(ipv4: 0x0a00_0000 | UInt32(number))
        flow.destination = IPAddress(ipv4: 0x0b00_0000 | UInt32(number))
        return flow
    }

    /// Bytes that `body` leaves allocated, beside the bound, and the lines of the bound by name.
    private static func fill(_ yaml: String, isPending: Bool = false, flows: Int) -> (measured: Int, bounds: [String: Int], fixture: Full) {
        let before = counting_malloc_bytes()
        var fixture = PipelineFixture(yaml, enrichers: enrichers(isPending: isPending))
        let bounds = fixture.plan.memoryBounds()
        var sent = 0
        while sent < flows {
            let window = (sent..<min(sent + Pipeline.batchRows, flows)).map(flow)
            fixture.window(window)
            sent += window.count
        }
        let snapshot = fixture.series.reader(final: true).read()
        let measured = Int(counting_malloc_bytes()) - Int(before)
        let named = Dictionary(uniqueKeysWithValues: bounds.map { ($0.what, $0.bytes) })
        return (measured, named, Full(series: snapshot.reduce(0) { $0 + $1.values.count }, held: Int(fixture.metric("weir_pipeline_held_flows"))))
    }

    /// That the memory meant was full at all.
    private struct Full {
        let series: Int
        let held: Int
    }

    private static func compare(_ measured: Int, _ bound: Int, _ what: String) {
        #expect(measured <= bound, "\(what): \(measured) bytes are allocated, \(bound) are the bound")
        #expect(measured * 4 >= bound, "\(what): \(bound) bytes are the bound and only \(measured) allocated: the formula is off")
    }

    @Test("endpoints and their texts stay within the bound, and near it")
    func endpoints() {
        let full = Self.fill(
            "{ filter: 'src.team == \"a\" and dst.team == \"b\"', metrics: {}, pipeline: { max_endpoints: 65536 } }", flows: 80_000)
        Self.compare(full.measured, full.bounds.values.reduce(0, +), "65536 endpoints")
        #expect(full.bounds.keys.sorted() == ["endpoints", "flows that wait for an answer", "texts", "the batch in hand"])
    }

    @Test("series stay within the bound, and near it, while they are read")
    func series() {
        let full = Self.fill(
            """
            metrics: { a: { measure: bytes, attributes: [src.port, dst.port, transport] }, b: { measure: packets, attributes: [src.port, observer] } }
            pipeline: { max_series: 60000, max_values: 100000, max_endpoints: 16384, hold: 0s }
            """, flows: 70_000)
        #expect(full.fixture.series >= 120_000)
        Self.compare(full.measured, full.bounds.values.reduce(0, +), "120000 series")
    }

    @Test("flows that wait stay within the bound, and near it")
    func hold() {
        let full = Self.fill(
            "{ filter: 'src.team == \"a\"', metrics: {}, pipeline: { hold: 600s, max_held_flows: 100000, max_endpoints: 16384 } }", isPending: true,
            flows: 150_000)
        #expect(full.fixture.held == 100_000)
        // No text is ever answered here.
        Self.compare(full.measured, full.bounds.values.reduce(0, +) - (full.bounds["texts"] ?? 0), "100000 flows on hold")
    }
}
