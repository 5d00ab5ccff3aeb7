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
    var keys = EndpointKeys()
    /// Per attribute, per slot.
    package private(set) var symbols: [[UInt32]]
    /// Which stage answered: 0 nobody, else 1 + its place in the plan; 255 the pipeline itself.
    package private(set) var answeredBy: [[UInt8]]
    package var flags: [Flags] = []
    private var lastBatch: [UInt32] = []
    private var index = EndpointIndex()
    private let limit: Int
    private var hand = 0
    private var batch: UInt32 = 1
    /// Slots that must be asked before the batch in hand goes on.
    var toAsk: [UInt32] = []
    /// How many endpoints gave way to others, for the counter.
    package private(set) var evictions: UInt64 = 0

    package init(attributes: [Attribute], limit: Int) {
        self.attributes = attributes
        self.limit = limit
        symbols = attributes.map { _ in [] }
        answeredBy = attributes.map { _ in [] }
    }

    package var count: Int { keys.addresses.count }

    mutating func beginBatch() { batch &+= 1 }

    /// The endpoint's number, made if need be. It stays valid until the next batch begins.
    mutating func intern(_ address: IPAddress, owner: UInt64, isLocal: Bool, symbols table: inout SymbolTable) -> UInt32 {
        let slot: UInt32
        if let known = index.find(address, owner, in: keys) {
            slot = known
            var now = flags[Int(slot)]
            if now.contains(.local) != isLocal {
                // The address came to this host or left it, so the answers may differ.
                now.formSymmetricDifference(.local)
                now.insert(.stale)
                flags[Int(slot)] = now
            }
            if now.contains(.stale), lastBatch[Int(slot)] != batch { toAsk.append(slot) }
        } else {
            slot = vacate(&table)
            keys.addresses[Int(slot)] = address
            keys.owners[Int(slot)] = owner
            flags[Int(slot)] = isLocal ? [.stale, .local] : [.stale]
            index.insert(slot, in: keys)
            toAsk.append(slot)
        }
        flags[Int(slot)].insert(.referenced)
        lastBatch[Int(slot)] = batch
        return slot
    }

    /// A slot that nobody uses: a new one while there is room, else one taken from an endpoint long unused.
    private mutating func vacate(_ table: inout SymbolTable) -> UInt32 {
        if count < limit {
            keys.addresses.append(IPAddress(high: 0, low: 0))
            keys.owners.append(0)
            flags.append([])
            lastBatch.append(0)
            for column in attributes.indices {
                symbols[column].append(0)
                answeredBy[column].append(0)
            }
            return UInt32(count - 1)
        }
        // A batch holds far fewer endpoints than the table (see Pipeline.batchRows), so the hand finds one within two rounds.
        while true {
            let slot = hand
            hand = hand + 1 == limit ? 0 : hand + 1
            if lastBatch[slot] == batch { continue }
            if flags[slot].contains(.referenced) {
                flags[slot].remove(.referenced)
                continue
            }
            index.remove(UInt32(slot), in: keys)
            for column in attributes.indices {
                table.release(symbols[column][slot])
                symbols[column][slot] = 0
                answeredBy[column][slot] = 0
            }
            evictions += 1
            return UInt32(slot)
        }
    }

    package func address(_ slot: UInt32) -> IPAddress { keys.addresses[Int(slot)] }
    package func owner(_ slot: UInt32) -> UInt64 { keys.owners[Int(slot)] }
    func isLocal(_ slot: UInt32) -> Bool { flags[Int(slot)].contains(.local) }

    /// Notes one attribute's text; the symbol of the former text is given back.
    mutating func set(_ column: Int, _ slot: UInt32, text: String?, answeredBy stage: UInt8, symbols table: inout SymbolTable) {
        let old = symbols[column][Int(slot)]
        let new = text.map { table.intern($0) } ?? 0
        symbols[column][Int(slot)] = new
        answeredBy[column][Int(slot)] = text == nil ? 0 : stage
        table.release(old)
    }

    /// Marks as stale what `changes` means; each is asked again when a flow next touches it. One pass over the
    /// table, whatever the number of changes.
    mutating func apply(_ changes: InvalidationQueue.Changes, symbols table: borrowing SymbolTable) {
        let values = changes.values.compactMap { change in
            attributes.firstIndex(of: change.attribute).flatMap { column in table.known(change.text).map { (column, $0) } }
        }
        for slot in 0..<count {
            let address = keys.addresses[slot]
            if changes.all || changes.addresses.contains(address) || changes.owners.contains(keys.owners[slot])
                || changes.prefixes.contains(where: { $0.contains(address) })
                || values.contains(where: { column, symbol in symbols[column][slot] == symbol })
            {
                flags[slot].insert(.stale)
            }
        }
    }

    /// Recomputes one flag of every endpoint, when the knowledge behind it changed.
    mutating func refresh(_ flag: Flags, _ holds: (IPAddress) -> Bool) {
        for slot in 0..<count {
            if holds(keys.addresses[slot]) { flags[slot].insert(flag) } else { flags[slot].remove(flag) }
        }
    }
}
