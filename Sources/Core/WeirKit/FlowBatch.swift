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

    /// Answers of flow enrichers from plugins: one column per attribute, 0 for none, else 1 + an index into `texts`.
    package var answers: [[UInt32]] = []
    package var texts: [String] = []
    private var textNumber: [String: UInt32] = [:]
    private let answerColumn: [Attribute: Int]
    /// Reads an endpoint's attribute for `text(of:_:_:)`; set by the pipeline, which owns the table.
    package var endpointText: ((Attribute, UInt32) -> String?)?

    /// `plugged` are the flow attributes that plugins fill.
    package init(plugged: [Attribute] = []) {
        answerColumn = Dictionary(uniqueKeysWithValues: plugged.enumerated().map { ($1, $0) })
        answers = plugged.map { _ in [] }
    }

    public var rows: Range<Int> { bytes.indices }
    public var count: Int { bytes.count }

    /// What is known of one end of a row. Costs a string: for batches of hundreds of rows, not for hot loops.
    public func text(of attribute: Attribute, _ end: End, _ row: Int) -> String? {
        endpointText?(attribute, end == .source ? source[row] : destination[row])
    }

    /// Fills in a flow attribute of one row, unless an earlier stage did.
    public mutating func answer(_ attribute: Attribute, _ row: Int, _ text: String) {
        guard let column = answerColumn[attribute], answers[column][row] == 0 else { return }
        if let number = textNumber[text] {
            answers[column][row] = number
            return
        }
        texts.append(text.cleaned)
        let number = UInt32(texts.count)
        textNumber[text] = number
        answers[column][row] = number
    }

    package mutating func append(_ flow: borrowing CapturedFlow, source: UInt32, destination: UInt32, interface: UInt32) {
        self.source.append(source)
        self.destination.append(destination)
        bytes.append(flow.bytes)
        packets.append(flow.packets)
        sourcePort.append(flow.sourcePort)
        destinationPort.append(flow.destinationPort)
        transport.append(flow.transport)
        interfaceIndex.append(flow.interfaceIndex)
        observer.append(flow.observer)
        initiator.append(flow.initiator)
        initiatorSource.append(flow.initiatorSource)
        scope.append(.unknown)
        scopeReason.append(.zoneMissingBoth)
        isIPv4.append(flow.source.isIPv4)
        self.interface.append(interface)
        for column in answers.indices { answers[column].append(0) }
    }

    package mutating func setScope(_ scope: TrafficScope, _ reason: TrafficScopeReason, _ row: Int) {
        self.scope[row] = scope
        scopeReason[row] = reason
    }

    package mutating func removeAll() {
        source.removeAll(keepingCapacity: true)
        destination.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: true)
        packets.removeAll(keepingCapacity: true)
        sourcePort.removeAll(keepingCapacity: true)
        destinationPort.removeAll(keepingCapacity: true)
        transport.removeAll(keepingCapacity: true)
        interfaceIndex.removeAll(keepingCapacity: true)
        observer.removeAll(keepingCapacity: true)
        initiator.removeAll(keepingCapacity: true)
        initiatorSource.removeAll(keepingCapacity: true)
        scope.removeAll(keepingCapacity: true)
        scopeReason.removeAll(keepingCapacity: true)
        isIPv4.removeAll(keepingCapacity: true)
        interface.removeAll(keepingCapacity: true)
        for column in answers.indices { answers[column].removeAll(keepingCapacity: true) }
        if !texts.isEmpty {
            texts.removeAll(keepingCapacity: true)
            textNumber.removeAll(keepingCapacity: true)
        }
    }
}
