// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// What the row loops read beside the batch: the endpoints, their symbols, and the batch's plugged answers as symbols.
package struct Knowledge: ~Copyable {
    package var endpoints: EndpointTable
    package var symbols = SymbolTable()
    /// Per plugged column: the symbol of each of the batch's texts, held until the batch ends.
    var plugged: [UInt32] = []
    /// Symbols of interface names by index, each held.
    private var interfaces: [UInt32: UInt32] = [:]
    /// Symbols of dialled addresses, each held.
    private var services: [IPAddress: UInt32] = [:]
    /// So many are kept from batch to batch; a cluster has fewer Services.
    private static let keptServices = 4096

    init(endpoints: consuming EndpointTable) { self.endpoints = endpoints }

    /// The port of the end that opened the connection, or of the other one; 0 while nobody knows.
    func port(ofInitiator wanted: Bool, _ row: Int, _ batch: borrowing FlowBatch) -> UInt16 {
        switch batch.initiator[row] {
        case .unknown: 0
        case .source: wanted ? batch.sourcePort[row] : batch.destinationPort[row]
        case .destination: wanted ? batch.destinationPort[row] : batch.sourcePort[row]
        }
    }

    /// The text that a word of this column stands for. Makes a string: for new series and for records, not for rows.
    func text(_ column: Column, _ word: UInt32) -> String {
        if column.holdsSymbols { return symbols.text(word) }
        return column.words.map { $0[Int(word)] } ?? String(word)
    }

    /// Learns the interfaces' names as they are now. Once per drain, when the plan wants them.
    mutating func nameInterfaces(_ names: [UInt32: String]) {
        let before = interfaces
        interfaces = names.mapValues { symbols.intern($0) }
        for symbol in before.values { symbols.release(symbol) }
    }

    /// Learns the names of further interfaces.
    mutating func addInterfaces(_ names: [UInt32: String]) {
        for (index, name) in names {
            let symbol = symbols.intern(name)
            if let before = interfaces.updateValue(symbol, forKey: index) { symbols.release(before) }
        }
    }

    /// The symbol of an interface's name; its number where it is gone by now.
    mutating func interface(_ index: UInt32) -> UInt32 {
        if let known = interfaces[index] { return known }
        let symbol = symbols.intern(String(index))
        interfaces[index] = symbol
        return symbol
    }

    /// Fills in the addresses by which the ends of `flows[range]` were dialled. The texts of Services are made once.
    mutating func nameServices(_ flows: Span<CapturedFlow>, _ range: Range<Int>, _ batch: inout FlowBatch) {
        if services.count > Self.keptServices {
            for symbol in services.values { symbols.release(symbol) }
            services.removeAll(keepingCapacity: true)
        }
        for row in batch.rows {
            let flow = flows[range.lowerBound + row]
            let symbol = flow.hasService ? service(flow.service) : 0
            batch.sourceService[row] = flow.serviceEnd == .source ? symbol : 0
            batch.destinationService[row] = flow.serviceEnd == .destination ? symbol : 0
            batch.service[row] = flow.service
        }
    }

    private mutating func service(_ address: IPAddress) -> UInt32 {
        if let known = services[address] { return known }
        let symbol = symbols.intern(address.description)
        services[address] = symbol
        return symbol
    }

    /// How flow enrichers read an endpoint's attribute: shares the columns as they stand, copies nothing.
    func textReader(_ layout: ColumnLayout) -> (Attribute, UInt32) -> String? {
        let (symbols, width) = (endpoints.symbols, endpoints.width)
        let texts = self.symbols.snapshot
        return { attribute, endpoint in
            guard let column = layout.endpoint[attribute] else { return nil }
            let symbol = symbols[Int(endpoint) * width + column]
            return symbol == 0 ? nil : texts[Int(symbol)]
        }
    }

    /// Makes symbols of what flow enrichers answered in this batch.
    mutating func internPlugged(_ batch: borrowing FlowBatch) {
        for text in batch.texts { plugged.append(symbols.intern(text)) }
    }

    mutating func releasePlugged() {
        for symbol in plugged { symbols.release(symbol) }
        plugged.removeAll(keepingCapacity: true)
    }
}
