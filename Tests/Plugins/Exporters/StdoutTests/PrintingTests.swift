// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import ByteOutput
internal import StdoutExporter
internal import Synchronization
internal import Testing
internal import WeirKit

@Suite("stdout: printing")
struct PrintingTests {
    private let records = batch(defaults, [(["frontend", "database", "a", "b", "inter_zone", "source"], 2048, 2)])

    @Test("a table arrives whole, however little the reader takes at once")
    func whole() async throws {
        let screen = Screen()
        let exporter = StdoutExporter(StdoutOptions(), terminal: screen.terminal(allowsColors: false))
        try await exporter.export(records)
        await exporter.finish()
        var table = plainTable()
        #expect(screen.text == table.text(records, lineWidth: nil))
    }

    @Test(
        "colours are for terminals whose user did not refuse them, unless the options say otherwise",
        arguments: [
            (.auto, true, true, true), (.auto, true, false, false), (.auto, false, true, false), (.always, false, false, true),
            (.never, true, true, false),
        ] as [(StdoutOptions.ColorChoice, Bool, Bool, Bool)])
    func colors(_ choice: StdoutOptions.ColorChoice, _ isTerminal: Bool, _ allowsColors: Bool, _ expected: Bool) async throws {
        var options = StdoutOptions()
        options.color = choice
        let screen = Screen()
        let exporter = StdoutExporter(options, terminal: screen.terminal(isTerminal: isTerminal, allowsColors: allowsColors))
        try await exporter.export(records)
        await exporter.finish()
        #expect(screen.text.contains("\u{1B}[") == expected)
    }

    @Test("the scope and its bytes wear the scope's colour; columns stand where they stand without")
    func golden() {
        var colored = FlowTable(rowLimit: 1, palette: .colors)
        let text = colored.text(
            batch(
                defaults,
                [(["frontend", "database", "a", "b", "inter_zone", "source"], 2048, 2), (["x", "y", nil, nil, "internet", "source"], 1, 1)]),
            lineWidth: nil)
        #expect(
            text.lines == [
                "\u{1B}[1mTIME UTC   SRC OWNER → DST OWNER   SRC ZONE → DST ZONE   SCOPE        OBSERVER         BYTES     PACKETS\u{1B}[0m",
                "03:04:05   frontend  → database    a        → b          \u{1B}[33minter_zone\u{1B}[0m   source     \u{1B}[33m    2.0 KiB\u{1B}[0m           2",
                "           \u{1B}[2m… and 1 more flow, 1 B\u{1B}[0m",
            ])
    }

    @Test("every scope has a colour", arguments: TrafficScope.allCases)
    func scopes(_ scope: TrafficScope) {
        #expect(Palette.colors.paint("x", .scope(scope.name)) != "x")
        #expect(Palette.plain.paint("x", .scope(scope.name)) == "x")
    }

    @Test("a reader that went away is told as such, to every batch that still comes")
    func gone() async throws {
        let terminal = Terminal(isTerminal: { false }, allowsColors: { false }, lineWidth: { nil }) { _, _ in
            .failure(OutputError(code: 32))
        }
        let exporter = StdoutExporter(StdoutOptions(), terminal: terminal, pause: .seconds(60))
        try await exporter.export(records)
        for seconds in [5, 10, 15] as [UInt64] {
            let next = batch(owners, [(["a", "b"], 1, 1)], after: seconds)
            let error = await #expect(throws: ExportError.self) { try await exporter.export(next) }
            #expect(error?.reason == "closed")
            #expect(error?.description == "standard output cannot be written: Broken pipe (errno 32)")
        }
        await exporter.finish()
    }

    @Test("a table that could not be printed while nobody waited is told to the next batch, and the one after is tried", .timeLimit(.minutes(1)))
    func toldLater() async throws {
        let tries = Atomic(0)
        let screen = Screen()
        let terminal = Terminal(isTerminal: { false }, allowsColors: { false }, lineWidth: { nil }) { bytes, from in
            if tries.wrappingAdd(1, ordering: .relaxed).oldValue == 0 { return .failure(OutputError(code: 28)) }
            screen.shown.withLock { $0 += bytes[from...] }
            return .success(bytes.count - from)
        }
        let exporter = StdoutExporter(StdoutOptions(), terminal: terminal, pause: .milliseconds(5))
        try await exporter.export(records)
        while tries.load(ordering: .relaxed) == 0 { try await Task.sleep(for: .milliseconds(5)) }
        let error = await #expect(throws: ExportError.self) { try await exporter.export(records) }
        #expect(error?.reason == "disk_full")
        try await exporter.export(records)
        await exporter.finish()
        #expect(screen.text.contains("frontend"))
    }

    @Test("an agent that leaves does not wait for a reader", .timeLimit(.minutes(1)))
    func leaving() async throws {
        let terminal = Terminal(isTerminal: { false }, allowsColors: { false }, lineWidth: { nil }) { _, _ in .success(0) }
        let exporter = StdoutExporter(StdoutOptions(), terminal: terminal, pause: .milliseconds(1))
        try await exporter.export(records)
        // By now its table waits for the reader.
        try await Task.sleep(for: .milliseconds(50))
        let next = batch(owners, [(["a", "b"], 1, 1)], after: 5)
        let leaving = Task { () async -> String? in
            defer { Task { await exporter.finish() } }
            do throws(ExportError) { try await exporter.export(next) } catch { return error.reason }
            return nil
        }
        try await Task.sleep(for: .milliseconds(50))
        leaving.cancel()
        #expect(await leaving.value == "cancelled")
    }
}

