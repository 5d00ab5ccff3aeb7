// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Flows on their way through the pipeline: one array per column, all of one length.
///
/// One owner, reused for every batch, never leaves the data thread. A row holds the numbers of its two endpoints;
/// what is known of an endpoint stands in the endpoint table.
public struct FlowBatch: ~Copyable {
    public package(set) var source: [UInt32] = []
    public package(set) var destination: [UInt32] = []
    public package(set) var bytes: [UInt64] = []
    public package(set) var packets: [UInt64] = []
    /// One in this many packets was looked at, of every row; bytes and packets are estimates then, scaled by it. 1: all were.
    public private(set) var samplingRate: UInt32 = 1
    // From here to `initiatorSource` a column is at its default (0, unknown, none) unless something in the plan reads the field: a
    // stage that reads one says so among the attributes of its `reads`. The observer is always there.
    public package(set) var sourcePort: [UInt16] = []
    public package(set) var destinationPort: [UInt16] = []
    public package(set) var transport: [UInt8] = []
    public package(set) var interfaceIndex: [UInt32] = []
    public package(set) var observer: [Observer] = []
    public package(set) var initiator: [Initiator] = []
    public package(set) var initiatorSource: [InitiatorSource] = []
    public package(set) var scope: [TrafficScope] = []
    public package(set) var scopeReason: [TrafficScopeReason] = []
    package var isIPv4: [Bool] = []
    /// The interface's name as a symbol of the pipeline; 0 unless the plan wants it.
    package var interface: [UInt32] = []
    /// The address by which each end was dialled, as a symbol; 0 where it was its own, or unless the plan wants it.
    package var sourceService: [UInt32] = []
    package var destinationService: [UInt32] = []
    /// That address; of the row's one end that was dialled by another.
    package var service: [IPAddress] = []
    /// The end of the flows' window, in seconds since 1970.
    public package(set) var time = 0.0

    /// Answers of flow enrichers from plugins: one column per attribute, 0 for none, else 1 + an index into `texts`.
    package var answers: [[UInt32]] = []
    package var texts: [String] = []
    private var textNumber: [String: UInt32] = [:]
    private let answerColumn: [Attribute: Int]
    /// The key fields whose columns are filled; the others stay zero, as they come from the kernel.
    private let fields: KeyFields
    /// Reads an endpoint's attribute for `text(of:_:_:)`; set by the pipeline, which owns the table.
    package var endpointText: ((Attribute, UInt32) -> String?)?

    /// `plugged` are the flow attributes that plugins fill.
    package init(plugged: [Attribute] = [], fields: KeyFields) {
        self.fields = fields
        answerColumn = Dictionary(uniqueKeysWithValues: plugged.enumerated().map { ($1, $0) })
        answers = plugged.map { _ in [] }
    }

    public var rows: Range<Int> { bytes.indices }
    public var count: Int { bytes.count }

    /// What is known of one end of a row. Costs a string: for batches of hundreds of rows, not for hot loops.
    public func text(of attribute: Attribute, _ end: End, _ row: Int) -> String? {
        endpointText?(attribute, end == .source ? source[row] : destination[row])
    }

    /// The address by which one end of a row was dialled, where this host translated it. Known where the plan or a stage's `reads` has
    /// `Attribute.sourceService` or `.destinationService`.
    public func serviceAddress(_ end: End, _ row: Int) -> IPAddress? {
        (end == .source ? sourceService[row] : destinationService[row]) == 0 ? nil : service[row]
    }

    /// Whether the plan asks flow enrichers for the attribute.
    public func wants(_ attribute: Attribute) -> Bool { answerColumn[attribute] != nil }

    /// Fills in a flow attribute of one row, unless an earlier stage did.
    public mutating func answer(_ attribute: Attribute, _ row: Int, _ text: String) {
        guard let column = answerColumn[attribute], answers[column][row] == 0 else { return }
        answers[column][row] = number(of: text)
    }

    /// Fills in a flow attribute that is the same for every row, where no earlier stage did.
    public mutating func answerAll(_ attribute: Attribute, _ text: String) {
        guard let column = answerColumn[attribute] else { return }
        let number = number(of: text)
        for row in answers[column].indices where answers[column][row] == 0 { answers[column][row] = number }
    }

