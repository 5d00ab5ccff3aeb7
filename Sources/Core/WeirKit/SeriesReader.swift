// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// A metric with all its series as they stood at one moment.
public struct MetricSnapshot: Sendable {
    /// `network.flow.bytes`: OpenTelemetry style; exporters make it `weir_network_flow_bytes_total` and the like.
    public let name: String
    public let help: String
    /// `By` or `{packet}`, in UCUM.
    public let unit: String
    /// The names of the attributes, in the order of `texts`.
    public let attributes: [String]
    /// Monotonic counters, one per series.
    public let values: [UInt64]
    /// When each series began to count, in nanoseconds since 1970.
    public let created: [UInt64]
    /// Series-major: `series * attributes.count + attribute`; the empty text means absent.
    public let texts: [String]
    /// The series that stands for the combinations beyond `max_series`, if there were any.
    public let overflow: Int?

    public init(
        name: String, help: String, unit: String, attributes: [String], values: [UInt64], created: [UInt64], texts: [String], overflow: Int?
    ) {
        self.name = name
        self.help = help
        self.unit = unit
        self.attributes = attributes
        self.values = values
        self.created = created
        self.texts = texts
        self.overflow = overflow
    }
}

/// The counters as one metric exporter may see them: its own choice of metrics.
public struct SeriesReader: Sendable {
    private let snapshots: @Sendable () -> [MetricSnapshot]

    public init(_ snapshots: @escaping @Sendable () -> [MetricSnapshot]) { self.snapshots = snapshots }

    /// Copies the counters in one move under the lock; formatting is the caller's, outside of it.
    public func read() -> [MetricSnapshot] { snapshots() }
}
