// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// A metric with all its series as they stood at one moment.
public struct MetricSnapshot: Sendable {
    /// `weir.network.flow.bytes`, or what the exporter's `naming` calls it: OpenTelemetry style, without unit or `_total`
    /// where those are not part of the name. What a format asks for beyond that (underscores, `_total`), the exporter adds.
    public let name: String
    public let help: String
    /// `By` or `{packet}`, in UCUM.
    public let unit: String
    /// The names of the attributes by the exporter's `naming`, in the order of `texts`. No two are the same.
    public let attributes: [String]
    /// Which attributes hold whole numbers, such as ports, in the order of `attributes`; their texts are digits, or `(other)`.
    public let isNumber: [Bool]
    /// Monotonic counters, one per series.
    public let values: [UInt64]
    /// When the window began in which each series did, in nanoseconds since 1970.
    public let created: [UInt64]
    /// Which series each is: a number that no other series of this metric has or will have, whatever their texts, and
    /// that stays over a reload. A series that went and came back has a new one.
    public let numbers: [UInt64]
    /// What each series had counted when the running configuration began: 0 but for those that a reload took over.
    public let carried: [UInt64]
    /// What the series that are gone had counted, over all: this and `values` add up to everything the metric ever counted.
    public let expired: UInt64
    /// Series-major: `series * attributes.count + attribute`; the empty text means absent.
    public let texts: [String]
    /// The series that stands for the combinations beyond `max_series`, if there were any.
    public let overflow: Int?

    /// Without `numbers`, series are numbered by their places; without `isNumber`, all attributes are texts.
    public init(
        name: String, help: String, unit: String, attributes: [String], isNumber: [Bool]? = nil, values: [UInt64], created: [UInt64],
        numbers: [UInt64]? = nil, carried: [UInt64]? = nil, expired: UInt64 = 0, texts: [String], overflow: Int?
    ) {
        self.name = name
        self.help = help
        self.unit = unit
        self.attributes = attributes
        self.isNumber = isNumber ?? attributes.map { _ in false }
        self.values = values
        self.created = created
        self.numbers = numbers ?? values.indices.map(UInt64.init)
        self.carried = carried ?? values.map { _ in 0 }
        self.expired = expired
        self.texts = texts
        self.overflow = overflow
    }
}

/// The counters as one metric exporter may see them: its own choice of metrics.
public struct SeriesReader: Sendable {
    private let snapshots: @Sendable (_ bornAtZero: Bool) -> [MetricSnapshot]

    /// A reader whose young series show what they counted.
    public init(_ snapshots: @escaping @Sendable () -> [MetricSnapshot]) { self.snapshots = { _ in snapshots() } }

    public init(_ snapshots: @escaping @Sendable (_ bornAtZero: Bool) -> [MetricSnapshot]) { self.snapshots = snapshots }

    /// Copies the counters in one move under the lock; formatting is the caller's, outside of it. A series younger than
    /// `pipeline.born_at_zero` shows 0, for readers that know no start times; without `bornAtZero` it shows what it counted.
    public func read(bornAtZero: Bool = true) -> [MetricSnapshot] { snapshots(bornAtZero) }
}
