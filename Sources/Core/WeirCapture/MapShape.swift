// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CWeirCapture

/// The kernel maps that a plan leads to; known without loading anything.
public struct MapShape: Sendable, Equatable {
    public let keySize: Int
    public let valueSize: Int
    /// One value per CPU: where the key has no ports there are few, hot flows, and a shared cache line would bounce.
    public let isPerCPU: Bool
    public let maxFlows: Int
    public let ringBytes: Int
    /// Whether fragments take the ports of the first of their datagram: devices see fragments, sockets see datagrams.
    public let joinsFragments: Bool
    /// CPUs that a per-CPU value has a place for.
    public let possibleCPUs: Int

    /// What `plan` leads to on a machine with `possibleCPUs` (this one, unless told otherwise), with the source that was
    /// chosen for it: devices know no owners and sockets no interfaces, so neither has a place in the other's key.
    /// Without a choice the larger one.
    public init(_ plan: CapturePlan, source: CaptureSource? = nil, possibleCPUs: Int? = nil) {
        let source = source ?? plan.source
        let hasOwner = plan.owner && !source.isAtDevices
        let hasInterface = plan.interface && source != .cgroup
        keySize = Int((hasOwner ? FLOW_KEY_OWNER : hasInterface ? FLOW_KEY_INTERFACE : plan.needsPorts ? FLOW_KEY_PORTS : FLOW_KEY_HOSTS).rawValue)
        valueSize = Int((plan.needsHandshakes ? FLOW_VALUE_INITIATOR : FLOW_VALUE_PLAIN).rawValue)
        isPerCPU = !plan.needsPorts
        maxFlows = plan.maxFlows
        ringBytes = plan.ringBytes
        joinsFragments = plan.needsPorts && source != .cgroup
        self.possibleCPUs = possibleCPUs ?? max(1, Int(capture_possible_cpus()))
    }

    /// That of maps which are there already.
    init(_ layout: capture_layout) {
        keySize = Int(layout.key_size)
        valueSize = Int(layout.value_size)
        isPerCPU = layout.per_cpu != 0
        maxFlows = Int(layout.max_flows)
        ringBytes = Int(layout.ring_bytes)
        joinsFragments = layout.config.join_fragments != 0
        possibleCPUs = Int(layout.cpus)
    }

    /// One entry of one map, without its bucket: the kernel's own 48 bytes, key and value to whole words, and where the
    /// values are per CPU a pointer to them.
    public var entryBytes: Int {
        let value = Self.words(valueSize)
        return Self.entryHead + Self.words(keySize) + (isPerCPU ? 8 + value * possibleCPUs : value)
    }

    /// The buckets of one map: 16 bytes for each, a power of two of them.
    public var bucketBytes: Int { Self.bucket * Self.powerOfTwo(maxFlows) }

    /// What the kernel charges for both generations and the ring.
    public var memoryBytes: Int { 2 * (maxFlows * entryBytes + bucketBytes) + ringBytes }

    /// How `memoryBytes` comes about.
    public var formula: String {
        let value = isPerCPU ? "8 + value \(Self.words(valueSize)) × \(possibleCPUs) possible CPUs" : "value \(Self.words(valueSize))"
        return "2 generations × (\(maxFlows) flows × (\(Self.entryHead) + key \(Self.words(keySize)) + \(value))"
            + " + \(Self.powerOfTwo(maxFlows)) buckets × \(Self.bucket)) + ring \(ringBytes)"
    }

    /// How many flows fit into `bytes`, whatever the number of buckets; at least 1024.
    public func flows(in bytes: Int) -> Int {
        // Fewer than two buckets to a flow.
        max(1024, (bytes - ringBytes) / (2 * (entryBytes + 2 * Self.bucket)))
    }

    /// What else the kernel charges: the books of every CPU, the hash buckets of the watched devices and the datagrams in
    /// fragments where there are any, shared pages. (Compared with `memlock` on Linux 6.18: less than 2 KiB apart.) Beside `memoryBytes` it hardly shows, but where `max_flows` is small.
    public func otherBytes(_ source: CaptureSource) -> Int {
        bookBytes * possibleCPUs + watchedBytes(source) + datagramBytes + sharedBytes
    }

    /// `otherBytes`, spelled out.
    public func otherFormula(_ source: CaptureSource) -> String {
        "books \(bookBytes) × \(possibleCPUs) possible CPUs + watched devices and tunnels \(watchedBytes(source))"
            + " + datagrams in fragments \(datagramBytes) + shared pages \(sharedBytes)"
    }

    private var bookBytes: Int { 2 * MemoryLayout<flow_book>.size }
    private func watchedBytes(_ source: CaptureSource) -> Int { source == .cgroup ? 0 : Int(FLOW_WATCHED + FLOW_TUNNEL_ENDS) * Self.bucket }
    private var datagramBytes: Int {
        guard joinsFragments else { return 0 }
        let entry = Self.entryHead + MemoryLayout<flow_datagram>.size + MemoryLayout<flow_first_fragment>.size
        return Int(FLOW_DATAGRAMS) * (entry + Self.bucket)
    }
    private var sharedBytes: Int { 2 * 8192 }

    /// New flows in one generation that make user space drain before the window ends: the last eighth is for those that
    /// come until it has (33 ms at 500,000 new flows a second with the default map; a drain begins within some 11 ms).
    public var wakeInserts: Int { max(1, maxFlows / 8 * 7) }

    /// `struct htab_elem` and `struct bucket` of the kernel on 64-bit machines.
    private static let entryHead = 48
    private static let bucket = 16

    private static func words(_ bytes: Int) -> Int { (bytes + 7) / 8 * 8 }

    private static func powerOfTwo(_ number: Int) -> Int {
        var power = 1
        while power < number { power *= 2 }
        return power
    }
}

extension CapturePlan {
    /// The initiator and the real ends are properties of a connection, and ports tell connections apart.
    package var needsPorts: Bool { ports || initiator || translates }
    /// Who opened a connection; and that a tuple which was known is another connection now.
    package var needsHandshakes: Bool { initiator || translates }
    package var needsTransport: Bool { transport || needsPorts }
}
