// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import Logging
internal import Testing
internal import WeirHost
internal import WeirKit

@Suite("reload: watch")
struct WatchTests {
    private func write(_ text: String, _ url: URL) throws { try text.write(to: url, atomically: false, encoding: .utf8) }

    /// Over what is there, in one step.
    private static func rename(_ from: URL, _ to: URL) {
        // Both texts live through the call.
        let result = unsafe Glibc.rename(from.path, to.path)
        #expect(result == 0)
    }

    @Test("every way of changing a file is seen, and looking is not")
    func ways() throws {
        try Fixtures.inFolder { folder in
            let manager = FileManager.default
            let items = folder.appendingPathComponent("plugins.d")
            let main = folder.appendingPathComponent("weir.yaml")
            let table = folder.appendingPathComponent("table.csv")
            try manager.createDirectory(at: items, withIntermediateDirectories: true)
            func look() -> WatchedFiles { WatchedFiles(at: folder.path, referenced: [table.path]) }
            var last = look()
            func isNews() -> Bool {
                let next = look()
                defer { last = next }
                return next != last
            }
            #expect(!isNews())
            try write("a", main)
            #expect(isNews() && !isNews())
            try write("ab", main)
            #expect(isNews())
            // As editors do it: another file of the same size.
            try write("ba", folder.appendingPathComponent("weir.yaml.new"))
            #expect(!isNews())
            Self.rename(folder.appendingPathComponent("weir.yaml.new"), main)
            #expect(isNews())
            try write("x", items.appendingPathComponent("1-x.yaml"))
            #expect(isNews())
            try write("x", items.appendingPathComponent("2-y.yml"))
            try write("x", items.appendingPathComponent(".1-x.yaml.swp"))
            try write("x", items.appendingPathComponent(".hidden.yaml"))
            #expect(!isNews())
            try write("10.0.0.0/8", table)
            #expect(isNews())
            try manager.removeItem(at: items.appendingPathComponent("1-x.yaml"))
            #expect(isNews() && !isNews())
        }
    }

    @Test("a ConfigMap that is swapped is seen: its files are links to links")
    func configMap() throws {
        try Fixtures.inFolder { folder in
            let manager = FileManager.default
            func version(_ name: String) throws {
                let version = folder.appendingPathComponent(name)
                try manager.createDirectory(at: version, withIntermediateDirectories: true)
                try write("log: { level: info }\n", version.appendingPathComponent("weir.yaml"))
                try manager.createSymbolicLink(atPath: folder.appendingPathComponent("..data_tmp").path, withDestinationPath: name)
                Self.rename(folder.appendingPathComponent("..data_tmp"), folder.appendingPathComponent("..data"))
            }
            try version("..1")
            try manager.createSymbolicLink(atPath: folder.appendingPathComponent("weir.yaml").path, withDestinationPath: "..data/weir.yaml")
            let first = WatchedFiles(at: folder.path)
            #expect(WatchedFiles(at: folder.path) == first)
            try version("..2")
            #expect(WatchedFiles(at: folder.path) != first)
        }
    }

    @Test("files that a new configuration names are as they were when it was read, and those of the old one are no news any more")
    func referenced() throws {
        try Fixtures.inFolder { folder in
            let file = folder.appendingPathComponent("weir.yaml")
            let (old, new) = (folder.appendingPathComponent("old.csv"), folder.appendingPathComponent("new.csv"))
            for url in [file, old, new] { try write("1", url) }
            let seen = WatchedFiles(at: file.path, referenced: [old.path])
            #expect(seen.referencing([new.path]) == WatchedFiles(at: file.path, referenced: [new.path]))
            try write("22", old)
            #expect(seen.referencing([old.path]) != WatchedFiles(at: file.path, referenced: [old.path]))
        }
    }

    @Test("what a refused configuration names is known, read or not, followed or not; and a file that was missing is news when it comes")
    func refused() throws {
        try Fixtures.inFolder { folder in
            let file = folder.appendingPathComponent("weir.yaml")
            let (hosts, table) = (folder.appendingPathComponent("hosts"), folder.appendingPathComponent("table"))
            try write("enrich: [{ plugin: names, file: table, followed: hosts, wrong: 1 }]\nexport: []\n", file)
            let loader = ConfigurationLoader(
                path: file.path, plugins: [PluginEntry(.enrich, NamesPlugin.self)], registry: MetricRegistry(), routes: HTTPRoutes(),
                log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            func asked() -> [String]? {
                guard case .bad(_, let texts) = loader.load() else { return nil }
                return texts.asked.sorted()
            }
            #expect(asked() == [hosts.path, table.path])
            let seen = WatchedFiles(at: file.path, referenced: [table.path])
            try write("1", table)
            #expect(asked() == [hosts.path, table.path])
            #expect(seen.referencing([table.path]) == seen && WatchedFiles(at: file.path, referenced: [table.path]) != seen)
        }
    }

    @Test("two quiet seconds after the last change, once; what was read meanwhile is known")
    func quiet() throws {
        try Fixtures.inFolder { folder in
            let file = folder.appendingPathComponent("weir.yaml")
            func change(_ text: String) throws -> WatchedFiles {
                try write(text, file)
                return WatchedFiles(at: file.path)
            }
            let start = ContinuousClock.now
            func at(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }
            let one = try change("1")
            let tracker = Steps(one)
            #expect(!tracker.take(one, at: at(0)))
            let two = try change("22")
            #expect(!tracker.take(two, at: at(1)) && !tracker.take(two, at: at(2)))
            let three = try change("333")
            #expect(!tracker.take(three, at: at(3)) && !tracker.take(three, at: at(4)))
            #expect(tracker.take(three, at: at(5)) && !tracker.take(three, at: at(6)) && !tracker.take(three, at: at(9)))
            // Read because somebody asked, before it was noticed.
            let four = try change("4444")
            tracker.settle(four)
            #expect(!tracker.take(four, at: at(10)) && !tracker.take(four, at: at(20)))
            // Noticed, then read because somebody asked.
            let five = try change("55555")
            #expect(!tracker.take(five, at: at(21)))
            tracker.settle(five)
            #expect(!tracker.take(five, at: at(30)))
            // Taken back before the time has come.
            let six = try change("666666")
            #expect(!tracker.take(six, at: at(31)) && !tracker.take(five, at: at(32)) && !tracker.take(five, at: at(40)))
        }
    }
}

/// A tracker that an expectation may change.
private final class Steps {
    private var tracker: ChangeTracker

    init(_ seen: WatchedFiles) { tracker = ChangeTracker(seen) }

    func take(_ look: WatchedFiles, at now: ContinuousClock.Instant) -> Bool { tracker.take(look, at: now) }
    func settle(_ seen: WatchedFiles) { tracker.settle(seen) }
}
