// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CWeirCapture
internal import Netlink

/// Puts the real ends into rows: `Translations` says what to ask, the kernel's connection tracking answers.
///
/// On the data thread, chunk by chunk. The kernel answers while it is asked, so nothing waits. Where the plan does not want it,
/// or the host cannot, rows stay as they are.
struct Translator: ~Copyable, Sendable {
    let choice: TranslationChoice
    private var socket: ConntrackSocket?
    private var translations = Translations()
    private var answers: [ConntrackAnswer] = []
    private var counts = ConntrackCounts()
    private let start = ContinuousClock.now

    /// For the network namespace of this thread. Throws where `on` cannot be had.
    static func start(_ mode: TranslationMode) throws(CaptureError) -> Translator {
        let choice = TranslationChoice(mode, .here)
        guard choice.isOn else { return Translator(choice, nil) }
        do {
            return Translator(choice, try ConntrackSocket.open())
        } catch {
            guard mode == .on else { return Translator(TranslationChoice(refused: error), nil) }
            throw CaptureError(
                "ask connection tracking", needed: "nf_conntrack_netlink and CAP_NET_ADMIN", found: "\(error)",
                remedy: "load the module, or set accounting.nat: auto")
        }
    }

    private init(_ choice: TranslationChoice, _ socket: consuming ConntrackSocket?) {
        self.choice = choice
        self.socket = socket
    }

    /// Pairs forgotten to make room for others.
    var dropped: UInt64 { translations.dropped }

    /// What became of each row of the last chunk; empty where nothing is translated.
    var rows: [RowTranslation] { translations.rows }

    /// A drain begins.
    mutating func begin() {
        guard choice.isOn else { return }
        let counts = (try? socket?.counts()) ?? self.counts
        // It may have been full for others than those that are missed; then one reason is told for another, and nothing is hidden.
        translations.begin(second: UInt32(clamping: (ContinuousClock.now - start).components.seconds), isFull: counts != self.counts)
        self.counts = counts
    }

    mutating func translate(_ rows: inout [capture_row], _ count: Int) {
        guard choice.isOn else { return }
        translations.look(at: rows, count)
        while !translations.questions.isEmpty {
            socket?.ask(translations.questions, into: &answers)
            translations.learn(answers)
        }
        translations.rewrite(&rows, count)
    }

    /// How many tuples the kernel was asked for since the last call.
    mutating func takeCount() -> UInt64 { translations.takeCount() }
}
