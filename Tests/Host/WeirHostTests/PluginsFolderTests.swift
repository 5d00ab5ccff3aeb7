// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import BuiltInPlugins
internal import Foundation
internal import Testing
internal import WeirHost
internal import WeirKit

/// The repository's `plugins.d` is made from the samples: `make samples`.
@Suite("plugins.d")
struct PluginsFolderTests {
    private static let folder = Fixtures.repository.appendingPathComponent("plugins.d")

    @Test("holds one file per plugin, its sample, switched off")
    func files() throws {
        let expected = Dictionary(
            uniqueKeysWithValues: builtInPlugins.map { (PluginSample.fileName(of: $0, in: builtInPlugins), PluginSample.disabledText(of: $0)) })
        if Fixtures.isRecording {
            for old in names { try FileManager.default.removeItem(at: Self.folder.appendingPathComponent(old)) }
            for (name, text) in expected { try text.write(to: Self.folder.appendingPathComponent(name), atomically: true, encoding: .utf8) }
        }
        #expect(names == expected.keys.sorted())
        for (name, text) in expected { #expect(Fixtures.text(Self.folder.appendingPathComponent(name)) == text, "\(name): make samples") }
    }

    @Test("copied as it is, it changes nothing")
    func isFine() {
        #expect(WeirHost.problems(at: Self.folder.deletingLastPathComponent().path, plugins: builtInPlugins).report == "")
    }

    private var names: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: Self.folder.path)) ?? []).filter { $0.hasSuffix(".yaml") }.sorted()
    }
}
