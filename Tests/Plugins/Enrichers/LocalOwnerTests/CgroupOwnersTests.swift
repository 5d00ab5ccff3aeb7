// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import LocalOwnerEnricher
import Testing

@Suite("local_owner: what is known of cgroup ids")
struct CgroupOwnersTests {
    private let start = ContinuousClock.now

    /// One scan that finds `paths`; returns what was answered.
    private func scan(_ owners: inout CgroupOwners, _ paths: [UInt64: String], after seconds: Int = 0, isWhole: Bool = true) -> Set<UInt64> {
        let waiting = owners.asked
        let now = start + .seconds(seconds)
        let merged = CgroupOwners.merged(owners.known, with: paths, isWhole: isWhole, at: now)
        return owners.learn(merged, waiting: waiting, isWhole: isWhole, at: now)
    }

    private func name(_ lookup: CgroupOwners.Lookup) -> String {
        switch lookup {
        case .known(let owner): owner?.name ?? "host"
        case .absent: "absent"
        case .pending: "pending"
        }
    }

    @Test("an id is pending until a scan that began after the question tells")
    func pending() {
        var owners = CgroupOwners()
        #expect(name(owners.look(up: 1)) == "pending")
        let waiting = owners.asked
        // Asked while the scan is on its way: it may have passed that folder already.
        #expect(name(owners.look(up: 2)) == "pending")
        let merged = CgroupOwners.merged([:], with: [9: "/"], isWhole: true, at: start)
        let answered = owners.learn(merged, waiting: waiting, isWhole: true, at: start)
        #expect(answered == [1])
        #expect(name(owners.look(up: 1)) == "absent" && name(owners.look(up: 2)) == "pending" && name(owners.look(up: 9)) == "host")
        #expect(scan(&owners, [2: "/b.service"]) == [2])
        #expect(name(owners.look(up: 2)) == "b")
    }

    @Test("a cgroup that is gone is remembered for the grace, then absent for good")
    func grace() {
        var owners = CgroupOwners()
        _ = scan(&owners, [1: "/a.service"])
        _ = scan(&owners, [:], after: 10)
        _ = scan(&owners, [:], after: 130)
        #expect(name(owners.look(up: 1)) == "a")
        _ = scan(&owners, [:], after: 131)
        #expect(name(owners.look(up: 1)) == "pending")
        _ = scan(&owners, [:], after: 132)
        #expect(name(owners.look(up: 1)) == "absent" && owners.asked.isEmpty)
    }

    @Test("what a scan did not find that did not see everything is absent for half a minute, not for ever")
    func doubtful() {
        var owners = CgroupOwners()
        #expect(name(owners.look(up: 1)) == "pending")
        #expect(scan(&owners, [:], isWhole: false) == [1])
        #expect(owners.forgetDoubtful(at: start + .seconds(29)) == [] && name(owners.look(up: 1)) == "absent")
        #expect(owners.forgetDoubtful(at: start + .seconds(30)) == [1])
        #expect(name(owners.look(up: 1)) == "pending")
        #expect(scan(&owners, [1: "/a.service"], after: 31) == [1])
        #expect(name(owners.look(up: 1)) == "a")
    }

    @Test("what was in doubt is answered as soon as any scan finds it")
    func doubtSettled() {
        var owners = CgroupOwners()
        _ = owners.look(up: 1)
        _ = scan(&owners, [:], isWhole: false)
        #expect(scan(&owners, [1: "/a.service"], after: 1) == [1])
        #expect(name(owners.look(up: 1)) == "a" && owners.forgetDoubtful(at: start + .seconds(60)) == [])
    }

    @Test("a scan that did not see everything does not make a cgroup gone")
    func notGone() {
        var owners = CgroupOwners()
        _ = scan(&owners, [1: "/a.service"])
        _ = scan(&owners, [:], after: 10, isWhole: false)
        _ = scan(&owners, [:], after: 500, isWhole: false)
        #expect(name(owners.look(up: 1)) == "a")
    }

    @Test("an inode that now has another path has another owner")
    func reused() {
        var owners = CgroupOwners()
        _ = scan(&owners, [1: "/a.service"])
        _ = scan(&owners, [1: "/b.service"])
        #expect(name(owners.look(up: 1)) == "b")
    }

    @Test("a million ids that do not exist, and cgroups that come and go, leave bounds")
    func bounds() {
        var owners = CgroupOwners()
        for id in 0..<1_000_000 as Range<UInt64> {
            _ = owners.look(up: id)
            if id % 50_000 == 0 { _ = scan(&owners, [:], isWhole: id % 100_000 == 0) }
        }
        #expect(owners.asked.count <= CgroupOwners.maxAsked)
        #expect(owners.forgetDoubtful(at: start + .seconds(60)).count <= CgroupOwners.maxAsked)
        for round in 0..<5 as Range<UInt64> {
            _ = scan(&owners, Dictionary(uniqueKeysWithValues: (0..<60_000).map { (round * 100_000 + $0 + 5_000_000, "/a.service") }))
            #expect(owners.known.count <= CgroupOwners.maxKnown)
        }
    }

    @Test(
        "the mount point is the one of the tree's own root",
        arguments: [
            ("41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n", "/sys/fs/cgroup/unified"),
            ("30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n", "/sys/fs/cgroup"),
            ("1 0 0:1 /docker/x /part rw - cgroup2 cgroup2 rw\n2 0 0:1 / /whole rw - cgroup2 cgroup2 rw\n", "/whole"),
            ("1 0 0:1 /docker/x /part rw - cgroup2 cgroup2 rw\n", "/part"), ("1 0 0:1 / /a\\040b rw - cgroup2 cgroup2 rw\n", "/a b"),
            ("1 0 0:1 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw\n", nil), ("", nil), ("- - - -\n1 2 - cgroup2", nil),
        ] as [(String, String?)])
    func mountPoint(text: String, expected: String?) { #expect(CgroupTree.mountPoint(in: text) == expected) }

    @Test("in a container with a cgroup namespace of its own, the host's tree is the one with the host's inode")
    func hostTree() {
        let mounts = "1 0 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n2 0 0:1 /../../.. /host/cgroup rw - cgroup2 cgroup2 rw\n"
        #expect(CgroupTree.mountPoint(in: mounts) { $0 == "/host/cgroup" } == "/host/cgroup")
        #expect(CgroupTree.mountPoint(in: mounts) == "/sys/fs/cgroup")
    }
}
