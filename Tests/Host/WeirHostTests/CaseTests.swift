// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Testing
internal import WeirHost

@Suite("case folders")
struct CaseTests {
    /// Every folder `Cases` below Tests/Plugins, and the one beside this file.
    static let folders: [String] = {
        let tests = Fixtures.repository.appendingPathComponent("Tests")
        let paths = FileManager.default.enumerator(atPath: tests.path)?.compactMap { $0 as? String } ?? []
        return paths.filter { $0.hasSuffix("/Cases") }.sorted().flatMap { WeirHost.caseFolders(in: tests.appendingPathComponent($0).path) }
    }()

    @Test("what a case shows holds; RECORD=1 writes its files anew", arguments: folders)
    func holds(_ folder: String) async {
        #expect(await WeirHost.differences(inCase: folder, plugins: plugins, isRecording: Fixtures.isRecording) == [])
    }

    @Test("there are cases of each plugin that can have some")
    func coverage() {
        for plugin in ["CIDRTests", "LocalOwnerTests", "PrometheusTests", "JSONLinesTests", "WeirHostTests"] {
            #expect(Self.folders.contains { $0.contains("/\(plugin)/Cases/") }, "\(plugin)")
        }
    }
}
