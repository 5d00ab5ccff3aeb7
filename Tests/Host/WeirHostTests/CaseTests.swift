// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import BuiltInPlugins
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
        #expect(await WeirHost.differences(inCase: folder, plugins: builtInPlugins, isRecording: Fixtures.isRecording) == [])
    }

    @Test("a folder that is not there, and one without a configuration, are no cases that pass")
    func missing() async throws {
        let nowhere = WeirHost.caseFolders(in: "/nowhere")
        #expect(nowhere == ["/nowhere"])
        #expect(await WeirHost.differences(inCase: "/nowhere", plugins: builtInPlugins).contains { $0.contains("could not be read") })
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("weir-cases-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder.appendingPathComponent("one"), withIntermediateDirectories: true)
        let found = WeirHost.caseFolders(in: folder.path)
        #expect(found == [folder.path + "/one"])
        let differences = await WeirHost.differences(inCase: found.first ?? "", plugins: builtInPlugins)
        #expect(differences.contains { $0.contains("'config.yaml' is missing") })
    }

    @Test("there are cases of each plugin that can have some")
    func coverage() {
        let withCases = [
            "CIDRTests", "CloudInstanceTests", "LocalOwnerTests", "ReverseDNSTests", "PrometheusTests", "JSONLinesTests", "WeirHostTests",
        ]
        for plugin in withCases {
            #expect(Self.folders.contains { $0.contains("/\(plugin)/Cases/") }, "\(plugin)")
        }
    }
}
