// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

private import CWeirCapture

/// The kernel maps that a plan leads to; known without loading anything.
public struct MapShape: Sendable, Equatable {
    public let keySize: Int
    public let valueSize: Int
    /// One value per CPU: where the key has no ports there are few, hot flows, and a shared cache line would bounce.
    public let isPerCPU: Bool
    public let maxFlows: Int
    public let ringBytes: Int
    /// CPUs that a per-CPU value has a place for.
    public let possibleCPUs: Int

    /// What `plan` leads to on a machine with `possibleCPUs` (this one, unless told otherwise).
    public init(_ plan: CapturePlan, possibleCPUs: Int? = nil) {
        keySize = Int(
            (plan.interface ? FLOW_KEY_INTERFACE : plan.owner ? FLOW_KEY_OWNER : plan.needsPorts ? FLOW_KEY_PORTS : FLOW_KEY_HOSTS)
                .rawValue)
        valueSize = Int((plan.initiator ? FLOW_VALUE_INITIATOR : FLOW_VALUE_PLAIN).rawValue)
        isPerCPU = !plan.needsPorts
        maxFlows = plan.maxFlows
        ringBytes = plan.ringBytes
        self.possibleCPUs = possibleCPUs ?? max(1, Int(capture_possible_cpus()))
    }

    /// What the kernel charges for both generations and the ring. An entry has 64 bytes of its own (hash element and bucket).
    public var memoryBytes: Int {
        2 * maxFlows * (64 + keySize + valueSize * (isPerCPU ? possibleCPUs : 1)) + ringBytes
    }

    /// What else the kernel charges: the books of every CPU, the hash buckets of the watched devices where there are any,
    /// shared pages. (Compared with `memlock` on Linux 6.18: less than 2 KiB apart.) Beside `memoryBytes` it hardly shows, but where `max_flows` is small.
    public func otherBytes(_ source: CaptureSource) -> Int {
        let books = Int(FLOW_BOOKS.rawValue) * MemoryLayout<flow_book>.size * possibleCPUs
        let buckets = source == .cgroup ? 0 : Int(FLOW_WATCHED) * 16
        return books + buckets + 2 * 8192
    }

    /// New flows in one generation that make user space drain before the window ends.
    public var wakeInserts: Int { max(1, maxFlows / 4 * 3) }
}

extension CapturePlan {
    /// The initiator is a property of a connection, and ports tell connections apart.
    package var needsPorts: Bool { ports || initiator }
    package var needsTransport: Bool { transport || needsPorts }
}
