// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import BuiltInPlugins
import Foundation
import InHousePlugins
import Testing
import WeirHost

@Suite("the agent")
struct AgentTests {
    private static let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    @Test(
        "what a case folder shows holds; RECORD=1 writes its files anew",
        arguments: WeirHost.caseFolders(in: package.appendingPathComponent("Tests/InHouseTests/Cases").path))
    func holds(_ folder: String) async {
        let isRecording = ProcessInfo.processInfo.environment["RECORD"] != nil
        #expect(await WeirHost.differences(inCase: folder, plugins: builtInPlugins + inHousePlugins, isRecording: isRecording) == [])
    }

    @Test("plugins have names of their own")
    func names() {
        let names = (builtInPlugins + inHousePlugins).map(\.name)
        #expect(Set(names).count == names.count)
    }

    @Test("an agent of one's own is less than 60 lines: its manifest, its list and its main file")
    func lines() throws {
        let count = try ["Package.swift", "Sources/Agent/main.swift", "Sources/InHousePlugins/InHousePlugins.swift"].reduce(0) { sum, file in
            let text = try String(contentsOf: Self.package.appendingPathComponent(file), encoding: .utf8)
            return sum + text.split(separator: "\n", omittingEmptySubsequences: false).count - 1
        }
        #expect(count > 0 && count < 60, "\(count) lines")
    }
}
