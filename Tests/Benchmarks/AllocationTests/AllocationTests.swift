// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CountingMalloc
import Testing
import WeirKit
import WeirPipeline
import WeirTesting

/// Allocations do not depend on what else the machine does, so they can be a gate.
@Suite struct AllocationTests {
    /// Keeps the optimizer from removing the allocation under test.
    @inline(never) private func allocate(_ count: Int) -> [UInt8] { [UInt8](repeating: 1, count: count) }

    private func allocations(_ body: () -> Void) -> Int {
        let before = counting_malloc_calls()
        body()
        return Int(counting_malloc_calls() - before)
    }

    @Test("the counter sees one deliberate allocation")
    func counterCounts() {
        var kept: [UInt8] = []
        #expect(allocations { kept = allocate(4096) } == 1)
        #expect(kept.count == 4096)
    }

    private static let stage = FixedAnswers([.ownerName: "frontend", .zone: "a"])

    private static func flows() -> [CapturedFlow] {
        (0..<Pipeline.batchRows).map { number in
            var flow = CapturedFlow("10.0.0.1", "10.0.0.2", bytes: 100, packets: 2, ports: (40_000, UInt16(80 + number % 7)))
            flow.destination = IPAddress(ipv4: 0x0a00_0000 | UInt32(number % 500))
            return flow
        }
    }

    @Test("a batch on the metric path allocates nothing, with filters, classes and three metrics")
    func metricPath() {
        var fixture = PipelineFixture(
            """
            filter: 'bytes > 10 and not dst.owner.name ~ "nobody*"'
            metrics:
              network.flow.bytes:
              network.inter.zone.bytes: [src.zone, dst.zone, dst.port]
              mine: { measure: packets, filter: 'dst.port in [80, 81] and dst.address in 10.0.0.0/8', attributes: [dst.owner.name, transport] }
            """, enrichers: [EnricherInstance(name: "fixed", stage: .endpoint(Self.stage))])
        let flows = Self.flows()
        for _ in 0..<3 { fixture.window(flows) }
        let counted = allocations { for _ in 0..<100 { fixture.pipeline.consume(flows.span) } }
        #expect(counted == 0)
        #expect(fixture.values("network.flow.bytes").values.reduce(0, +) == 103 * UInt64(Pipeline.batchRows) * 100)
    }

    @Test("the records of a batch cost a constant number of allocations, whatever its rows")
    func recordPath() {
        func perBatch(_ rows: Int) -> Int {
            var fixture = PipelineFixture(
                "{ metrics: {}, records: [src.address, src.port, dst.address, dst.port, transport, src.owner.name, traffic.scope] }",
                enrichers: [EnricherInstance(name: "fixed", stage: .endpoint(Self.stage))])
            let flows = Array(Self.flows().prefix(rows))
            for _ in 0..<3 { fixture.window(flows) }
            return allocations { fixture.pipeline.consume(flows.span) }
        }
        let (few, many) = (perBatch(64), perBatch(4096))
        #expect(few <= 40)
        #expect(many <= few + 4, "\(few) allocations for 64 rows, \(many) for 4096")
    }
}
