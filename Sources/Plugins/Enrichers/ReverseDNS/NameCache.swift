// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// What is known of addresses, in bounded memory.
///
/// Two lists, each with its newest first. An entry begins in `probation`, and the oldest there gives way when there is no room. Names of
/// addresses with traffic that lasts are `protected`: a scan of strangers, each of whom may have a name, pushes out other strangers and
/// not these.
package struct NameCache {
    package struct Flags: OptionSet {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        /// There was an answer, be it that there is no name.
        package static let known = Flags(rawValue: 1)
        package static let queued = Flags(rawValue: 2)
        /// The question is on its way.
        package static let asked = Flags(rawValue: 4)
        /// The answer's time is over, and the pipeline was told to ask again.
        package static let announced = Flags(rawValue: 8)
        package static let protected = Flags(rawValue: 16)
        /// The pipeline was told to ask again, to see whether it does.
        package static let tested = Flags(rawValue: 32)
        /// The slot has an entry.
        fileprivate static let used = Flags(rawValue: 64)
        /// `expires` is the end of the pause after the last failure, and of nothing else.
        package static let pausing = Flags(rawValue: 128)
        package static let waiting: Flags = [.queued, .asked]
    }

    /// Times are nanoseconds of the caller's clock.
    package struct Entry {
        package var address: IPAddress
        package var name: String?
        /// From then on the answer must be asked for again.
        package var expires: UInt64 = 0
        /// From then on it does not stand any more.
        package var forgetAt: UInt64 = 0
        package var failures: UInt8 = 0
        /// Sweeps since the first answer, 255 at most.
        package var age: UInt8 = 0
        package var flags: Flags = []
        fileprivate var newer: Int32 = -1
        fileprivate var older: Int32 = -1
    }

    private struct List {
        var newest: Int32 = -1
        var oldest: Int32 = -1
        var count = 0
    }

    private let limit: Int
    private let protectedLimit: Int
    private var entries: [Entry] = []
    private var unused: [Int32] = []
    private var index: [IPAddress: Int32] = [:]
    private var probation = List()
    private var protected = List()
    /// How many have names.
    package private(set) var names = 0

    package init(limit: Int) {
        self.limit = limit
        // A fifth stays for those who come, or nobody new could stay long enough to be protected.
        protectedLimit = limit - limit / 5
    }

    package var count: Int { index.count }
    /// Soon entries will have to give way.
    package var isCrowded: Bool { count > limit - limit / 4 }
    /// Slots that were ever used: what a sweep has to look at.
    package var slots: Range<Int> { entries.indices }

    package func slot(of address: IPAddress) -> Int? { index[address].map(Int.init) }

    package func isUsed(_ slot: Int) -> Bool { slot < entries.count && entries[slot].flags.contains(.used) }

    /// Everything but name and lists may be changed here.
    package subscript(slot: Int) -> Entry {
        // Not a copy: a sweep reads one number of each.
        _read { yield entries[slot] }
        _modify { yield &entries[slot] }
    }

    package mutating func setName(_ name: String?, _ slot: Int) {
        names += (name == nil ? 0 : 1) - (entries[slot].name == nil ? 0 : 1)
        entries[slot].name = name
    }

    /// A new entry, and whether another gave way to it. Not for an address that has one.
    package mutating func insert(_ address: IPAddress) -> (slot: Int, evicted: Bool) {
        var evicted = false
        if count == limit {
            remove(Int(probation.oldest >= 0 ? probation.oldest : protected.oldest))
            evicted = true
        }
        let slot: Int
        if let free = unused.popLast() {
            slot = Int(free)
            entries[slot] = Entry(address: address)
        } else {
            slot = entries.count
            entries.append(Entry(address: address))
        }
        entries[slot].flags = .used
        index[address] = Int32(slot)
        link(slot)
        return (slot, evicted)
    }

    package mutating func remove(_ slot: Int) {
        unlink(slot)
        setName(nil, slot)
        index[entries[slot].address] = nil
        entries[slot].flags = []
        unused.append(Int32(slot))
    }

    /// Moves the entry to the protected ones; the oldest of these may have to go back.
    package mutating func protect(_ slot: Int) {
        unlink(slot)
        entries[slot].flags.insert(.protected)
        link(slot)
        guard protected.count > protectedLimit else { return }
        let oldest = Int(protected.oldest)
        unlink(oldest)
        entries[oldest].flags.remove(.protected)
        link(oldest)
    }

    private mutating func link(_ slot: Int) {
        withList(of: slot) { list, entries in
            entries[slot].newer = -1
            entries[slot].older = list.newest
            if list.newest >= 0 { entries[Int(list.newest)].newer = Int32(slot) } else { list.oldest = Int32(slot) }
            list.newest = Int32(slot)
            list.count += 1
        }
    }

    private mutating func unlink(_ slot: Int) {
        withList(of: slot) { list, entries in
            let (newer, older) = (entries[slot].newer, entries[slot].older)
            if newer >= 0 { entries[Int(newer)].older = older } else { list.newest = older }
            if older >= 0 { entries[Int(older)].newer = newer } else { list.oldest = newer }
            list.count -= 1
        }
    }

    private mutating func withList(of slot: Int, _ body: (inout List, inout [Entry]) -> Void) {
        if entries[slot].flags.contains(.protected) { body(&protected, &entries) } else { body(&probation, &entries) }
    }
}
