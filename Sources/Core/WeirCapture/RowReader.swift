// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import CWeirCapture
package import WeirKit

/// What user space knows across windows, and how it turns rows into flows. No kernel in here: tests hand it rows.
package struct RowReader: Sendable {
    package var addresses = HostAddresses()
    private let isSockets: Bool
    private var wantsInitiator = false
    private var wantsOwner = false
    /// Senders at a socket of this host, in this and the two turns before.
    private var senders = RecentAddresses(turns: 3)
    private var owners = SocketOwners()
    private var copies = ReceiverCopies()
    private var initiators = InitiatorMemory()
    /// Who listens on this host, as it was last looked at.
    package var listeners = ListenerTable()
    /// Some row asked it.
    private var askedListeners = false

    package init(_ plan: CapturePlan, source: CaptureSource) {
        isSockets = source == .cgroup
        follow(plan)
    }

    /// Reads for another plan of the same source; what is remembered stays.
    package mutating func follow(_ plan: CapturePlan) {
        wantsInitiator = plan.initiator
        wantsOwner = plan.owner && isSockets
    }

    /// What its memories turned away.
    package var limits: CaptureLimits {
        var limits = CaptureLimits()
        limits.senders = senders.turnedAway
        limits.receivers = copies.turnedAway
        limits.addresses = addresses.turnedAway
        limits.owners = owners.dropped
        limits.initiators = initiators.dropped
        return limits
    }

    /// Sockets see a local packet twice, so their rows are looked at before any is handed on.
    package var needsSurvey: Bool { isSockets }

    /// How long a turn of the senders lasts at least. A shaper may hold a packet back for longer than short windows, or
    /// drains that come early, last. (A little less than the default window, so that no jitter skips one.)
    package static let senderTurn = Duration.seconds(4)

    /// Begins a drain; `isSenderTurn` when the last turn of the senders is long enough ago.
    package mutating func begin(isSenderTurn: Bool = true) {
        guard isSockets else { return }
        if isSenderTurn { senders.turn() }
        copies.forget()
    }

    /// First look.
    package mutating func survey(_ row: capture_row) {
        if row.isSocketOut { senders.note(row.source) }
        addresses.note(row)
        if wantsOwner { owners.note(row) }
        copies.note(row)
    }

    /// Whether a second look is needed, to find the ordinary receivers beside raw ones.
    package var needsSecondSurvey: Bool { copies.isNeeded }

    package mutating func surveyAgain(_ row: capture_row) { copies.noteOrdinary(row) }

    /// Appends the flows of the first `count` rows; what they add up to. What is counted elsewhere goes to the book.
    /// `translations` says what connection tracking knows of each row, whose ends it has rewritten; empty where it was not asked.
    package mutating func read(
        _ rows: [capture_row], _ count: Int, _ translations: [RowTranslation] = [], into flows: inout [CapturedFlow], _ book: inout KernelBook
    ) -> Amount {
        var sum = Amount()
        flows.reserveCapacity(flows.count + count)
        // All of them first: in the window in which a container sends for the first time, rows to it may stand before its own.
        if !isSockets { for index in 0..<count where rows[index].flowHook == FLOW_PORT_IN { addresses.note(rows[index]) } }
        for index in 0..<count {
            switch read(rows[index], tracked: translations.isEmpty ? .unknown : translations[index].initiator) {
            case .flow(var flow):
                sum += Amount(bytes: flow.bytes, packets: flow.packets)
                if !translations.isEmpty {
                    translations[index].complete(&flow)
                    book.translations.add(Amount(bytes: flow.bytes, packets: flow.packets), translations[index].answer)
                }
                flows.append(flow)
            case .notCounted(let reason): book[reason] += rows[index].amount
            }
        }
        return sum
    }

    /// The flow of a row whose addresses were noted, or why its packets are counted elsewhere. `tracked`: who opened it by the word of connection tracking.
    @inline(__always)
    package mutating func read(_ row: capture_row, tracked: Initiator = .unknown) -> ReadRow {
        if row.isSocketIn {
            if senders.contains(row.source) || row.source.isLoopback { return .notCounted(.local) }
            if copies.isCopy(row) { return .notCounted(.copy) }
        }
        var flow = CapturedFlow(row, observer: addresses.observer(of: row))
        // Only an end on this host can be the host's own.
        if flow.observer == .source || flow.observer == .both { flow.sourceIsHost = addresses.isOwn(flow.source) }
        if flow.observer == .destination || flow.observer == .both { flow.destinationIsHost = addresses.isOwn(flow.destination) }
        if wantsOwner {
            if row.isSocketOut {
                flow.sourceOwner = row.cgroup
                flow.destinationOwner = owners.receiver(of: row)
            } else {
                flow.destinationOwner = row.cgroup
            }
        }
        if wantsInitiator { (flow.initiator, flow.initiatorSource) = initiator(of: row, tracked) }
        return .flow(flow)
    }

    /// By handshake, connection tracking, a socket that listens, or the ports: the first that knows.
    private mutating func initiator(of row: capture_row, _ tracked: Initiator) -> (Initiator, InitiatorSource) {
        let found = initiators.initiator(of: row, tracked: tracked)
        guard found.1 == .port || found.1 == .none, row.isConnection else { return found }
        askedListeners = true
        let heard = listeners.initiator(of: row, addresses)
        guard heard != .unknown else { return found }
        initiators.learn(heard, of: row)
        return (heard, .listener)
    }

    /// Whether rows asked who listens since the last call: then it is worth looking again.
    package mutating func takeAskedListeners() -> Bool {
        defer { askedListeners = false }
        return askedListeners
    }
}

/// What becomes of a row.
package enum ReadRow: Sendable {
    case flow(CapturedFlow)
    case notCounted(NotCountedReason)
}
