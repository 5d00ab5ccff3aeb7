// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import StdoutExporter
internal import Testing
internal import WeirKit

@Suite("stdout: printing")
struct PrintingTests {
    private let records = batch(defaults, [(["frontend", "database", "a", "b", "inter_zone", "source"], 2048, 2)])

    @Test("a table arrives whole, however little the reader takes at once")
    func whole() async throws {
        let screen = Screen()
        try await StdoutExporter(StdoutOptions(), terminal: screen.terminal(allowsColors: false)).export(records)
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
        try await StdoutExporter(options, terminal: screen.terminal(isTerminal: isTerminal, allowsColors: allowsColors)).export(records)
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

    @Test("a reader that went away is told as such")
    func gone() async {
        let terminal = Terminal(isTerminal: { false }, allowsColors: { false }, lineWidth: { nil }) { _, _ in
            .refused(reason: "closed", text: "Broken pipe")
        }
        let error = await #expect(throws: ExportError.self) { try await StdoutExporter(StdoutOptions(), terminal: terminal).export(records) }
        #expect(error?.reason == "closed")
        #expect(error?.description == "standard output cannot be written: Broken pipe")
    }

    @Test("an agent that leaves does not wait for a reader")
    func leaving() async throws {
        let terminal = Terminal(isTerminal: { false }, allowsColors: { false }, lineWidth: { nil }) { _, _ in .wait }
        let records = self.records
        let printing = Task { () async -> ExportError? in
            do throws(ExportError) { try await StdoutExporter(StdoutOptions(), terminal: terminal).export(records) } catch { return error }
            return nil
        }
        printing.cancel()
        #expect(await printing.value?.reason == "cancelled")
    }
}
