// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import FileTree
import Glibc
import LocalOwnerEnricher
import Logging
import Synchronization
import Testing
import WeirKit
import WeirTesting

private func context(_ invalidated: @escaping @Sendable (EndpointSelection) -> Void = { _ in }) -> PluginContext {
    PluginContext(
        instance: "local_owner", log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, metrics: MetricRegistry(), routes: HTTPRoutes(),
        hostName: "vm-1", invalidate: invalidated)
}

/// `owner.name owner.type systemd.unit` of one endpoint; `?` marks what is pending.
private func ask(_ enricher: LocalOwnerEnricher, owner: UInt64, isLocal: Bool = true) -> String {
    var batch = EndpointBatch(columns: [.ownerName, .ownerType, LocalOwnerEnricher.systemdUnit])
    batch.append(IPAddress(ipv4: 0x0a00_0001), owner: owner, isLocal: isLocal)
    enricher.enrich(&batch)
    return batch.cells.map { $0.text ?? ($0.isPending ? "?" : "-") }.joined(separator: " ")
}

private func make(_ folder: String) -> Bool { unsafe mkdir(folder, 0o755) == 0 }
@discardableResult private func remove(_ folder: String) -> Bool { unsafe rmdir(folder) == 0 }

private func cgroupRoot() -> String? {
    ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].first { (try? FileTree.read($0 + "/cgroup.procs", limit: 1)) != nil }
}

@Suite("local_owner: what users write")
struct LocalOwnerOptionsTests {
    @Test("the sample decodes to exactly the defaults")
    func sample() {
        #expect(LocalOwnerOptions.reading(LocalOwnerPlugin.sample) == (LocalOwnerOptions(), []))
    }

    @Test("a root that is no absolute path is refused")
    func relative() { #expect(LocalOwnerOptions.reading("cgroup_root: sys").problems == ["weir.yaml:1:14: 'sys' is not a path that begins with /"]) }
}

@Suite("local_owner: the local end by the cgroup of its socket", .serialized)
struct LocalOwnerEnricherTests {
    @Test("a local address without an owner is the host, a stranger nobody")
    func host() {
        let enricher = LocalOwnerEnricher(LocalOwnerOptions(), context())
        #expect(ask(enricher, owner: 0) == "vm-1 host -")
        #expect(ask(enricher, owner: 0, isLocal: false) == "- - -")
    }

    @Test("an unknown cgroup is pending until it is scanned for")
    func pending() {
        let enricher = LocalOwnerEnricher(LocalOwnerOptions(), context())
        #expect(ask(enricher, owner: 12345) == "? ? ?")
        #expect(ask(enricher, owner: 12345) == "? ? ?")
    }

    @Test("it keeps what every enricher promises")
    func contract() {
        let enricher = LocalOwnerEnricher(LocalOwnerOptions(), context())
        let endpoints: [Questions.Endpoint] = [.init("10.0.0.1", owner: 7), .init("10.0.0.2", isLocal: true), .init("10.0.0.3")]
        #expect(Questions.brokenPromises(of: enricher, with: endpoints) == [])
    }

    @Test("it asks for the owner in the key")
    func needs() {
        let enricher = LocalOwnerEnricher(LocalOwnerOptions(), context())
        #expect(enricher.needs(for: [.ownerName]) == .owner)
        #expect(enricher.needs(for: []) == [])
        #expect(enricher.writes.map(\.name).sorted() == ["container.id", "k8s.pod.uid", "owner.name", "owner.type", "systemd.unit"])
    }

    @Test("a root that is not there is a sentence")
    func noRoot() async {
        var options = LocalOwnerOptions()
        options.cgroupRoot = "/nonexistent"
        let enricher = LocalOwnerEnricher(options, context())
        let error = await #expect(throws: (any Error).self) { try await enricher.run() }
        #expect(error.map { "could not \($0)" } == "could not look at /nonexistent: No such file or directory")
    }

    @Test("a folder tree answers by inode: new folders are found when asked for, removed ones are remembered, others absent", .timeLimit(.minutes(1)))
    func plainFolders() async throws {
        // Any folder will do: what counts is names and inodes.
        try await follow(root: "/tmp/weir-local-owner-\(getpid())", makeRoot: true)
    }

    @Test("the real cgroup tree answers", .enabled(if: getuid() == 0 && cgroupRoot() != nil), .timeLimit(.minutes(1)))
    func cgroups() async throws {
        let root = try #require(cgroupRoot())
        try await follow(root: root, makeRoot: false)
    }

    @Test("a tree of more folders than the limit, or with one that cannot be read, is not seen whole")
    func partial() throws {
        let root = "/tmp/weir-local-owner-deep-\(getpid())"
        try #require(make(root))
        defer {
            // The command lives as long as the call.
            _ = unsafe system("rm -rf '\(root)'")
        }
        for name in ["a", "b", "c"] { try #require(make("\(root)/\(name)")) }
        #expect(try CgroupTree(at: root).scan().isWhole)
        #expect(try CgroupTree(at: root).scan().paths.count == 4)
        #expect(try !CgroupTree(at: root, limit: 3).scan().isWhole)

        // A path of more than 4096 bytes cannot be opened, not even by root.
        let name = String(repeating: "x", count: 250)
        var folder = unsafe open(root, O_DIRECTORY)
        for _ in 0..<17 {
            // The name lives as long as the call.
            try #require(unsafe mkdirat(folder, name, 0o755) == 0)
            let next = unsafe openat(folder, name, O_DIRECTORY)
            close(folder)
            folder = next
        }
        close(folder)
        #expect(try !CgroupTree(at: root).scan().isWhole)
    }

    private func follow(root: String, makeRoot: Bool) async throws {
        let top = "\(root)/weirtest\(getpid()).slice"
        let unit = "\(top)/early.service"
        let late = "\(top)/late\\x2dcomer.service"
        if makeRoot { try #require(make(root)) }
        try #require(make(top))
        defer { for path in [late, unit, top] + (makeRoot ? [root] : []) { remove(path) } }
        try #require(make(unit))

        let invalidated = Mutex<Set<EndpointSelection>>([])
        var options = LocalOwnerOptions()
        options.cgroupRoot = root
        let enricher = LocalOwnerEnricher(options, context { which in _ = invalidated.withLock { $0.insert(which) } })
        let id = try FileTree.inode(of: unit)
        #expect(ask(enricher, owner: id) == "? ? ?")
        // A run that was cancelled leaves an enricher that can run again.
        let first = Task { try await enricher.run() }
        first.cancel()
        _ = await first.result
        let running = Task { try await enricher.run() }
        defer { running.cancel() }
        func answered(_ id: UInt64) async throws {
            while !invalidated.withLock({ $0.contains(.owner(id)) }) { try await Task.sleep(for: .milliseconds(10)) }
        }
        try await answered(id)
        #expect(ask(enricher, owner: id) == "early systemd_service early.service")
        #expect(ask(enricher, owner: try FileTree.inode(of: root)) == "vm-1 host -")

        try #require(make(late))
        let lateID = try FileTree.inode(of: late)
        #expect(ask(enricher, owner: lateID) == "? ? ?")
        try await answered(lateID)
        #expect(ask(enricher, owner: lateID) == #"late-comer systemd_service late\x2dcomer.service"#)

        try #require(remove(late))
        #expect(ask(enricher, owner: .max) == "? ? ?")
        try await answered(.max)
        #expect(ask(enricher, owner: .max) == "- - -")
        #expect(ask(enricher, owner: lateID) == #"late-comer systemd_service late\x2dcomer.service"#)
    }
}
