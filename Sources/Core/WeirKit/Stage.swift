// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// One step of the pipeline: `run()` learns, the other methods act on what was learned.
///
/// Keeping the two apart is what lets a batch pass every stage without waiting.
public protocol Stage: Sendable {
    /// The attributes this stage looks at. Some earlier stage must write each of them, or the pipeline itself: else the
    /// configuration is wrong.
    var reads: Set<Attribute> { get }
    /// The same, to answer `attributes`, those of its `writes` that the plan selected: what only others need is not asked of anybody.
    /// A part of `reads`; the default is all of them.
    func reads(for attributes: Set<Attribute>) -> Set<Attribute>
    /// The attributes this stage looks at where an earlier stage writes them, and does without where none does.
    var readsIfThere: Set<Attribute> { get }
    /// The attributes this stage can fill in. Several may know one: the first answer
    /// stands, so the order of stages is the order of trust.
    var writes: Set<Attribute> { get }
    /// Whether it tells `PluginContext.resource` something. Such a stage is started when an exporter reads the resource, even if nothing
    /// that it writes is selected.
    var tellsResource: Bool { get }
    /// What the capture must put into its key for this stage to answer `attributes`, those of its `writes` that
    /// the plan selected.
    func needs(for attributes: Set<Attribute>) -> KeyFields
    /// How many different texts the stage can answer for `attribute`, where it knows; `weir explain` multiplies them.
    func valueCount(of attribute: Attribute) -> Int?
    /// Keeps the stage's knowledge fresh until its task is cancelled. A return means "nothing more to learn";
    /// a throw is counted and answered by a new call after a back-off, and the last knowledge stays.
    func run() async throws
    /// The same, told for what: those of its `writes` that the plan selected. What only others need is not to be learned. This is
    /// what the host calls; the default calls `run()`. When a reload selects more the call is cancelled, and followed by a new one for these
    /// and all that were selected before; one that selects less changes nothing.
    func run(for attributes: Set<Attribute>) async throws
    /// Whether `run` has learned what it learns unasked, such as its first list. A reload waits for a stage that is new, or that it asks for
    /// more, to say so, 10 s at the most, while the stages before go on answering. Asked once `run` was called for what is selected now.
    var isReady: Bool { get }
}

extension Stage {
    public var reads: Set<Attribute> { [] }
    public func reads(for attributes: Set<Attribute>) -> Set<Attribute> { reads }
    public var readsIfThere: Set<Attribute> { [] }
    public var tellsResource: Bool { false }
    public func needs(for attributes: Set<Attribute>) -> KeyFields { attributes.reduce(into: []) { $0.formUnion($1.needs) } }
    public func valueCount(of attribute: Attribute) -> Int? { nil }
    public func run() async throws {}
    public func run(for attributes: Set<Attribute>) async throws { try await run() }
    public var isReady: Bool { true }
}

/// Knows things about one end of a flow.
public protocol EndpointEnricher: Stage {
    /// Answers from memory, per endpoint and attribute: a text, `.absent`, or `.pending` while `run()` is finding out.
    /// Called once per endpoint that is new or was invalidated, not per flow; on the data thread, so it must not wait.
    func enrich(_ endpoints: inout EndpointBatch)
}

/// Needs both ends or the counters.
public protocol FlowEnricher: Stage {
    /// Called once per batch on the data thread: a loop over rows without allocation where it can be had.
    func enrich(_ flows: inout FlowBatch)
}

/// Takes enriched records, each exporter from its own bounded queue.
public protocol RecordExporter: Sendable {
    /// Delivers one batch or says why not. Called one batch at a time, never on the data thread.
    func export(_ records: RecordBatch) async throws(ExportError)
    /// Called once after the last batch, when the agent leaves.
    func finish() async
}

extension RecordExporter {
    public func finish() async {}
}

/// Reads the counters: Prometheus when scraped, OTLP at its interval.
public protocol MetricExporter: Sendable {
    /// Whether it describes this host by `PluginContext.resource`.
    var readsResource: Bool { get }
    /// How long may pass between two of its readings; nil when others say when it reads. `weir check` warns when series can come and
    /// go within that time.
    var readingInterval: Duration? { get }
    /// Whether it serves a page of the series below the host's listener. The others are left alone by what only wants that page, such
    /// as `weir replay`.
    var servesPage: Bool { get }
    func run(_ series: SeriesReader) async throws
    /// Called once after the last flow has been counted and `run` was cancelled, when the agent leaves or a reload takes the
    /// exporter away and no other goes on from it: the last word to whoever is told rather than asks. The host waits for it, but not for long (3 s).
    func finish(_ series: SeriesReader) async
    /// Whether this one, which a reload made, goes on where the one of its name before it stops. Then it is started after `takeOver`,
    /// and `previous.finish` is not called.
    func goesOn(from previous: any MetricExporter) -> Bool
    /// Takes what `previous` still has to say. Called once, when the run of `previous` was cancelled, with the series that it read: in
    /// these nothing more is counted. The host waits for it as it does for `finish`.
    func takeOver(from previous: any MetricExporter, _ series: SeriesReader) async
}

extension MetricExporter {
    public var readsResource: Bool { false }
    public var readingInterval: Duration? { nil }
    public var servesPage: Bool { true }
    public func finish(_ series: SeriesReader) async {}
    public func goesOn(from previous: any MetricExporter) -> Bool { false }
    public func takeOver(from previous: any MetricExporter, _ series: SeriesReader) async {}
}

/// Why a batch was not delivered; its records are counted as lost under `reason`, but for those that were `delivered` before.
public struct ExportError: Error, CustomStringConvertible {
    /// One of few words, for the `reason` of `weir_export_lost_records_total`: `disk_full`, `refused`, …
    public let reason: String
    /// What a person needs to know; finishes "could not export: …".
    public let description: String
    /// How many records of the batch had been delivered until then.
    public let delivered: Int

    public init(reason: String, _ description: String, delivered: Int = 0) {
        self.reason = reason
        self.description = description
        self.delivered = delivered
    }
}
