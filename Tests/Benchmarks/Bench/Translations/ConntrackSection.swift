// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CKernelTests
internal import CWeirCapture
internal import Netlink
internal import WeirCapture
internal import WeirKit

/// What it costs to look up the real ends of rows: a question to the kernel, and a row whose answer is remembered.
struct ConntrackSection: Section {
    let name = "conntrack"
    let abstract =
        "ns per tuple asked of a kernel that tracks 10,000 translated connections, in batches; ns per row from memory; CPU time of one core"

    private static let count = 10_000
    private static let namespace = "weir-b-conntrack"

    func run(_ setting: Setting, note: (Figure) -> Void) throws {
        if setting.isQuick { return }
        try translating(setting.floor) {
            var socket = try ConntrackSocket.open()
            var answers: [ConntrackAnswer] = []
            for (name, isKnown) in [("asked, and translated", true), ("asked, and unknown", false)] {
                let tuples = (0..<Self.count).map { Self.tuple($0, isKnown: isKnown) }
                note(
                    try Figure(
                        name, "ns/tuple",
                        (0..<setting.runs).map { _ in
                            let seconds = CPUTime.spent { socket.ask(tuples, into: &answers) }
                            let found = answers.count { if case .connection(let found) = $0 { found.isTranslated } else { false } }
                            guard found == (isKnown ? Self.count : 0) else { throw Skipped("\(found) of \(Self.count) connections are tracked") }
                            return seconds / Double(Self.count) * 1e9
                        }))
            }
            // As rows come again in the next window; the first look has asked.
            var translations = Translations()
            let rows = (0..<Self.count).map { Self.row(Self.tuple($0, isKnown: true)) }
            translations.begin(second: 0)
            translations.look(at: rows, rows.count)
            while !translations.questions.isEmpty {
                socket.ask(translations.questions, into: &answers)
                translations.learn(answers)
            }
            note(
                Figure(
                    "remembered", "ns/row",
                    (0..<setting.runs).map { _ in
                        var chunk = rows
                        translations.begin(second: 1)
                        return CPUTime.spent {
                            translations.look(at: chunk, chunk.count)
                            translations.rewrite(&chunk, chunk.count)
                        } / Double(Self.count) * 1e9
                    }))
        }
    }

    private static func tuple(_ number: Int, isKnown: Bool) -> ConnectionTuple {
        ConnectionTuple(
            IPAddress(ipv4: 0x0a07_0001), UInt16(20_000 + number), IPAddress(ipv4: isKnown ? 0x0a60_000a : 0x0a60_000b), 9999, transport: 17)
    }

    private static func row(_ tuple: ConnectionTuple) -> capture_row {
        var row = capture_row()
        (row.src_high, row.src_low, row.src_port) = (tuple.source.high, tuple.source.low, tuple.sourcePort)
        (row.dst_high, row.dst_low, row.dst_port) = (tuple.destination.high, tuple.destination.low, tuple.destinationPort)
        (row.protocol, row.bytes, row.packets) = (tuple.transport, 100, 1)
        return row
    }

    /// Runs `body` in a namespace that has just translated the connections: datagrams of its own to 10.96.0.10, which stands for 10.7.0.9.
    private func translating(_ floor: String, _ body: () throws -> Void) throws {
        let name = Self.namespace
        let setup = """
            ip netns add \(name) && ip -n \(name) link add d0 type veth peer name d1 && ip -n \(name) link set d0 up && ip -n \(name) link set d1 up && ip -n \(name) addr add 10.7.0.1/24 dev d0 &&
            ip -n \(name) neigh replace 10.7.0.9 lladdr 02:00:00:00:00:09 dev d0 && ip -n \(name) route add default via 10.7.0.9 &&
            ip netns exec \(name) nft 'add table ip n; add chain ip n o { type nat hook output priority -100; }; add rule ip n o ip daddr 10.96.0.10 dnat to 10.7.0.9' &&
            ulimit -n $(ulimit -Hn) && ip netns exec \(name) \(floor)/gen sock 10.7.0.1 10.96.0.10 \(Self.count) 32 0
            """
        defer { _ = shell("ip netns del \(name)") }
        guard shell(setup) == 0 else { throw Skipped("needs root, ip, nft and \(floor)/gen, which make floor builds") }
        // The text is copied before the call returns.
        let back = unsafe test_enter_namespace(name)
        guard back >= 0 else { throw Skipped("no way into a network namespace: errno \(-back)") }
        defer { test_leave_namespace(back) }
        try body()
    }

    private func shell(_ command: String) -> Int32 {
        var output = [CChar](repeating: 0, count: 4096)
        let size = output.count
        // The C side writes at most `size` bytes and ends them with a zero.
        return unsafe test_shell("{ \(command)\n} 2>&1", &output, size)
    }
}
