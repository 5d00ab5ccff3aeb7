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
    /// `owners` makes the capture look for the receivers' owners, which it can at sockets only.
    /// `exporter` takes the records, if `yaml` wants any.
    init(_ traffic: Traffic, metrics yaml: String = PipelineRun.oneMetric, owners: Bool = false, exporter: (any RecordExporter)? = nil) {
        var plan = CapturePlan()
        plan.source = traffic.sizes.source
        plan.owner = owners
        reader = RowReader(plan, source: traffic.sizes.source)
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
            """, enrichers: traffic.stages(), exporter: exporter, hashSeed: 1)
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

    /// The first half of the way alone, with the looks before that sockets need.
    mutating func decode() { each { _, _ in } }

    /// The second half alone: a window of ready flows.
    mutating func window(_ flows: Span<CapturedFlow>) {
        fixture.begin()
        fixture.pipeline.consume(flows)
        fixture.end()
    }

    /// The same without its begin and end: one chunk again and again.
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

    /// Addresses that occur at either end of a row.
    var endpoints: Int {
        var addresses = Set<IPAddress>()
        for chunk in chunks {
            for row in chunk {
                addresses.insert(row.source)
                addresses.insert(row.destination)
            }
        }
        return addresses.count
    }

    private mutating func each(_ body: (Span<CapturedFlow>, inout PipelineRun) -> Void) {
        reader.begin()
        if reader.needsSurvey {
            for chunk in chunks { for row in chunk { reader.survey(row) } }
            if reader.needsSecondSurvey { for chunk in chunks { for row in chunk { reader.surveyAgain(row) } } }
        }
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
