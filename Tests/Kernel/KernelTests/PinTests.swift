// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CKernelTests
import Glibc
import Testing
import WeirCapture
import WeirKit

/// A BPF file system for one test.
struct BPFFiles: ~Copyable {
    let path = "/tmp/weir-t-bpf-\(getpid())"

    init() throws {
        let (status, output) = shell("mkdir -p \(path) && mount -t bpf -o mode=0700 weir-t \(path)")
        try #require(status == 0, "\(output)")
    }

    deinit { shell("umount -l \(path); rmdir \(path)") }

    /// What `capture.pin` says.
    var pin: String { "\(path)/weir" }
    /// The sets in there.
    var sets: String { shell("ls \(pin)").output.split(separator: "\n").joined(separator: " ") }
}

extension KernelTests {
    @Suite(.serialized)
    struct Pin {
        /// 50 flows of 3 packets with 128 bytes each are counted, then the capture ends as a killed process would: undrained, its links gone,
        /// its filters not.
        static func leave(_ plan: CapturePlan, _ wire: borrowing Wire) throws {
            let station = try Traffic.station(wire.right)
            try wire.right.run {
                let capture = try Capture.start(plan, log: quiet)
                _ = try wire.left.exec("\(generator) raw w0 \(station) 10.9.0.2 50 3 100 0 0")
                usleep(50_000)
                _ = capture.choice
            }
        }

        static let counted = Amount(bytes: 50 * 3 * 128, packets: 150)

        static func plan(_ source: CaptureSource, _ flavor: DeviceFlavor, _ pin: String) -> CapturePlan {
            var plan = source == .cgroup ? Sockets.plan() : Traffic.plan(flavor)
            plan.pin = pin
            return plan
        }

        static func isSent(_ flow: CapturedFlow) -> Bool { flow.source.masked(to: 112) == address("10.100.0.0") }

        /// The next capture's first drain, and no more than it.
        static func takeOver(_ plan: CapturePlan, _ wire: borrowing Wire) throws -> Tally {
            try wire.right.run {
                var capture = try Capture.start(plan, log: quiet)
                var tally = Tally()
                try tally.drain(&capture, keep: true)
                let first = tally.book.takeover
                try tally.drain(&capture, keep: true)
                #expect(tally.book.takeover == first, "a second drain takes nothing over")
                capture.detach()
                capture.unpin()
                return tally
            }
        }

        @Test(
            "what was counted and not drained is the next one's, with balanced books",
            arguments: [(CaptureSource.tc, DeviceFlavor.tcx), (.tc, .clsact), (.cgroup, .auto)])
        func samePlan(source: CaptureSource, flavor: DeviceFlavor) throws {
            let files = try BPFFiles()
            let wire = try Wire()
            _ = try wire.right.exec("\(generator) hold 10.9.0.2 >/dev/null 2>&1 & sleep 0.2")
            let plan = Self.plan(source, flavor, files.pin)
            try Self.leave(plan, wire)
            #expect(files.sets == "1")
            let tally = try Self.takeOver(plan, wire)
            #expect(tally.amount(where: Self.isSent) == Self.counted)
            #expect(tally.rows.count(where: Self.isSent) == 50)
            #expect(tally.book.takeover.adopted.packets >= Self.counted.packets)
            #expect(tally.book.takeover.gone == Amount())
            #expect(files.sets == "")
        }

        @Test("another plan, and another source, read what is there")
        func otherPlan() throws {
            let files = try BPFFiles()
            let wire = try Wire()
            // Values per CPU and keys without ports, then full ones.
            var hosts = Self.plan(.tc, .tcx, files.pin)
            hosts.ports = false
            try Self.leave(hosts, wire)
            var initiators = Self.plan(.tc, .tcx, files.pin)
            initiators.initiator = true
            initiators.interface = true
            let wider = try Self.takeOver(initiators, wire)
            #expect(wider.amount(where: Self.isSent) == Self.counted)
            #expect(wider.rows.filter(Self.isSent).allSatisfy { $0.destinationPort == 0 && $0.interfaceIndex == 0 })

            try Self.leave(initiators, wire)
            let sockets = try Self.takeOver(Self.plan(.cgroup, .auto, files.pin), wire)
            #expect(sockets.amount(where: Self.isSent) == Self.counted)
            #expect(sockets.rows.count { Self.isSent($0) && $0.destinationPort == 9999 } == 50)
        }

