// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

private import Glibc
internal import Logging
internal import Netlink
internal import WeirKit

/// What pinned maps of processes before brought.
public struct TakeoverBook: Sendable, Equatable {
    /// Seen by programs of a process before, and part of this book.
    public internal(set) var adopted = Amount()
    /// Seen by them, and not part of it: that process had taken it out of the maps when it was killed.
    public internal(set) var gone = Amount()
    /// Sets of maps that this program cannot read.
    public internal(set) var foreignLayouts: UInt64 = 0
    /// Sets of maps that were removed unread, as too many processes in a row had ended before their first drain.
    public internal(set) var abandonedSets: UInt64 = 0

    static func += (sum: inout TakeoverBook, more: TakeoverBook) {
        sum.adopted += more.adopted
        sum.gone += more.gone
        sum.foreignLayouts += more.foreignLayouts
        sum.abandonedSets += more.abandonedSets
    }
}

extension Capture {
    /// Hands on what processes before left in pinned maps, then removes them. Called by the first drain: by then nobody writes to them,
    /// and, unless that drain is an early one, those who give names to addresses have had a window to learn.
    mutating func takeOver(_ consume: (Span<CapturedFlow>, UInt32) -> Void) throws(CaptureError) -> KernelBook {
        var book = KernelBook()
        book.takeover.abandonedSets = pins?.takeAbandoned() ?? 0
        guard let pins else { return book }
        if book.takeover.abandonedSets > 0 {
            log.warning(
                "removed pinned maps unread: several processes in a row ended before their first drain",
                metadata: ["sets": "\(book.takeover.abandonedSets)"])
        }
        for set in pins.left {
            switch FlowObject.open(pinnedIn: pins.path, set) {
            case .opened(let layout, let maps):
                book += try takeOver(maps, layout) { flows in consume(flows, layout.samplingRate) }
            case .foreign:
                book.takeover.foreignLayouts += 1
                log.warning("removed pinned maps of a layout that this program does not know", metadata: ["folder": "\(pins.path)/\(set)"])
            case .failed(let number):
                throw CaptureError(
                    "open the maps pinned in \(pins.path)/\(set)", needed: "what a process before left", found: errorText(number),
                    remedy: "remove the folder to start without it")
            }
            let error = self.pins?.removeLeft(set) ?? 0
            if error != 0 {
                log.warning("could not remove pinned maps", metadata: ["folder": "\(pins.path)/\(set)", "error": "\(errorText(error))"])
            }
        }
        let (adopted, gone) = (book.takeover.adopted, book.takeover.gone)
        if adopted.packets + gone.packets > 0 {
            log.notice(
                "took over what a process before had counted",
                metadata: ["packets": "\(adopted.packets)", "bytes": "\(adopted.bytes)", "gone.packets": "\(gone.packets)"])
        }
        return book
    }

    /// One set, both generations. For the time of the call its maps stand in the place of the own ones.
    private mutating func takeOver(
        _ maps: consuming FlowObject, _ layout: PinLayout, _ consume: (Span<CapturedFlow>) -> Void
    ) throws(CaptureError) -> KernelBook {
        // What the own reader learns of connections and senders is worth more than its rows; of another source it cannot read them.
        var other = RowReader(plan, source: layout.isSockets ? .cgroup : .tc)
        other.addresses.follow(links.table)
        let isOtherSource = layout.isSockets != (choice.source == .cgroup)
        if isOtherSource { swap(&reader, &other) }
        reader.follow(layout.restricting(plan))
        swap(&object, &maps)
        let result: Result<KernelBook, CaptureError>
        do throws(CaptureError) { result = .success(try takeBothGenerations(consume)) } catch { result = .failure(error) }
        swap(&object, &maps)
        if isOtherSource { swap(&reader, &other) }
        reader.follow(plan)
        return try result.get()
    }

    private mutating func takeBothGenerations(_ consume: (Span<CapturedFlow>) -> Void) throws(CaptureError) -> KernelBook {
        try object.collectEvents()
        // A sender in the one may have its receiver in the other, and a container's address may come after the rows of its peers: this process has
        // not learnt any yet.
        for generation: UInt32 in 0...1 {
            try walk(generation, .max) { row, reader in if reader.needsSurvey { reader.survey(row) } else { reader.addresses.note(row) } }
        }
        var book = KernelBook()
        for generation: UInt32 in 0...1 {
            var page = try object.book(generation)
            reader.begin(isSenderTurn: false)
            if reader.needsSurvey {
                try walk(generation, .max) { row, reader in reader.survey(row) }
                if reader.needsSecondSurvey { try walk(generation, .max) { row, reader in reader.surveyAgain(row) } }
            }
            try walk(generation, .max, &page, consume)
            page.noteTakeover()
            book += page
        }
        // A set that cannot be removed is found by the next process, which would take what is in its books for gone.
        for generation: UInt32 in 0...1 { try object.clear(generation) }
        return book
    }
}

extension KernelBook {
    /// What programs saw and nobody finds had been taken out by the process before, which ended before it emptied the page.
    mutating func noteTakeover() {
        let (bytes, packets) = imbalance
        if bytes >= 0, packets >= 0 {
            takeover.gone = Amount(bytes: UInt64(bytes), packets: UInt64(packets))
            seen = Amount(bytes: seen.bytes - takeover.gone.bytes, packets: seen.packets - takeover.gone.packets)
        }
        takeover.adopted = seen
    }
}
