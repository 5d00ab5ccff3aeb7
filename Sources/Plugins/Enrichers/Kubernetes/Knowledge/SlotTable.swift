// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import DequeModule

/// What a table keeps of one object.
protocol TableRecord: Sendable {
    var uid: ObjectUID { get }
    /// The list in which the object was named last.
    var mark: UInt32 { get set }
    /// When the object was found to be gone, by a clock that nobody sets; infinite while it is there.
    var goneAt: Double { get set }
}

extension TableRecord {
    var isGone: Bool { goneAt != .infinity }
}

/// Objects of one kind by uid, in slots that are used again. An object that is gone keeps its slot until it is forgotten.
struct SlotTable<Record: TableRecord>: Sendable {
    private var slots: [Record?] = []
    private var index: [ObjectUID: UInt32] = [:]
    private var free: [UInt32] = []
    /// Those that are gone, the oldest first.
    private var gone: Deque<(slot: UInt32, at: Double)> = []
    private var goneCount = 0
    /// The list that is under way, or was the last.
    private var list: UInt32 = 0
    /// Whether a list was read to its end: what comes later is new.
    private(set) var isListed = false

    /// Those that are there, without those that are gone.
    var count: Int { index.count - goneCount }

    func slot(of uid: ObjectUID) -> UInt32? { index[uid] }

    /// Traps when the slot is empty: a slot is held only as long as its record.
    subscript(slot: UInt32) -> Record {
        get {
            guard let record = slots[Int(slot)] else { preconditionFailure("an empty slot was read") }
            return record
        }
        set { slots[Int(slot)] = newValue }
    }

    /// Nil when the slot is empty.
    func record(_ slot: UInt32) -> Record? { Int(slot) < slots.count ? slots[Int(slot)] : nil }

    /// The slots for which `condition` holds, gone ones included.
    func slots(where condition: (Record) -> Bool) -> [UInt32] {
        slots.indices.compactMap { slot in
            guard let record = slots[slot] else { return nil }
            return condition(record) ? UInt32(slot) : nil
        }
    }

    mutating func beginList() { list &+= 1 }

    /// Those that the list, now at its end, did not name.
    mutating func endList() -> [ObjectUID] {
        isListed = true
        return slots { !$0.isGone && $0.mark != list }.map { self[$0].uid }
    }

    /// Notes that the object was named and is there.
    mutating func touch(_ slot: UInt32) {
        if slots[Int(slot)]?.isGone == true { goneCount -= 1 }
        slots[Int(slot)]?.goneAt = .infinity
        slots[Int(slot)]?.mark = list
    }

    mutating func insert(_ record: Record) -> UInt32 {
        var record = record
        record.mark = list
        let slot: UInt32
        if let vacant = free.popLast() {
            slot = vacant
            slots[Int(slot)] = record
        } else {
            slot = UInt32(slots.count)
            slots.append(record)
        }
        index[record.uid] = slot
        return slot
    }

    mutating func end(_ slot: UInt32, at time: Double) {
        goneCount += 1
        slots[Int(slot)]?.goneAt = time
        gone.append((slot, time))
    }

    /// The slots of objects that have been gone since before `time`: to be removed.
    mutating func takeGone(before time: Double) -> [UInt32] {
        var taken: [UInt32] = []
        while let oldest = gone.first, oldest.at < time {
            gone.removeFirst()
            // Else it came back meanwhile.
            guard slots[Int(oldest.slot)]?.goneAt == oldest.at else { continue }
            // What went twice within one moment is taken once.
            slots[Int(oldest.slot)]?.goneAt = -.infinity
            taken.append(oldest.slot)
        }
        return taken
    }

    mutating func remove(_ slot: UInt32) {
        guard let record = slots[Int(slot)] else { return }
        if record.isGone { goneCount -= 1 }
        index[record.uid] = nil
        slots[Int(slot)] = nil
        free.append(slot)
    }
}
