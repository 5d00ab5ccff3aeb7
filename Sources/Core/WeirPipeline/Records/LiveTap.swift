// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
package import WeirKit

/// Where a client of `weir tap` is connected to a running pipeline: which rows, which attributes, which queue. Made and let go while the
/// pipeline runs; a reload makes another one for the same queue.
package final class LiveTap: Sendable {
    package let filter: Filter?
    package let attributes: [SelectedAttribute]
    /// Whether each record says which stage answered what.
    package let explains: Bool
    package let queue: TapQueue
    private let announcement: [UInt8]
    private let isAnnounced = Atomic<Bool>(false)

    /// `attributes`, and those of the filter, are among what the plan captures. `announcement` is the line that stands before the first record.
    package init(filter: Filter?, attributes: [SelectedAttribute], explains: Bool, announcement: [UInt8], queue: TapQueue) {
        self.filter = filter
        self.attributes = attributes
        self.explains = explains
        self.announcement = announcement
        self.queue = queue
    }

    /// Tells the client what follows, once: when a reload is through, or before the first record if that comes earlier.
    package func announce() {
        if !isAnnounced.exchange(true, ordering: .acquiringAndReleasing) { queue.put(announcement) }
    }
}

/// The clients of one pipeline. While there are none, the pipeline reads one number per batch and does no more.
package final class LiveTaps: Sendable {
    private let number = Atomic<UInt64>(0)
    private let taps = Mutex<[LiveTap]>([])

    package init() {}

    package func add(_ tap: LiveTap) {
        taps.withLock { $0.append(tap) }
        number.wrappingAdd(1, ordering: .releasing)
    }

    package func remove(_ tap: LiveTap) {
        taps.withLock { $0.removeAll { $0 === tap } }
        number.wrappingAdd(1, ordering: .releasing)
    }

    /// Another one after every change.
    var version: UInt64 { number.load(ordering: .acquiring) }
    var all: [LiveTap] { taps.withLock { $0 } }
}

/// Rows on their way to one client.
package struct LiveRecords: Sendable {
    package let tap: LiveTap
    package let batch: RecordBatch
    /// Per attribute of the batch: per row which stage answered (0 nobody, else 1 + its place, 255 the pipeline itself). Empty for attributes of
    /// the flow and for addresses, and for all of them unless the client asked.
    package let answeredBy: [[UInt8]]

    package var count: Int { batch.count }

    /// About what it takes in memory: texts of up to 15 bytes stand in their own 16.
    var size: Int {
        let perRow = 16 + 4 * batch.columns.count + answeredBy.reduce(0) { $0 + ($1.isEmpty ? 0 : 1) }
        let texts = batch.texts.reduce(0) { $0 + 16 + ($1.utf8.count > 15 ? 32 + $1.utf8.count : 0) }
        return 512 + 48 * batch.columns.count + batch.count * perRow + texts
    }
}