@Suite("stdout: one table per window")
struct WindowTests {
    private func row(_ name: String, _ bytes: UInt64, after seconds: UInt64 = 0) -> RecordBatch {
        batch(owners, [([name, "b"], bytes, 1)], after: seconds)
    }

    @Test("the batches of a window are one table; it comes with the next window's first batch, the last one at the end")
    func gathers() async throws {
        let screen = Screen()
        let exporter = StdoutExporter(StdoutOptions(), terminal: screen.terminal(allowsColors: false), pause: .seconds(60))
        try await exporter.export(row("small", 10))
        try await exporter.export(row("large", 2048))
        try await exporter.export(row("small", 13))
        #expect(screen.text == "")
        try await exporter.export(row("next", 1, after: 5))
        let first = [
            "TIME UTC   SRC OWNER → DST OWNER         BYTES     PACKETS", "03:04:05   large     → b               2.0 KiB           1",
            "           small     → b                  23 B           2",
        ]
        #expect(screen.text.lines == first)
        await exporter.finish()
        #expect(screen.text.lines == first + ["03:04:10   next      → b                   1 B           1"])
    }

    @Test("a table does not wait for the next window when no more flows come", .timeLimit(.minutes(1)))
    func timely() async throws {
        let screen = Screen()
        let exporter = StdoutExporter(StdoutOptions(), terminal: screen.terminal(allowsColors: false), pause: .milliseconds(20))
        try await exporter.export(row("a", 1))
        while screen.text.lines.count < 2 { try await Task.sleep(for: .milliseconds(5)) }
        await exporter.finish()
        #expect(screen.text.lines.count == 2)
    }

    @Test("tables never mix, however slowly the reader takes them", .timeLimit(.minutes(1)))
    func neverMix() async throws {
        let screen = Screen()
        let calls = Atomic(0)
        let terminal = Terminal(isTerminal: { true }, allowsColors: { false }, lineWidth: { nil }) { bytes, from in
            if calls.wrappingAdd(1, ordering: .relaxed).oldValue % 2 == 0 { return .success(0) }
            let piece = bytes[from..<min(bytes.count, from + 40)]
            screen.shown.withLock { $0 += piece }
            return .success(piece.count)
        }
        let exporter = StdoutExporter(StdoutOptions(), terminal: terminal, pause: .milliseconds(1))
        var table = plainTable()
        var expected = ""
        for window in 0..<6 as Range<UInt64> {
            try await exporter.export(row("owner-\(window)", 1, after: window * 5))
            expected += table.text(row("owner-\(window)", 1, after: window * 5), lineWidth: nil)
            try await Task.sleep(for: .milliseconds(Int(window) * 10))
        }
        await exporter.finish()
        #expect(screen.text == expected)
    }

    @Test("flows that look alike are one line, whatever batch they came in; absent and empty columns tell apart what they should")
    func merges() {
        let ports = owners + [SelectedAttribute(.destinationPort)]
        let first = batch(ports, [(["a", "b", "80"], 1, 1), (["a", "b", "443"], 10, 1), ([nil, "b", "80"], 100, 1)])
        let second = batch(ports, [(["a", "c", "80"], 5, 1), (["a", "b", "80"], 2, 3), ([nil, "b", "80"], 1, 1)])
        var window = WindowFlows(like: first)
        window.add(first)
        window.add(second)
        #expect(window.flows.map(\.bytes) == [3, 10, 101, 5])
        #expect(window.flows.map(\.packets) == [4, 1, 2, 1])
        #expect(window.value(0, 3) == .text("a") && window.value(1, 3) == .text("c") && window.value(2, 3) == .number(80))
        #expect(window.value(0, 2) == nil)
        #expect(!window.takes(batch(owners, [])) && !window.takes(batch(ports, [], after: 5)))
    }

    @Test("past the limit new flows are only counted; known ones go on to grow, and no byte is lost")
    func bounded() {
        let first = batch(owners, (0..<5).map { (["a\($0)", "b"], 10, 1) })
        let second = batch(owners, [(["a1", "b"], 1, 1), (["new", "b"], 7, 1), (["new", "b"], 7, 1)])
        var window = WindowFlows(like: first, limit: 4)
        window.add(first)
        window.add(second)
        #expect(window.flows.map(\.bytes) == [10, 11, 10, 10])
        #expect(window.turnedAway == (3, 24))
        var table = plainTable(rows: 2)
        #expect(table.text(window, lineWidth: nil).lines.last == "           … and 5 more flows, 44 B")
    }
}