    private mutating func number(of text: String) -> UInt32 {
        if let number = textNumber[text] { return number }
        texts.append(text.cleaned)
        let number = UInt32(texts.count)
        textNumber[text] = number
        return number
    }

    /// Becomes the batch of `flows[range]`, without the numbers of their ends; what the bytes and packets of the flows add up to, before
    /// they are scaled by `samplingRate`.
    package mutating func fill(_ flows: Span<CapturedFlow>, _ range: Range<Int>, samplingRate: UInt32 = 1) -> (bytes: UInt64, packets: UInt64) {
        resize(range.count)
        if fields.contains(.ports) {
            Self.copy(flows, range, to: &sourcePort) { $0.sourcePort }
            Self.copy(flows, range, to: &destinationPort) { $0.destinationPort }
        }
        if fields.contains(.transport) { Self.copy(flows, range, to: &transport) { $0.transport } }
        if fields.contains(.interface) { Self.copy(flows, range, to: &interfaceIndex) { $0.interfaceIndex } }
        if fields.contains(.initiator) {
            Self.copy(flows, range, to: &initiator) { $0.initiator }
            Self.copy(flows, range, to: &initiatorSource) { $0.initiatorSource }
        }
        let sum = Self.copyCounters(flows, range, &bytes, &packets, &observer, &isIPv4)
        self.samplingRate = samplingRate
        if samplingRate > 1 {
            Self.multiply(&bytes, by: UInt64(samplingRate))
            Self.multiply(&packets, by: UInt64(samplingRate))
        }
        return sum
    }

    private static func multiply(_ column: inout [UInt64], by factor: UInt64) {
        var column = column.mutableSpan
        for row in column.indices { column[row] &*= factor }
    }

    @inline(__always)
    private static func copy<Element>(
        _ flows: Span<CapturedFlow>, _ range: Range<Int>, to column: inout [Element], _ field: (borrowing CapturedFlow) -> Element
    ) {
        var column = column.mutableSpan
        for row in 0..<range.count { column[row] = field(flows[range.lowerBound &+ row]) }
    }

    /// What every plan needs, in one pass.
    private static func copyCounters(
        _ flows: Span<CapturedFlow>, _ range: Range<Int>, _ bytes: inout [UInt64], _ packets: inout [UInt64], _ observers: inout [Observer],
        _ isIPv4: inout [Bool]
    ) -> (bytes: UInt64, packets: UInt64) {
        var bytes = bytes.mutableSpan
        var packets = packets.mutableSpan
        var observers = observers.mutableSpan
        var isIPv4 = isIPv4.mutableSpan
        var sum: (bytes: UInt64, packets: UInt64) = (0, 0)
        for row in 0..<range.count {
            let index = range.lowerBound &+ row
            bytes[row] = flows[index].bytes
            packets[row] = flows[index].packets
            observers[row] = flows[index].observer
            isIPv4[row] = flows[index].source.isIPv4
            sum.bytes &+= flows[index].bytes
            sum.packets &+= flows[index].packets
        }
        return sum
    }

    /// Makes every column `count` rows long. What the loops above do not fill is as a new row has it.
    private mutating func resize(_ count: Int) {
        source.resize(count, 0)
        destination.resize(count, 0)
        bytes.resize(count, 0)
        packets.resize(count, 0)
        sourcePort.resize(count, 0)
        destinationPort.resize(count, 0)
        transport.resize(count, 0)
        interfaceIndex.resize(count, 0)
        observer.resize(count, .source)
        initiator.resize(count, .unknown)
        initiatorSource.resize(count, .none)
        scope.resize(count, .unknown)
        scopeReason.resize(count, .zoneMissingBoth)
        isIPv4.resize(count, false)
        interface.resize(count, 0)
        sourceService.resize(count, 0)
        destinationService.resize(count, 0)
        service.resize(count, IPAddress(high: 0, low: 0))
        guard !answers.isEmpty else { return }
        for column in answers.indices {
            answers[column].removeAll(keepingCapacity: true)
            answers[column].resize(count, 0)
        }
        texts.removeAll(keepingCapacity: true)
        textNumber.removeAll(keepingCapacity: true)
    }
}

extension Array {
    /// Allocates only when there were never so many.
    fileprivate mutating func resize(_ count: Int, _ element: Element) {
        if self.count > count {
            removeLast(self.count - count)
        } else if self.count < count {
            append(contentsOf: repeatElement(element, count: count - self.count))
        }
    }
}
