// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// Everything known of the endpoints in sight: addresses to numbers, numbers to columns of symbols.
///
/// Bounded: past `limit` a new endpoint takes the place of one not used of late (a clock hand with one second
/// chance), so a scan of an address space does not grow memory. Endpoints of the batch in hand are never replaced.
package struct EndpointTable: ~Copyable {
    /// Facts about an endpoint that the row loops need as bits.
    package struct Flags: OptionSet, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        /// Some answer has been stored: while a stage is left out, the old answers are better than none.
        static let known = Flags(rawValue: 1)
        /// Waiting to be asked: new, or its knowledge changed.
        static let stale = Flags(rawValue: 2)
        /// Some stage is still finding out.
        package static let pending = Flags(rawValue: 4)
        package static let multicast = Flags(rawValue: 8)
        /// Neither in `scope.private` nor claimed by a stage: if it is not on this host, the internet.
        package static let outside = Flags(rawValue: 16)
        /// Another agent counts what this address sends.
        package static let covered = Flags(rawValue: 32)
        static let local = Flags(rawValue: 64)
        /// Used since the clock hand last passed.
        static let referenced = Flags(rawValue: 128)
    }

    package let attributes: [Attribute]
    private(set) var entries: [EndpointEntry] = []
    /// One row per endpoint, `attributes.count` symbols each: what is known of one end lies together.
    private(set) var symbols: [UInt32] = []
    /// Which stage answered, in the same order.
    private var stages: [UInt8] = []
    private var index: EndpointIndex
    private let limit: Int
    private var hand = 0
    private var batch: UInt32 = 1
    /// Slots that must be asked before the batch in hand goes on.
    var toAsk: [UInt32] = []
    /// The flags of all the batch's endpoints together: a bit that is not here needs no look at the rows.
    private(set) var seen: Flags = []
    /// How many endpoints gave way to others, for the counter.
    package private(set) var evictions: UInt64 = 0

    package init(attributes: [Attribute], limit: Int, seed: UInt64) {
        self.attributes = attributes
        self.limit = limit
        index = EndpointIndex(seed: seed)
    }

    package var count: Int { entries.count }
    var width: Int { attributes.count }

    mutating func beginBatch() {
        batch &+= 1
        seen = []
    }

    /// The numbers of both ends of `flows[range]`, endpoints made if need be. They stay valid until the next batch begins.
    mutating func intern(
        _ flows: Span<CapturedFlow>, _ range: Range<Int>, _ sources: inout [UInt32], _ destinations: inout [UInt32], symbols table: inout SymbolTable
    ) {
        var row = 0
        while true {
            row = Self.internKnown(flows, range, from: row, &sources, &destinations, &entries, index.buckets, index.seed, batch, &seen)
            guard row < range.count else { return }
            // A new or stale end: rare but in the first batches, so the loop above is left for it.
            let flow = flows[range.lowerBound + row]
            sources[row] = intern(flow.source, owner: flow.sourceOwner, isLocal: flow.sourceIsHost, symbols: &table)
            destinations[row] = intern(flow.destination, owner: flow.destinationOwner, isLocal: flow.destinationIsHost, symbols: &table)
            row += 1
        }
    }

    /// Goes on from `first` to the first row with an end that is new or must be asked; returns that row, or their count.
    /// Apart, and static, so that the arrays' storage is found once per call and not once per row.
    private static func internKnown(
        _ flows: Span<CapturedFlow>, _ range: Range<Int>, from first: Int, _ sources: inout [UInt32], _ destinations: inout [UInt32],
        _ table: inout [EndpointEntry], _ index: [UInt32], _ seed: UInt64, _ batch: UInt32, _ seen: inout Flags
    ) -> Int {
        var sources = sources.mutableSpan
        var destinations = destinations.mutableSpan
        var entries = table.mutableSpan
        let buckets = index.span
        var flags = seen
        defer { seen = flags }
        for row in first..<range.count {
            let flow = range.lowerBound &+ row
            let source = find(flows[flow].source, flows[flow].sourceOwner, buckets, seed, entries.span)
            let destination = find(flows[flow].destination, flows[flow].destinationOwner, buckets, seed, entries.span)
            guard source >= 0, destination >= 0 else { return row }
            let ends = (entries[source].flags, entries[destination].flags)
            guard !ends.0.union(ends.1).contains(.stale), ends.0.contains(.local) == flows[flow].sourceIsHost,
                ends.1.contains(.local) == flows[flow].destinationIsHost
            else { return row }
            flags.formUnion(ends.0)
            flags.formUnion(ends.1)
            entries[source].batch = batch
            entries[source].flags = ends.0.union(.referenced)
            entries[destination].batch = batch
            entries[destination].flags = ends.1.union(.referenced)
            sources[row] = UInt32(truncatingIfNeeded: source)
            destinations[row] = UInt32(truncatingIfNeeded: destination)
        }
        return range.count
    }

    /// The slot, or -1.
    @inline(__always)
    private static func find(
        _ address: IPAddress, _ owner: UInt64, _ buckets: Span<UInt32>, _ seed: UInt64, _ entries: Span<EndpointEntry>
    ) -> Int {
        let mask = buckets.count &- 1
        var bucket = EndpointIndex.hash(address, owner, seed) & mask
        while true {
            let slot = Int(buckets[bucket]) &- 1
            if slot < 0 { return slot }
            let entry = entries[slot]
            if entry.address.low == address.low, entry.address.high == address.high, entry.owner == owner { return slot }
            bucket = (bucket &+ 1) & mask
        }
    }

    /// The endpoint's number, made if need be.
    private mutating func intern(_ address: IPAddress, owner: UInt64, isLocal: Bool, symbols table: inout SymbolTable) -> UInt32 {
        var slot = Self.find(address, owner, index.buckets.span, index.seed, entries.span)
        if slot >= 0 {
            if entries[slot].flags.contains(.local) != isLocal {
                // The address came to this host or left it, so the answers may differ.
                entries[slot].flags.formSymmetricDifference(.local)
                entries[slot].flags.insert(.stale)
            }
            if entries[slot].flags.contains(.stale), entries[slot].batch != batch { toAsk.append(UInt32(slot)) }
        } else {
            slot = vacate(&table)
            entries[slot] = EndpointEntry(address: address, owner: owner, flags: isLocal ? [.stale, .local] : [.stale])
            index.insert(UInt32(slot), in: entries)
            toAsk.append(UInt32(slot))
        }
        entries[slot].flags.insert(.referenced)
        entries[slot].batch = batch
        seen.formUnion(entries[slot].flags)
        return UInt32(slot)
    }

    /// A slot that nobody uses: a new one while there is room, else one taken from an endpoint long unused.
    private mutating func vacate(_ table: inout SymbolTable) -> Int {
        if count < limit {
            entries.append(EndpointEntry())
            for _ in attributes {
                symbols.append(0)
                stages.append(0)
            }
            return count - 1
        }
        // A batch holds far fewer endpoints than the table (see Pipeline.batchRows), so the hand finds one within two rounds.
        while true {
            let slot = hand
            hand = hand + 1 == limit ? 0 : hand + 1
            if entries[slot].batch == batch { continue }
            if entries[slot].flags.contains(.referenced) {
                entries[slot].flags.remove(.referenced)
                continue
            }
            index.remove(UInt32(slot), in: entries)
            for cell in slot * width..<(slot + 1) * width {
                table.release(symbols[cell])
                symbols[cell] = 0
                stages[cell] = 0
            }
            evictions += 1
            return slot
        }
    }

    package func address(_ slot: UInt32) -> IPAddress { entries[Int(slot)].address }
    package func owner(_ slot: UInt32) -> UInt64 { entries[Int(slot)].owner }
    func isLocal(_ slot: UInt32) -> Bool { entries[Int(slot)].flags.contains(.local) }

    /// Which stage answered: 0 nobody, else 1 + its place in the plan; 255 the pipeline itself.
    package func answeredBy(_ column: Int, _ slot: UInt32) -> UInt8 { stages[Int(slot) * width + column] }
    func flags(_ slot: UInt32) -> Flags { entries[Int(slot)].flags }
    func symbol(_ column: Int, _ slot: UInt32) -> UInt32 { symbols[Int(slot) * width + column] }

    mutating func setFlags(_ flags: Flags, _ slot: UInt32) {
        entries[Int(slot)].flags = flags
        seen.formUnion(flags)
    }

    /// Notes one attribute's text; the symbol of the former text is given back.
    mutating func set(_ column: Int, _ slot: UInt32, text: String?, answeredBy stage: UInt8, symbols table: inout SymbolTable) {
        let cell = Int(slot) * width + column
        let old = symbols[cell]
        symbols[cell] = text.map { table.intern($0) } ?? 0
        stages[cell] = text == nil ? 0 : stage
        table.release(old)
    }

    /// Marks as stale what `changes` means; each is asked again when a flow next touches it. One pass over the
    /// table, whatever the number of changes.
    mutating func apply(_ changes: InvalidationQueue.Changes, symbols table: borrowing SymbolTable) {
        let values = changes.values.compactMap { change in
            attributes.firstIndex(of: change.attribute).flatMap { column in table.known(change.text).map { (column, $0) } }
        }
        for slot in 0..<count {
            let address = entries[slot].address
            if changes.all || changes.addresses.contains(address) || changes.owners.contains(entries[slot].owner)
                || changes.prefixes.contains(where: { $0.contains(address) })
                || values.contains(where: { column, symbol in symbols[slot * width + column] == symbol })
            {
                entries[slot].flags.insert(.stale)
            }
        }
    }

    /// Recomputes whose sending another agent counts, when the list of such addresses changed.
    mutating func refreshCovered(_ naming: EndpointNaming) {
        for slot in 0..<count {
            let isCovered = naming.isCovered(UInt32(slot), self)
            if isCovered { entries[slot].flags.insert(.covered) } else { entries[slot].flags.remove(.covered) }
        }
    }
}
