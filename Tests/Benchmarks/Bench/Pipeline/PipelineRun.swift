// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CWeirCapture
internal import Netlink
internal import WeirCapture
internal import WeirKit
internal import WeirPipeline
internal import WeirTesting

/// The way of the rows through user space: what the capture makes of them, then the pipeline. No kernel, no threads.
struct PipelineRun: ~Copyable {
    private var reader: RowReader
    /// A chunk on its way from the one to the other.
    private var flows: [CapturedFlow] = []
    var fixture: PipelineFixture
    /// The rows of a drain, as many at a time as it reads.
    private let chunks: [[capture_row]]
    private var book = KernelBook()

    /// `yaml` is the configuration's `metrics`, and what else the fixture reads.
    init(_ traffic: Traffic, metrics yaml: String = PipelineRun.oneMetric) {
        var plan = CapturePlan()
        plan.source = .tc
        reader = RowReader(plan, source: .tc)
        var links = LinkTable()
        links.apply(.address(LinkAddress(link: 2, address: IPAddress(ipv4: 0x0aff_ff01), prefixLength: 8)))
        reader.addresses.follow(links)
        let rows = traffic.rows()
        chunks = stride(from: 0, to: rows.count, by: Capture.chunk).map { Array(rows[$0..<min($0 + Capture.chunk, rows.count)]) }
        fixture = PipelineFixture(
            """
            pipeline: { max_endpoints: 1048576, max_series: 1000000, max_values: 1000000 }
            filter: 'bytes > 0 and not dst.owner.name ~ "nobody*"'
            \(yaml)
            """, enrichers: traffic.stages(), hashSeed: 1)
        flows.reserveCapacity(Capture.chunk)
    }

    static let oneMetric = "metrics: { network.flow.bytes: }"
    static let threeMetrics = "metrics: { network.flow.bytes: , network.flow.packets: , network.inter.zone.bytes: }"

    /// One window: all rows, chunk by chunk, as a drain brings them.
    mutating func window() {
        fixture.begin()
        each { chunk, run in
            run.fixture.pipeline.consume(chunk)
        }
        fixture.end()
    }

    /// The first half of the way alone.
    mutating func decode() { each { _, _ in } }

    /// The second half alone: one chunk again and again.
    mutating func consume(_ chunk: Span<CapturedFlow>, times: Int) {
        for _ in 0..<times { fixture.pipeline.consume(chunk) }
    }

    /// All flows, ready for `consume`.
    mutating func decoded() -> [CapturedFlow] {
        var all: [CapturedFlow] = []
        all.reserveCapacity(chunks.reduce(0) { $0 + $1.count })
        each { chunk, _ in for index in chunk.indices { all.append(chunk[index]) } }
        return all
    }

    private mutating func each(_ body: (Span<CapturedFlow>, inout PipelineRun) -> Void) {
        // Taken out meanwhile: a span of a property would forbid changing the others.
        var flows: [CapturedFlow] = []
        swap(&flows, &self.flows)
        for chunk in chunks {
            flows.removeAll(keepingCapacity: true)
            _ = reader.read(chunk, chunk.count, into: &flows, &book)
            body(flows.span, &self)
        }
        swap(&flows, &self.flows)
    }
}
