// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CWeirCapture
import Netlink
import Testing
import WeirCapture
import WeirKit

/// What user space makes of rows: no kernel needed.
@Suite
struct RowReaderTests {
    static let remote = IPAddress("203.0.113.9")!
    static let local = IPAddress("10.0.0.1")!
    static let group = IPAddress("224.0.0.251")!

    static func row(
        _ hook: flow_hook, _ source: IPAddress, _ destination: IPAddress, ports: (UInt16, UInt16) = (1000, 80), bytes: UInt64 = 100,
        cgroup: UInt64 = 0, receiver: UInt16 = 0, flags: UInt32 = 0, protocol transport: UInt8 = 6
    ) -> capture_row {
        capture_row(
            src_high: source.high, src_low: source.low, dst_high: destination.high, dst_low: destination.low, cgroup: cgroup,
            bytes: bytes, packets: 1, ifindex: 0, flags: flags, src_port: ports.0, dst_port: ports.1, receiver: receiver,
            hook: UInt8(hook.rawValue), protocol: transport)
    }

    static func reader(owner: Bool = true) -> RowReader {
        var plan = CapturePlan()
        plan.owner = owner
        plan.initiator = true
        return RowReader(plan, source: .cgroup)
    }

    /// One window through both looks.
    static func window(_ reader: inout RowReader, _ rows: [capture_row]) -> [ReadRow] {
        reader.begin()
        for row in rows { reader.survey(row) }
        if reader.needsSecondSurvey { for row in rows { reader.surveyAgain(row) } }
        return rows.map { reader.read($0) }
    }

    @Test("drains that follow each other quickly do not make a sender a stranger")
    func localityOfEarlyDrains() {
        var reader = Self.reader()
        _ = Self.window(&reader, [Self.row(FLOW_SOCKET_OUT, Self.local, Self.remote)])
        for _ in 0..<10 {
            reader.begin(isSenderTurn: false)
            let late = Self.row(FLOW_SOCKET_IN, Self.local, Self.remote)
            reader.survey(late)
            guard case .notCounted(.local) = reader.read(late) else { Issue.record("counted twice"); return }
        }
    }

    @Test("a sender stays local for two more windows")
    func locality() {
        var reader = Self.reader()
        let out = Self.row(FLOW_SOCKET_OUT, Self.local, Self.remote)
        let back = Self.row(FLOW_SOCKET_IN, Self.local, Self.remote)
        _ = Self.window(&reader, [out])
        for _ in 0..<2 {
            guard case .notCounted(.local) = Self.window(&reader, [back])[0] else { Issue.record("counted twice"); return }
        }
        guard case .flow = Self.window(&reader, [back])[0] else { Issue.record("still local"); return }
    }

    @Test("the receiver's owner is lent to the sender's row, whatever the order")
    func owners() {
        var reader = Self.reader()
        let peer = IPAddress("10.0.0.2")!
        let rows = [
            Self.row(FLOW_SOCKET_OUT, Self.local, peer, cgroup: 11), Self.row(FLOW_SOCKET_IN, Self.local, peer, cgroup: 22),
            Self.row(FLOW_SOCKET_OUT, peer, Self.local, ports: (80, 1000), cgroup: 22),
        ]
        let read = Self.window(&reader, rows)
        guard case .flow(let flow) = read[0] else { Issue.record("not counted"); return }
        #expect((flow.sourceOwner, flow.destinationOwner) == (11, 22))
        #expect(flow.observer == .both)
    }

    @Test("of several receivers one counts: the ordinary one, else the largest")
    func copies() {
        var reader = Self.reader()
        let multicast = [
            Self.row(FLOW_SOCKET_IN, Self.remote, Self.group, bytes: 50, receiver: 1, protocol: 17),
            Self.row(FLOW_SOCKET_IN, Self.remote, Self.group, bytes: 70, receiver: 2, protocol: 17),
            Self.row(FLOW_SOCKET_IN, Self.remote, Self.group, bytes: 60, receiver: 3, protocol: 17),
        ]
        #expect(Self.window(&reader, multicast).map(\.isFlow) == [false, true, false])
        let sniffed = [
            Self.row(FLOW_SOCKET_IN, Self.remote, Self.local, bytes: 90, receiver: 1), Self.row(FLOW_SOCKET_IN, Self.remote, Self.local, bytes: 80),
        ]
        #expect(Self.window(&reader, sniffed).map(\.isFlow) == [false, true])
        #expect(Self.window(&reader, [sniffed[0]]).map(\.isFlow) == [true])
    }

