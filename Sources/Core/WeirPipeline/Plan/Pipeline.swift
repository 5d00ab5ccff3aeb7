// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// The steps between the kernel and the counters, run by one thread: intern, ask, hold, classify, filter, add up, cut.
package struct Pipeline: ~Copyable {
    /// Rows that go through the steps together: few enough that a batch's endpoints never fill the table, enough that
    /// per-batch work does not show.
    package static let batchRows = 4096

    private let plan: Plan
    private let covered: CoveredSet
    private let invalidations: InvalidationQueue
    private let series: SeriesBook
    private let book: PipelineBook
    private let rule: ExportRule
    private let scope: ScopeRules
    private var naming: EndpointNaming
    private let holdNanoseconds: UInt64?

    package var knowledge: Knowledge
    private var batch: FlowBatch
    private var questions: EndpointBatch
    private var hold: HoldBuffer
    private var due: [CapturedFlow] = []
    /// The rows of the batch that go on.
    private var rows: [Int] = []
    private var guards: [StageGuard]
    private var filter: FilterProgram?
    private var metricFilters: MetricFilters
    private var cutters: Cutters
    private var coveredVersion = UInt64.max
    /// The window whose flows are coming, in nanoseconds since 1970.
    private var window: Range<UInt64> = 0..<0

    package init(
        plan: Plan, covered: CoveredSet, invalidations: InvalidationQueue, registry: MetricRegistry, series: SeriesBook
    ) {
        self.plan = plan
        self.covered = covered
        self.invalidations = invalidations
        self.series = series
        book = PipelineBook(registry)
        rule = ExportRule(side: plan.input.accounting.observer)
        knowledge = Knowledge(endpoints: EndpointTable(attributes: plan.endpointAttributes, limit: plan.input.pipeline.maxEndpoints))
        naming = EndpointNaming(plan, &knowledge.symbols)
        scope = ScopeRules(columns: naming.scopeColumns, symbols: &knowledge.symbols)
        batch = FlowBatch(plugged: plan.pluggedAttributes)
        questions = EndpointBatch(columns: plan.endpointAttributes)
        hold = HoldBuffer(limit: plan.input.pipeline.maxHeldFlows)
        holdNanoseconds = plan.input.pipeline.hold.map { UInt64($0.nanoseconds) }
        guards = plan.input.enrichers.map { StageGuard(stage: $0.name, registry: registry) }
        filter = plan.input.filter.map { FilterProgram($0, layout: plan.layout) }
        metricFilters = MetricFilters(plan)
        cutters = Cutters(plan)
        let other = knowledge.symbols.intern(SeriesLimits.other)
        series.open(
            plan.input.metrics.map { metric in
                SeriesTable(
                    metric, columns: metric.attributes.map { plan.layout.column($0) },
                    limits: SeriesLimits(maxSeries: metric.maxSeries ?? plan.input.pipeline.maxSeries, maxValues: plan.input.pipeline.maxValues),
                    otherSymbol: other)
            }, &knowledge)
    }

    /// Says to which window the next flows belong.
    package mutating func beginWindow(_ window: Range<UInt64>) { self.window = window }

    /// Takes flows from the capture. Once per drained chunk.
    package mutating func consume(_ flows: Span<CapturedFlow>) {
        var bytes: UInt64 = 0
        var packets: UInt64 = 0
        for index in 0..<flows.count {
            bytes += flows[index].bytes
            packets += flows[index].packets
        }
        book.taken.add(bytes, packets)
        book.flows.add(UInt64(flows.count))
        var start = 0
        while start < flows.count {
            let end = min(start + Self.batchRows, flows.count)
            process(flows, start..<end, mayHold: true)
            start = end
        }
    }

    /// Ends the window: rows whose time has come go on, old series go, gauges are set.
    package mutating func endWindow() {
        release(dueBy: window.upperBound)
        let ttl = UInt64(plan.input.pipeline.seriesTTL.nanoseconds)
        let now = window.upperBound
        series.withTables { tables in
            for index in tables.indices {
                if now > ttl { tables[index].expire(before: now - ttl, &knowledge) }
                book.note(tables[index])
            }
        }
        series.endWindow(now)
        book.note(hold)
        book.note(knowledge)
    }

    /// The last call: nothing waits any longer.
    package mutating func finish() {
        release(dueBy: .max)
        series.endWindow(window.upperBound)
        book.note(hold)
    }

    private mutating func release(dueBy deadline: UInt64) {
        while true {
            due.removeAll(keepingCapacity: true)
            hold.pop(dueBy: deadline, atMost: Self.batchRows, into: &due)
            guard !due.isEmpty else { return }
            // Lent out for the call: a span of a property would forbid changing the others.
            let flows = due
            process(flows.span, 0..<flows.count, mayHold: false)
        }
    }

    private mutating func process(_ flows: Span<CapturedFlow>, _ range: Range<Int>, mayHold: Bool) {
        refresh()
        knowledge.endpoints.beginBatch()
        batch.removeAll()
        for index in range {
            let flow = flows[index]
            let source = knowledge.endpoints.intern(
                flow.source, owner: flow.sourceOwner, isLocal: flow.sourceIsHost, symbols: &knowledge.symbols)
            let destination = knowledge.endpoints.intern(
                flow.destination, owner: flow.destinationOwner, isLocal: flow.destinationIsHost, symbols: &knowledge.symbols)
            batch.append(flow, source: source, destination: destination)
        }
        ask()
        rows.removeAll(keepingCapacity: true)
        for row in batch.rows {
            if mayHold, holds(flows[range.lowerBound + row], row) { continue }
            rows.append(row)
        }
        enrichFlows()
        if plan.needsScope { scope.classify(&batch, knowledge.endpoints) }
        leaveOutCovered()
        leaveOutFiltered()
        addUp()
        cutters.cut(rows, batch, window: window, knowledge)
        knowledge.releasePlugged()
    }

    /// What changed since the last batch: other stages' knowledge, the list of covered addresses.
    private mutating func refresh() {
        if let changes = invalidations.take() { knowledge.endpoints.apply(changes, symbols: knowledge.symbols) }
        if coveredVersion != covered.version {
            coveredVersion = covered.version
            naming.covered = covered.snapshot
            let table = naming.covered
            knowledge.endpoints.refresh(.covered) { table.longest($0) != nil }
        }
    }

    /// Asks the enrichers about endpoints that are new or stale. Once per endpoint, not per row.
    private mutating func ask() {
        guard !knowledge.endpoints.toAsk.isEmpty else { return }
        questions.removeAll()
        questions.time = Double(window.upperBound) / 1e9
        for slot in knowledge.endpoints.toAsk {
            questions.append(knowledge.endpoints.address(slot), owner: knowledge.endpoints.owner(slot), isLocal: knowledge.endpoints.isLocal(slot))
        }
        for (index, enricher) in plan.input.enrichers.enumerated() where plan.isNeeded(index) {
            guard case .endpoint(let stage) = enricher.stage else { continue }
            questions.stage = UInt8(clamping: index + 1)
            guards[index].run { stage.enrich(&questions) }
        }
        for (row, slot) in knowledge.endpoints.toAsk.enumerated() { naming.settle(slot, row, questions, &knowledge) }
        knowledge.endpoints.toAsk.removeAll(keepingCapacity: true)
    }

    /// Whether the row waits: an end is pending, there is time, and there is room.
    private mutating func holds(_ flow: CapturedFlow, _ row: Int) -> Bool {
        let flags = knowledge.endpoints.flags
        guard flags[Int(batch.source[row])].union(flags[Int(batch.destination[row])]).contains(.pending) else { return false }
        let wait = holdNanoseconds ?? UInt64(window.count)
        guard wait > 0 else { return false }
        if hold.isFull {
            // The oldest would go on to make room; it differs from this row only in having waited longer.
            book.hurried.add()
            return false
        }
        hold.push(flow, until: window.upperBound + wait)
        return true
    }

    private mutating func enrichFlows() {
        guard !plan.pluggedAttributes.isEmpty else { return }
        batch.endpointText = knowledge.textReader(plan.layout)
        defer { batch.endpointText = nil }  // or the arrays it shares would be copied at their next change
        for (index, enricher) in plan.input.enrichers.enumerated() where plan.isNeeded(index) {
            guard case .flow(let stage) = enricher.stage else { continue }
            guards[index].run { stage.enrich(&batch) }
        }
        knowledge.internPlugged(batch)
    }

    private mutating func leaveOutCovered() {
        var bytes: UInt64 = 0
        var packets: UInt64 = 0
        var kept = 0
        for index in rows.indices {
            let row = rows[index]
            let source = knowledge.endpoints.flags[Int(batch.source[row])]
            let destination = knowledge.endpoints.flags[Int(batch.destination[row])]
            if rule.exports(batch.observer[row], source: source, destination: destination) {
                rows[kept] = row
                kept += 1
            } else {
                bytes += batch.bytes[row]
                packets += batch.packets[row]
            }
        }
        rows.removeLast(rows.count - kept)
        book.covered.add(bytes, packets)
    }

    private mutating func leaveOutFiltered() {
        guard filter != nil else { return }
        var bytes: UInt64 = 0
        var packets: UInt64 = 0
        var kept = 0
        for index in rows.indices {
            let row = rows[index]
            if filter!.passes(row, batch, knowledge) {
                rows[kept] = row
                kept += 1
            } else {
                bytes += batch.bytes[row]
                packets += batch.packets[row]
            }
        }
        rows.removeLast(rows.count - kept)
        book.filtered.add(bytes, packets)
    }

    private mutating func addUp() {
        var bytes: UInt64 = 0
        var packets: UInt64 = 0
        for row in rows {
            bytes += batch.bytes[row]
            packets += batch.packets[row]
        }
        book.series.add(bytes, packets)
        let now = window.upperBound
        series.withTables { tables in
            for index in tables.indices {
                let packetsWanted = tables[index].definition.measure == .packets
                for row in rows where metricFilters.passes(index, row, batch, knowledge) {
                    tables[index].add(packetsWanted ? batch.packets[row] : batch.bytes[row], row, batch, now: now, &knowledge)
                }
            }
        }
    }
}