        @Test("containers that the next one has not heard of are known before the rows of their peers are read")
        func containers() throws {
            let files = try BPFFiles()
            let hosts = try ContainerHost()
            let station = try hosts.host.exec("cat /sys/class/net/u0/address").split(separator: "\n").first.map(String.init) ?? ""
            let plan = Self.plan(.tc, .tcx, files.pin)
            try hosts.host.run {
                do {
                    let capture = try Capture.start(plan, log: quiet)
                    _ = try hosts.other.exec("\(generator) raw w0 \(station) 10.8.0.2 50 3 100 0 0")
                    // One row of its own among 50 of others.
                    _ = try hosts.container.exec("ping -q -c 1 -w 5 10.8.0.1")
                    usleep(50_000)
                    _ = capture.choice
                }
                var capture = try Capture.start(plan, log: quiet)
                var tally = Tally()
                try tally.drain(&capture, keep: true)
                capture.detach()
                capture.unpin()
                let rows = tally.rows.filter(Self.isSent)
                #expect(rows.count == 50)
                #expect(rows.allSatisfy { $0.observer == .destination })
            }
        }

        @Test("filters of clsact that were left are gone before their maps are drained, whatever comes next")
        func leftFilters() throws {
            let files = try BPFFiles()
            let wire = try Wire()
            try Self.leave(Self.plan(.tc, .clsact, files.pin), wire)
            #expect(try wire.right.exec("tc filter show dev w0 ingress").contains("weir_"))
            // Nobody's program by now, and still counting.
            let station = try Traffic.station(wire.right)
            _ = try wire.left.exec("\(generator) raw w0 \(station) 10.9.0.2 50 3 100 0 0")
            let tally = try Self.takeOver(Self.plan(.cgroup, .auto, files.pin), wire)
            #expect(tally.amount(where: Self.isSent) == Self.counted + Self.counted)
            #expect(try !wire.right.exec("tc qdisc show dev w0").contains("clsact"))
        }

        @Test("maps that sockets left are no reason to touch the filters of another agent")
        func livingFilters() throws {
            let files = try BPFFiles()
            let wire = try Wire()
            let plan = Self.plan(.cgroup, .auto, files.pin)
            _ = try wire.right.exec("\(generator) hold 10.9.0.2 >/dev/null 2>&1 & sleep 0.2")
            try Self.leave(plan, wire)
            var living = try wire.right.run { try Capture.start(Traffic.plan(.clsact), log: quiet) }
            let tally = try Self.takeOver(plan, wire)
            #expect(tally.amount(where: Self.isSent) == Self.counted)
            #expect(try wire.right.exec("tc filter show dev w0 ingress").contains("weir_"))
            try wire.right.run { living.detach() }
        }

        @Test("what cannot be read is removed and counted, and the next one counts as ever", arguments: ["magic", "abi", "record", "map"])
        func foreign(_ damage: String) throws {
            let files = try BPFFiles()
            let wire = try Wire()
            let plan = Self.plan(.tc, .tcx, files.pin)
            try Self.leave(plan, wire)
            switch damage {
            case "magic": #expect(unsafe test_spoil_map("\(files.pin)/1/layout", 0) == 0)
            case "abi": #expect(unsafe test_spoil_map("\(files.pin)/1/layout", 16) == 0)
            case "record": shell("rm \(files.pin)/1/layout")
            default: shell("rm \(files.pin)/1/flows1")
            }
            let tally = try Self.takeOver(plan, wire)
            #expect(tally.book.takeover.foreignLayouts == 1)
            #expect(tally.book.takeover.adopted == Amount())
            #expect(tally.amount(where: Self.isSent) == Amount())
            #expect(files.sets == "")
        }

