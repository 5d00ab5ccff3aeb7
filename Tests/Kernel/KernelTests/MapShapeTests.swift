// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing
import WeirCapture

/// The formula that `weir explain` prints, and what the kernel charges.
@Suite("map shapes")
struct MapShapeTests {
    private static func plan(ports: Bool, initiator: Bool = false, owner: Bool = false, interface: Bool = false) -> CapturePlan {
        var plan = CapturePlan()
        (plan.ports, plan.initiator, plan.owner, plan.interface) = (ports, initiator, owner, interface)
        return plan
    }

    @Test("memory follows possible CPUs only where the key has no ports", arguments: [2, 16, 64, 256])
    func formula(cpus: Int) {
        let flows = 131_072
        func bytes(_ plan: CapturePlan, _ source: CaptureSource) -> Int { MapShape(plan, source: source, possibleCPUs: cpus).memoryBytes }
        func map(_ entry: Int) -> Int { 2 * flows * (48 + entry + 16) + 1 << 20 }
        #expect(bytes(Self.plan(ports: false), .tc) == map(40 + 8 + 16 * cpus))
        #expect(bytes(Self.plan(ports: false, owner: true), .cgroup) == map(48 + 8 + 16 * cpus))
        #expect(bytes(Self.plan(ports: true), .tc) == map(40 + 16))
        #expect(bytes(Self.plan(ports: true, initiator: true, owner: true), .cgroup) == map(48 + 24))
        #expect(bytes(Self.plan(ports: true, initiator: true, interface: true), .tc) == map(48 + 24))
    }

    @Test("devices pay for no owner, sockets for no interface, an open choice for the larger")
    func sources() {
        let plan = Self.plan(ports: true, owner: true, interface: true)
        #expect(MapShape(plan, source: .tc).keySize == 44)
        #expect(MapShape(plan, source: .cgroup).keySize == 48)
        #expect(MapShape(plan).keySize == 48)
    }

    @Test("what is said to fit into some memory does", arguments: [10 << 20, 100 << 20, 395 << 20])
    func fits(bytes: Int) {
        for cpus in [2, 64] {
            for plan in [Self.plan(ports: false), Self.plan(ports: true)] {
                var fitting = plan
                fitting.maxFlows = MapShape(plan, possibleCPUs: cpus).flows(in: bytes)
                let shape = MapShape(fitting, possibleCPUs: cpus)
                #expect(shape.memoryBytes <= bytes || fitting.maxFlows == 1024)
            }
        }
    }
}

extension KernelTests {
    @Suite("map memory")
    struct Memory {
        @Test("datagrams in fragments are charged where ports are wanted, as much as is said")
        func datagrams() throws {
            var plan = CapturePlan()
            plan.maxFlows = 98_304
            let said = MapShape(plan, source: .tc).otherBytes(.tc)
            let object = try FlowObject.load(plan, source: .tc)
            let charged = chargedMaps(entries: 4096)
            withExtendedLifetimeOf(object)
            plan.ports = false
            let without = MapShape(plan, source: .tc).otherBytes(.tc)
            // Another map has room for as many.
            #expect(charged.contains { abs($0 - (said - without)) < 2048 }, "charged \(charged), formula \(said - without)")
            #expect(MapShape(CapturePlan(), source: .cgroup).otherBytes(.tc) == without)
        }

        /// Odd numbers of flows, so that the maps are found among this process's descriptors.
        @Test(
            "the kernel charges what the formula says, at most 64 bytes per entry beside its key and values", arguments: [false, true],
            [98_304, 131_072])
        func charged(ports: Bool, flows: Int) throws {
            var plan = CapturePlan()
            plan.ports = ports
            plan.transport = ports
            plan.maxFlows = flows
            let object = try FlowObject.load(plan, source: .tc)
            let maps = chargedMaps(entries: flows)
            withExtendedLifetimeOf(object)
            #expect(maps.count == 2)
            let shape = MapShape(plan, source: .tc)
            let said = (shape.memoryBytes - shape.ringBytes) / 2
            for charged in maps {
                // Spare elements for the CPUs, whole pages.
                #expect(abs(charged - said) < 16_384, "charged \(charged), formula \(said)")
                let values = ports ? 16 : 16 * shape.possibleCPUs
                let beside = charged / flows - (shape.keySize + 7) / 8 * 8 - values
                // A pointer to the values where they are per CPU; up to two buckets where flows are no power of two.
                #expect(beside <= 64 + (ports ? 0 : 8) + (flows == 131_072 ? 0 : 8), "\(beside) bytes beside key and value")
            }
        }
    }
}

/// Keeps the object, and so its descriptors, until here.
private func withExtendedLifetimeOf(_ object: borrowing FlowObject) { #expect(object.ringDescriptor >= 0) }

/// `memlock` of this process's hash maps with room for so many entries.
private func chargedMaps(entries: Int) -> [Int] {
    let text = shell("grep -l '^max_entries:[[:space:]]*\(entries)$' /proc/\(getpid())/fdinfo/* | xargs grep -h -E '^memlock|^map_type'").output
    return text.split(separator: "\n").filter { $0.hasPrefix("memlock:") }.compactMap { Int($0.split(whereSeparator: \.isWhitespace).last ?? "") }
}
