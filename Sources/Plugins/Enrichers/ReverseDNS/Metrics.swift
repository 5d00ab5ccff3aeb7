// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import DNSClient
package import WeirKit

/// Every counter of the plugin.
package struct Metrics: Sendable {
    let questions: Cell
    let messages: Cell
    let stale: Cell
    let turnedAway: Cell
    let evicted: Cell
    let refusedNames: Cell
    let hostsEntries: Cell
    let hostsSkipped: Cell
    let hostsFailed: Cell
    private let named: Cell
    private let none: Cell
    private let failed: [DNSFailure: Cell]
    private let entries: Cell
    private let names: Cell
    private let queued: Cell
    private let inFlight: Cell
    private let isAnswering: Cell

    package init(_ registry: MetricRegistry) {
        func answers(_ answer: String) -> Cell {
            registry.counter("weir_reverse_dns_answers_total", "Questions that ended, by how.", [("answer", answer)])
        }
        questions = registry.counter("weir_reverse_dns_questions_total", "Questions asked.")
        messages = registry.counter("weir_reverse_dns_messages_total", "Messages sent to DNS servers: the questions and their repeats.")
        named = answers("name")
        none = answers("none")
        failed = Dictionary(uniqueKeysWithValues: DNSFailure.allCases.map { ($0, answers($0.rawValue)) })
        stale = registry.counter(
            "weir_reverse_dns_stale_answers_total", "Look-ups answered with a name whose time is over, while it is asked for again.")
        turnedAway = registry.counter("weir_reverse_dns_turned_away_total", "Look-ups that found no room in the queue of questions.")
        evicted = registry.counter("weir_reverse_dns_evicted_total", "Addresses forgotten because the cache was full.")
        refusedNames = registry.counter("weir_reverse_dns_refused_names_total", "Names in answers that are no host names.")
        hostsEntries = registry.gauge("weir_reverse_dns_hosts_entries", "Addresses that the hosts file names.")
        hostsSkipped = registry.gauge("weir_reverse_dns_hosts_skipped_lines", "Lines of the hosts file that could not be used.")
        hostsFailed = registry.counter("weir_reverse_dns_hosts_failures_total", "Times the hosts file could not be read again.")
        entries = registry.gauge("weir_reverse_dns_cached_addresses", "Addresses in the cache, with and without a name.")
        names = registry.gauge("weir_reverse_dns_cached_names", "Addresses in the cache that have a name.")
        queued = registry.gauge("weir_reverse_dns_queued_questions", "Questions that wait for their turn.")
        inFlight = registry.gauge("weir_reverse_dns_open_questions", "Questions on their way.")
        isAnswering = registry.gauge("weir_reverse_dns_servers_answer", "1 while DNS servers answer, 0 after eight silences in a row.")
        isAnswering.set(1)
    }

    func count(_ reply: PointerReply) {
        messages.add(UInt64(reply.messages))
        switch reply.answer {
        case .names(let names, let refused, _):
            (names.isEmpty ? none : named).add()
            refusedNames.add(UInt64(refused))
        case .none: none.add()
        case .failed(let failure): failed[failure]?.add()
        }
    }

    func show(entries: Int, names: Int, queued: Int, inFlight: Int, isAnswering: Bool) {
        self.entries.set(UInt64(entries))
        self.names.set(UInt64(names))
        self.queued.set(UInt64(queued))
        self.inFlight.set(UInt64(inFlight))
        self.isAnswering.set(isAnswering ? 1 : 0)
    }
}