        @Test("what the one before had taken out is gone, said so, and in no balance")
        func gone() throws {
            let files = try BPFFiles()
            let wire = try Wire()
            let plan = Self.plan(.tc, .tcx, files.pin)
            try Self.leave(plan, wire)
            #expect(unsafe test_empty_map("\(files.pin)/1/flows0") >= 50)
            let tally = try Self.takeOver(plan, wire)
            #expect(tally.book.takeover.gone.packets >= Self.counted.packets)
            #expect(tally.amount(where: Self.isSent) == Amount())
        }

        @Test("processes that end one after another leave at most four sets to be read")
        func manyLives() throws {
            let files = try BPFFiles()
            let wire = try Wire()
            let plan = Self.plan(.tc, .tcx, files.pin)
            for _ in 1...6 { try Self.leave(plan, wire) }
            #expect(files.sets == "2 3 4 5 6")
            let tally = try Self.takeOver(plan, wire)
            #expect(tally.book.takeover.abandonedSets == 1)
            #expect(tally.amount(where: Self.isSent) == Amount(bytes: 4 * Self.counted.bytes, packets: 4 * Self.counted.packets))
            #expect(files.sets == "")
        }

        @Test("a capture that cannot attach leaves no maps")
        func refused() throws {
            let files = try BPFFiles()
            let host = try Namespace("refused")
            _ = try host.exec("ip link add t0 type veth peer name t1; ip link set t0 up; ip link set t1 up; tc qdisc add dev t0 clsact")
            // Another kind of filter at every priority where ours could stand.
            for priority in 1...8 {
                for way in ["ingress", "egress"] {
                    _ = try host.exec("tc filter add dev t0 \(way) prio \(priority) protocol ip u32 match ip src 192.0.2.1 flowid 1:1")
                }
            }
            var plan = Self.plan(.tc, .clsact, files.pin)
            plan.interfaces = InterfaceFilter(include: [.exact("t0")])
            _ = try host.run { #expect(throws: CaptureError.self) { _ = try Capture.start(plan, log: quiet) } }
            #expect(files.sets == "")
        }

        @Test("a folder has one holder, and is free when that one ends or unpins")
        func oneHolder() throws {
            let files = try BPFFiles()
            let wire = try Wire()
            let plan = Self.plan(.tc, .tcx, files.pin)
            try wire.right.run {
                var first = try Capture.start(plan, log: quiet)
                #expect(throws: CaptureError.self) { _ = try Capture.start(plan, log: quiet) }
                first.detach()
                first.unpin()
                #expect(files.sets == "")
                _ = try Capture.start(plan, log: quiet)
                // Half a set, of one that was killed while it pinned or removed, is in nobody's way and does not stay.
                shell("mkdir \(files.pin)/making; mv \(files.pin)/1 \(files.pin)/leaving")
                var third = try Capture.start(plan, log: quiet)
                #expect(files.sets == "1")
                third.unpin()
                #expect(files.sets == "")
            }
        }

        @Test("another plan in place has a set of its own; the old one goes with its maps")
        func replaced() throws {
            let files = try BPFFiles()
            let wire = try Wire()
            var plan = Self.plan(.tc, .tcx, files.pin)
            try wire.right.run {
                var capture = try Capture.start(plan, log: quiet)
                #expect(files.sets == "1")
                plan.ports = false
                _ = try capture.replace(with: plan) { _ in }
                #expect(files.sets == "2")
                plan.pin = "\(files.path)/elsewhere"
                _ = try capture.replace(with: plan) { _ in }
                #expect(files.sets == "")
                plan.pin = nil
                _ = try capture.replace(with: plan) { _ in }
                #expect(shell("ls \(files.path)/elsewhere").output == "")
            }
        }

        @Test("only a folder of a BPF file system will do, and none that others may write")
        func folders() throws {
            let files = try BPFFiles()
            let wire = try Wire()
            shell("mkdir -m 0777 \(files.path)/open; chmod 0777 \(files.path)/open")
            for path in ["/tmp/weir-t-pin-\(getpid())", "\(files.path)/open", "/nowhere/weir"] {
                let plan = Self.plan(.tc, .tcx, path)
                _ = try wire.right.run { #expect(throws: CaptureError.self) { _ = try Capture.start(plan, log: quiet) } }
            }
            #expect(shell("ls -d /tmp/weir-t-pin-\(getpid())").status != 0)
        }
    }
}