    @Test("a handshake is remembered over windows and seen from either end")
    func initiator() {
        var memory = InitiatorMemory()
        let odd = (UInt16(80), UInt16(40_000))
        #expect(memory.initiator(of: Self.row(FLOW_MADE, Self.local, Self.remote, ports: odd)) == (.destination, .port))
        #expect(memory.initiator(of: Self.row(FLOW_MADE, Self.local, Self.remote, ports: odd, flags: 1)) == (.source, .handshake))
        #expect(memory.initiator(of: Self.row(FLOW_MADE, Self.local, Self.remote, ports: odd)) == (.source, .handshake))
        #expect(memory.initiator(of: Self.row(FLOW_UPLINK_IN, Self.remote, Self.local, ports: (odd.1, odd.0))) == (.destination, .handshake))
        #expect(memory.initiator(of: Self.row(FLOW_MADE, Self.local, Self.remote, ports: (8, 0), protocol: 1)) == (.unknown, .none))
        #expect(memory.initiator(of: Self.row(FLOW_UPLINK_IN, Self.remote, Self.local, ports: (1, 2), flags: 2)) == (.destination, .handshake))
    }

    @Test("memories keep their bounds")
    func bounds() {
        var memory = RecentMemory<Int, Int>(limit: 1000)
        for key in 0..<100_000 {
            memory[key] = key
            _ = memory[0]
        }
        #expect(memory.count <= 1000)
        #expect(memory[0] == 0)
        #expect(memory[99_999] == 99_999)
        #expect(memory[5] == nil)
        var addresses = RecentAddresses(turns: 3, limit: 10)
        for number in 0..<1000 { addresses.note(IPAddress(ipv4: UInt32(number))) }
        #expect((0..<1000).count { addresses.contains(IPAddress(ipv4: UInt32($0))) } == 10)
        // And say what they did not keep.
        // (0 stands in both halves.)
        #expect(Int(memory.dropped) + memory.count == 100_001)
        addresses.note(IPAddress(ipv4: 0))
        #expect(addresses.turnedAway == 990)
        var copies = ReceiverCopies(limit: 1)
        copies.note(Self.row(FLOW_SOCKET_IN, Self.remote, Self.group, receiver: 1))
        copies.note(Self.row(FLOW_SOCKET_IN, Self.local, Self.group, receiver: 1))
        copies.note(Self.row(FLOW_SOCKET_IN, Self.remote, Self.group, receiver: 2))
        #expect(copies.turnedAway == 1)
        #expect(Self.reader().limits.counts.allSatisfy { $0.count == 0 })
    }

    @Test("a container that only receives is on this host, already in the window of its first packet")
    func listener() {
        var reader = Self.reader()
        let peer = IPAddress("10.0.0.2")!
        let rows = [Self.row(FLOW_SOCKET_OUT, Self.local, peer), Self.row(FLOW_SOCKET_IN, Self.local, peer)]
        guard case .flow(let flow) = Self.window(&reader, rows)[0] else { Issue.record("not counted"); return }
        #expect(flow.observer == .both)
    }

    @Test("a container that sends for the first time is on this host for all rows that are read with its own, whatever their order")
    func firstWindow() {
        var reader = RowReader(CapturePlan(), source: .tc)
        let (web, cache) = (IPAddress("10.244.1.5")!, IPAddress("10.244.1.6")!)
        let rows = [
            Self.row(FLOW_PORT_IN, cache, web), Self.row(FLOW_UPLINK_IN, Self.remote, web), Self.row(FLOW_PORT_IN, web, Self.remote),
        ]
        var flows: [CapturedFlow] = []
        var book = KernelBook()
        _ = reader.read(rows, rows.count, into: &flows, &book)
        #expect(flows.map(\.observer) == [.both, .destination, .source])
    }

    @Test("the observer follows from the hook, then from addresses")
    func observer() {
        var addresses = HostAddresses()
        var table = LinkTable()
        table.apply(.address(LinkAddress(link: 2, address: Self.local, prefixLength: 24)))
        addresses.follow(table)
        let container = IPAddress("172.17.0.2")!
        let cases: [(flow_hook, IPAddress, IPAddress, Observer)] = [
            (FLOW_MADE, Self.local, Self.remote, .source), (FLOW_UPLINK_IN, Self.remote, Self.local, .destination),
            (FLOW_UPLINK_IN, Self.remote, container, .transit), (FLOW_PORT_IN, container, Self.remote, .source),
            (FLOW_UPLINK_IN, Self.remote, container, .destination), (FLOW_PORT_IN, container, Self.local, .both),
            (FLOW_THROUGH, container, Self.remote, .source), (FLOW_THROUGH, Self.remote, Self.group, .transit),
            (FLOW_SOCKET_IN, Self.remote, Self.local, .destination), (FLOW_MADE, Self.local, IPAddress("127.0.0.1")!, .both),
        ]
        for (hook, source, destination, expected) in cases {
            let row = Self.row(hook, source, destination)
            addresses.note(row)
            #expect(addresses.observer(of: row) == expected, "\(hook) \(source) \(destination)")
        }
    }
}

extension ReadRow {
    var isFlow: Bool { if case .flow = self { true } else { false } }
}
