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

    package private(set) var knowledge: Knowledge
    private var batch: FlowBatch
    private var questions: EndpointBatch
    private var hold: HoldBuffer
    /// Whether rows wait by the rules of the pipeline before.
    private var hasInherited: Bool
    private var due: [CapturedFlow] = []
    /// The rows of the batch that go on, and room for those that a filter lets pass.
    private var rows: [Int] = []
    private var passed: [Int] = []
    private var guards: [StageGuard]
    private var filter: FilterProgram?
    private var metricFilters: MetricFilters
    private var cutters: Cutters
    private var live: LiveCutters
    /// One per distinct list of attributes among the metrics.
    private var keys: [SeriesKeys] = []
    private var coveredVersion = UInt64.max
    /// The window whose flows are coming, in nanoseconds since 1970, and its end by both clocks.
    private var window: Range<UInt64> = 0..<0
    private var now = Moment()

    /// `taps`: clients that come and go while it runs. `held`: rows that waited in the pipeline before, whose kernel key was the same.
    package init(
        plan: Plan, covered: CoveredSet, invalidations: InvalidationQueue, registry: MetricRegistry, series: SeriesBook, taps: LiveTaps? = nil,
        held: consuming HoldBuffer = HoldBuffer()
    ) {
        self.plan = plan
        live = LiveCutters(taps)
        self.covered = covered
        self.invalidations = invalidations
        self.series = series
        book = PipelineBook(registry)
        rule = ExportRule(side: plan.input.accounting.observer)
        knowledge = Knowledge(
            endpoints: EndpointTable(attributes: plan.endpointAttributes, limit: plan.input.pipeline.maxEndpoints, seed: plan.input.hashSeed))
        naming = EndpointNaming(plan, &knowledge.symbols)
        scope = ScopeRules(columns: naming.scopeColumns, symbols: &knowledge.symbols)
        batch = FlowBatch(plugged: plan.pluggedAttributes, fields: plan.keyFields)
        questions = EndpointBatch(columns: plan.endpointAttributes)
        hasInherited = held.count > 0
        hold = held
        guards = plan.input.enrichers.map { StageGuard(stage: $0.name, registry: registry, isPatient: plan.input.isOffline) }
        filter = plan.input.filter.map { FilterProgram($0, layout: plan.layout) }
        metricFilters = MetricFilters(plan)
        cutters = Cutters(plan)
        let other = knowledge.symbols.intern(SeriesLimits.other)
        var tables: [SeriesTable] = []
        for metric in plan.input.metrics {
            let columns = metric.attributes.map { plan.layout.column($0) }
            var table = SeriesTable(
                metric, columns: columns,
                limits: SeriesLimits(maxSeries: metric.maxSeries ?? plan.input.pipeline.maxSeries, maxValues: plan.input.pipeline.maxValues),
                otherSymbol: other, seed: plan.input.hashSeed)
            if let known = keys.firstIndex(where: { $0.columns == columns }) {
                table.keysIndex = known
            } else {
                table.keysIndex = keys.count
                keys.append(SeriesKeys(columns: columns, seed: plan.input.hashSeed))
            }
            tables.append(table)
        }
        let gone = series.open(tables, &knowledge)
        for metric in gone { book.forget(metric) }
    }

    /// Says to which window the next flows belong: nanoseconds since 1970, and its end by a clock that nobody sets.
    package mutating func beginWindow(_ window: Range<UInt64>, monotonic: UInt64) {
        self.window = window
        now = Moment(wall: window.lowerBound, monotonic: monotonic)
        if hasInherited {
            hasInherited = false
            hold.cap(now.monotonic + wait)
        }
        // Nobody is learning, so nobody says when an answer is no longer right: each window asks for its own.
        if plan.input.isOffline { invalidations.add(.all) }
    }

    /// Learns the names of the interfaces that the next flows may have been counted at.
    package mutating func nameInterfaces(_ names: [UInt32: String]) { knowledge.nameInterfaces(names) }

    /// Learns the names of further interfaces; those that are known stay.
    package mutating func addInterfaces(_ names: [UInt32: String]) { knowledge.addInterfaces(names) }

    /// Takes flows from the capture, of which one in `samplingRate` packets was counted. Once per drained chunk.
    package mutating func consume(_ flows: Span<CapturedFlow>, samplingRate: UInt32 = 1) {
        let origin = RowOrigin(window: window, samplingRate: samplingRate)
        book.flows.add(UInt64(flows.count))
        var start = 0
        while start < flows.count {
            let end = min(start + Self.batchRows, flows.count)
            process(flows, start..<end, from: origin, isNew: true)
            // Beyond the limit the oldest go on: they have waited longest, and room is for those that came last.
            let excess = hold.count - plan.input.pipeline.maxHeldFlows
            if excess > 0 { book.hurried.add(UInt64(release(dueBy: .max, atMost: excess))) }
            start = end
        }
    }

    /// Ends the window: rows whose time has come go on, old series go, gauges are set.
    package mutating func endWindow() {
        // Windows end a little early or late; who has waited all but half of one has waited.
        release(dueBy: now.monotonic + UInt64(window.count) / 2)
        let clock = ContinuousClock.now
        for index in guards.indices where guards[index].resume(clock) { invalidations.add(.all) }
        let ttl = plan.input.pipeline.keepsSeries ? .max : UInt64(plan.input.pipeline.seriesTTL.nanoseconds)
        series.withTables { tables in
            for index in tables.indices {
                if now.monotonic > ttl { tables[index].expire(before: now.monotonic - ttl, &knowledge) }
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
        series.endWindow(now)
        book.note(hold)
    }

    /// The last call before another pipeline goes on with the rows that wait, and with the series.
    package mutating func handOver() -> HoldBuffer {
        series.endWindow(now)
        var held = HoldBuffer()
        swap(&held, &hold)
        return held
    }

    /// Lets held rows go on, origin by origin; how many did.
    @discardableResult
    private mutating func release(dueBy deadline: UInt64, atMost maximum: Int = .max) -> Int {
        var count = 0
        while let origin = hold.pop(dueBy: deadline, atMost: min(Self.batchRows, maximum - count), into: &due) {
            // Lent out for the call: a span of a property would forbid changing the others.
            let flows = due
            count += flows.count
            process(flows.span, 0..<flows.count, from: origin, isNew: false)
        }
        return count
    }

    private mutating func process(_ flows: Span<CapturedFlow>, _ range: Range<Int>, from origin: RowOrigin, isNew: Bool) {
        refresh()
        knowledge.endpoints.beginBatch()
        // From here on rows hold estimates where packets were sampled; the books go on in what was counted.
        let (bytes, packets) = batch.fill(flows, range, samplingRate: origin.samplingRate)
        if isNew { book.taken.add(bytes, packets) }
        knowledge.endpoints.intern(flows, range, &batch.source, &batch.destination, symbols: &knowledge.symbols)
        if plan.keyFields.contains(.interface) {
            for row in batch.rows { batch.interface[row] = knowledge.interface(batch.interfaceIndex[row]) }
        }
        if plan.needsServices { knowledge.nameServices(flows, range, &batch) }
        ask()
        rows.removeAll(keepingCapacity: true)
        if isNew, knowledge.endpoints.seen.contains(.pending) {
            for row in batch.rows where !holds(flows[range.lowerBound + row], row, origin) { rows.append(row) }
        } else {
            rows.append(contentsOf: batch.rows)
        }
        enrichFlows(from: origin)
        if plan.needsScope { scope.classify(&batch, knowledge.endpoints) }
        leaveOutCovered()
        leaveOutFiltered()
        addUp()
        cutters.cut(rows, batch, window: origin.window, knowledge)
        live.cut(rows, batch, window: origin.window, knowledge, plan)
        knowledge.releasePlugged()
    }

    /// What changed since the last batch: other stages' knowledge, the list of covered addresses.
    private mutating func refresh() {
        if let changes = invalidations.take() { knowledge.endpoints.apply(changes, symbols: knowledge.symbols) }
        if coveredVersion != covered.version {
            coveredVersion = covered.version
            naming.covered = covered.snapshot
            knowledge.endpoints.refreshCovered(naming)
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
            guard let stage = enricher.stage.endpointEnricher else { continue }
            questions.stage = UInt8(clamping: index + 1)
            guards[index].run { stage.enrich(&questions) }
        }
        let isComplete = !guards.contains { $0.isSuspended }
        for (row, slot) in knowledge.endpoints.toAsk.enumerated() {
            // While a stage is left out, what is known of an endpoint is better than what the others know.
            if isComplete || !knowledge.endpoints.flags(slot).contains(.known) { naming.settle(slot, row, questions, &knowledge) }
        }
        knowledge.endpoints.toAsk.removeAll(keepingCapacity: true)
    }

    /// So long a row of this window waits, in nanoseconds. Without an option one window: due half a window before the next one ends (see endWindow).
    private var wait: UInt64 { plan.input.pipeline.hold.map { UInt64($0.nanoseconds) } ?? UInt64(window.count) }

    /// Whether the row waits: an end is pending, and there is time.
    private mutating func holds(_ flow: CapturedFlow, _ row: Int, _ origin: RowOrigin) -> Bool {
        let source = knowledge.endpoints.flags(batch.source[row])
        let destination = knowledge.endpoints.flags(batch.destination[row])
        guard source.union(destination).contains(.pending) else { return false }
        guard wait > 0 else { return false }
        hold.push(flow, until: now.monotonic + wait, from: origin)
        return true
    }

    private mutating func enrichFlows(from origin: RowOrigin) {
        guard !plan.pluggedAttributes.isEmpty else { return }
        batch.endpointText = knowledge.textReader(plan.layout)
        batch.time = Double(origin.window.upperBound) / 1e9
        for (index, enricher) in plan.input.enrichers.enumerated() where plan.isNeeded(index) {
            guard let stage = enricher.stage.flowEnricher else { continue }
            guards[index].run { stage.enrich(&batch) }
        }
        batch.endpointText = nil  // before the next change, or the arrays that it shares would be copied
        knowledge.internPlugged(batch)
    }

    private mutating func leaveOutCovered() {
        guard knowledge.endpoints.seen.contains(.covered) else { return }
        var bytes: UInt64 = 0
        var packets: UInt64 = 0
        var kept = 0
        for index in rows.indices {
            let row = rows[index]
            let source = knowledge.endpoints.flags(batch.source[row])
            let destination = knowledge.endpoints.flags(batch.destination[row])
            if rule.exports(batch.observer[row], source: source, destination: destination) {
                rows[kept] = row
                kept += 1
            } else {
                bytes &+= batch.bytes[row]
                packets &+= batch.packets[row]
            }
        }
        rows.removeLast(rows.count - kept)
        note(book.covered, bytes, packets)
    }

    private mutating func leaveOutFiltered() {
        guard filter != nil else { return }
        let (before, beforePackets) = sum(rows)
        filter!.select(rows, batch, knowledge, into: &passed)
        swap(&rows, &passed)
        let (after, afterPackets) = sum(rows)
        note(book.filtered, before &- after, beforePackets &- afterPackets)
    }

    /// Writes sums of the batch into the book as they were counted: every row is a multiple of the rate.
    private func note(_ line: PipelineBook.Line, _ bytes: UInt64, _ packets: UInt64) {
        line.add(bytes / UInt64(batch.samplingRate), packets / UInt64(batch.samplingRate))
    }

    /// Modulo 2^64 like all books: no traffic reaches it, but a file for replay may, and a book of such sums balances all the same while all
    /// packets are counted. By sampling it does not: what is left of a multiple of the rate need not be one.
    private func sum(_ rows: [Int]) -> (bytes: UInt64, packets: UInt64) { (Self.sum(rows, batch.bytes), Self.sum(rows, batch.packets)) }

    private static func sum(_ rows: [Int], _ column: [UInt64]) -> UInt64 {
        let (rows, column) = (rows.span, column.span)
        var sum: UInt64 = 0
        for index in rows.indices { sum &+= column[rows[index]] }
        return sum
    }

    private mutating func addUp() {
        let (bytes, packets) = sum(rows)
        note(book.series, bytes, packets)
        for index in keys.indices { keys[index].isComplete = false }
        series.withTables { tables in
            for index in tables.indices {
                let isFiltered = metricFilters.select(index, rows, batch, knowledge, into: &passed)
                let key = tables[index].keysIndex
                if !keys[key].isComplete {
                    keys[key].make(isFiltered ? passed : rows, batch, knowledge)
                    keys[key].isComplete = !isFiltered
                }
                tables[index].add(isFiltered ? passed : rows, of: rows, batch, keys[key], now: now, &knowledge)
            }
        }
    }
}
