// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import InHousePlugins
import Testing
import WeirKit

@Suite("an inventory")
struct InventoryTests {
    @Test("an owner in full comes before patterns, and of these the first")
    func order() {
        let (inventory, problems) = read("# exported nightly\nowner,team,cost_center\r\n\nsearch-*,search,cc-2\n search-ads , ads ,\ns*,all,cc-9\n")
        #expect(problems == [])
        #expect(inventory.entry(for: "search-index") == Inventory.Entry(team: "search", costCenter: "cc-2"))
        #expect(inventory.entry(for: "search-ads") == Inventory.Entry(team: "ads", costCenter: ""))
        #expect(inventory.entry(for: "shop")?.team == "all")
        #expect(inventory.entry(for: "database") == nil)
    }

    @Test(
        "what is wrong is told at its place",
        arguments: [
            ("", "1:1: expected the header owner,team,cost_center, found no line at all"),
            ("# nothing\n\nteam,owner\n", "3:1: expected the header owner,team,cost_center"),
            ("a,b", "2:1: expected 3 fields (owner,team,cost_center), found 2"),
            ("a,b,c,d", "2:1: expected 3 fields (owner,team,cost_center), found 4"),
            ("a,b,c\n ,b,c", "3:2: an owner and a team must be written"),
            ("é, ,c", "2:4: an owner and a team must be written"),
            ("a,\"b\",c", "2:3: quotes are not read here; write the field without"),
            ("a,b,c\na,d,e", "3:1: 'a' stands twice"),
            ("a*,b,c\na*,d,e", "3:1: 'a*' stands twice"),
        ])
    func wrong(_ lines: String, _ expected: String) {
        let hasHeader = lines.isEmpty || lines.hasPrefix("#")
        #expect(read(hasHeader ? lines : "owner,team,cost_center\n" + lines).problems == ["inventory.csv:" + expected])
    }

    @Test("all that is wrong is told at once, and bytes that are no text are no text")
    func all() {
        #expect(read("owner,team,cost_center\na\nb,c,d\n,x,\n").problems.count == 2)
        let problems = ConfigProblems()
        _ = Inventory(csv: [0x61, 0xff], file: "inventory.csv", problems: problems)
        #expect(problems.all.map(\.message) == ["the file is not UTF-8 text"])
    }

    @Test("an inventory has its limits, and each is told")
    func limits() {
        let patterns = (0...Inventory.maxPatterns).map { "a\($0)*,t,c\n" }.joined()
        #expect(read("owner,team,cost_center\n" + patterns).problems == ["inventory.csv:202:1: an inventory has at most 200 patterns"])
        let owners = (0...Inventory.maxOwners).map { "a\($0),t,c\n" }.joined()
        #expect(read("owner,team,cost_center\n" + owners).problems == ["inventory.csv:50002:1: an inventory has at most 50000 owners"])
        let spaces = String(repeating: " ", count: Inventory.maxBytes)
        #expect(read("owner,team,cost_center\n" + spaces).problems == ["inventory.csv:1:1: an inventory has at most 4MiB"])
    }

    private func read(_ text: String) -> (inventory: Inventory, problems: [String]) {
        let problems = ConfigProblems()
        let inventory = Inventory(csv: Array(text.utf8), file: "inventory.csv", problems: problems)
        return (inventory, problems.all.map { "\($0.position): \($0.message)" })
    }
}
