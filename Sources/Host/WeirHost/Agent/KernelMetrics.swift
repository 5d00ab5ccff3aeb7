// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirCapture
internal import WeirKit

/// The kernel book as metrics, written by the data thread after every drain.
struct KernelMetrics: Sendable {
    /// Bytes and packets of one line of the book.
    private struct Line: Sendable {
        let bytes: Cell
        let packets: Cell

        init(_ registry: MetricRegistry, _ name: String, _ what: String, _ labels: [(name: String, value: String)] = []) {
            bytes = registry.counter("weir_kernel_\(name)_bytes_total", "Layer-3 bytes \(what).", labels)
            packets = registry.counter("weir_kernel_\(name)_packets_total", "Packets \(what).", labels)
        }

        func add(_ amount: Amount) {
            bytes.add(amount.bytes)
            packets.add(amount.packets)
        }
    }

    private let seen: Line
    private let inMap: Line
    private let inRing: Line
    private let overflow: [(reason: OverflowReason, line: Line)]
    private let notCounted: [(reason: NotCountedReason, line: Line)]
    private let orphanFragments: Cell
    private let translated: Line
    private let unresolved: [(reason: UnresolvedReason, line: Line)]
    private let questions: Cell
    private let adopted: Line
    private let gone: Line
    private let foreignLayouts: Cell
    private let abandonedSets: Cell
    private let drains: Cell
    private let drainTime: Cell
    private let windows: Cell
    private let unbalanced: Cell
    private let registry: MetricRegistry

    init(_ registry: MetricRegistry) {
        self.registry = registry
        seen = Line(registry, "seen", "that the kernel half saw: counted, overflow and not_counted add up to it")
        inMap = Line(registry, "counted", "in flows handed to the pipeline", [("where", "map")])
        inRing = Line(registry, "counted", "in flows handed to the pipeline", [("where", "ring")])
        overflow = OverflowReason.allCases.map { ($0, Line(registry, "overflow", "that found no room", [("reason", $0.name)])) }
        notCounted = NotCountedReason.allCases.map { ($0, Line(registry, "not_counted", "seen and rightly left out", [("reason", $0.name)])) }
        orphanFragments = registry.counter(
            "weir_kernel_fragments_without_ports_total", "Fragments that count without ports, as the first one of their datagram is not known.")
        translated = Line(registry, "translated", "counted, whose ends were rewritten to the real ones by connection tracking")
        unresolved = UnresolvedReason.allCases.map {
            ($0, Line(registry, "unresolved", "counted, whose ends are as they were seen: connection tracking had no answer", [("reason", $0.name)]))
        }
        questions = registry.counter("weir_kernel_conntrack_questions_total", "Tuples that connection tracking was asked for.")
        adopted = Line(registry, "adopted", "of those seen that programs of a process before saw, which was killed (capture.pin)")
        gone = Line(registry, "gone", "that a process before had taken out of its pinned maps when it was killed: part of no other number here")
        foreignLayouts = registry.counter(
            "weir_kernel_foreign_layout_total", "Sets of pinned maps that were removed unread, as another version of the program made them.")
        abandonedSets = registry.counter(
            "weir_kernel_abandoned_maps_total",
            "Sets of pinned maps that were removed unread: too many processes in a row ended before their first drain.")
        drains = registry.counter("weir_kernel_flips_total", "Times the kernel half changed over to the other generation to be drained.")
        drainTime = registry.counter(
            "weir_kernel_drain_seconds_total", "Time spent draining and handing on; divide by weir_kernel_flips_total.", scale: .nanoseconds)
        windows = registry.counter("weir_windows_total", "Windows that ended.")
        unbalanced = registry.counter("weir_kernel_unbalanced_drains_total", "Drains whose kernel book did not add up; always 0, or there is a bug.")
    }

    func add(_ book: KernelBook, took nanoseconds: UInt64) {
        seen.add(book.seen)
        inMap.add(book.inMap)
        inRing.add(book.inRing)
        for (reason, line) in overflow { line.add(book[reason]) }
        for (reason, line) in notCounted { line.add(book[reason]) }
        orphanFragments.add(book.orphanFragments)
        translated.add(book.translations.translated)
        for (reason, line) in unresolved { line.add(book.translations[reason]) }
        questions.add(book.translations.questions)
        adopted.add(book.takeover.adopted)
        gone.add(book.takeover.gone)
        foreignLayouts.add(book.takeover.foreignLayouts)
        abandonedSets.add(book.takeover.abandonedSets)
        if !book.isBalanced { unbalanced.add() }
        drains.add()
        drainTime.add(nanoseconds)
    }

    func windowEnded() { windows.add() }

    func note(sampling rate: Int) {
        let help = "One in this many packets is counted; values, not the books, are scaled by it."
        registry.gauge("weir_capture_sampling_rate", help).set(UInt64(rate))
    }

    /// How the capture stands, once per window: the devices it is attached to and those that it should be attached to and is not, nil for
    /// a source that needs none, and what its bounded memories turned away.
    func note(attached count: Int?, refused: Int?, _ limits: CaptureLimits) {
        if let count { registry.gauge("weir_capture_interfaces", "Network devices that the capture is attached to.").set(UInt64(count)) }
        if let refused {
            let help = "Network devices that it could not be attached to; the log says why."
            registry.gauge("weir_capture_refused_interfaces", help).set(UInt64(refused))
        }
        for (what, count) in limits.counts {
            registry.counter("weir_capture_forgotten_total", "What the capture's bounded memories did not keep.", [("what", what)]).set(count)
        }
    }
}
