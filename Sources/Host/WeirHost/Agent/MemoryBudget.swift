// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirCapture

/// How much kernel memory the maps may take. The kernel charges maps to the process's cgroup, so a map that is too big gets the
/// agent killed, not just refused.
package struct MemoryBudget: Sendable {
    /// Of the machine's memory: the agent is a guest there.
    static let shareOfMachine = 64
    /// Of a limit that was set for the agent: that is for nobody else, and the rest of it is for the agent's own tables.
    static let shareOfLimit = 4

    package let bytes: Int

    /// `limit` is the least of the cgroups above this process; nil when there is none.
    package init(machine: Int, limit: Int?) {
        let share = machine == .max ? .max : machine / Self.shareOfMachine
        bytes = min(share, limit.map { $0 / Self.shareOfLimit } ?? .max)
    }

    /// Of this machine: its memory, and the limit of a cgroup above this process.
    static var here: MemoryBudget {
        var machine = Int.max
        for line in text("/proc/meminfo").split(separator: "\n") where line.hasPrefix("MemTotal:") {
            if let kilobytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) { machine = kilobytes * 1024 }
        }
        var limit: Int?
        // `0::/system.slice/weir.service`: cgroup v2 has this one line.
        if let line = text("/proc/self/cgroup").split(separator: "\n").first(where: { $0.hasPrefix("0::/") }) {
            var path = "/sys/fs/cgroup" + line.dropFirst(3)
            while path.hasPrefix("/sys/fs/cgroup/") {
                if let maximum = text(FilePath.join(path, "memory.max")).split(separator: "\n").first.flatMap({ Int($0) }) {
                    limit = min(limit ?? .max, maximum)
                }
                path = FilePath.folder(of: path)
            }
        }
        return MemoryBudget(machine: machine, limit: limit)
    }

    /// `plan` with as many flows as fit; what the user wrote is the upper bound.
    func fitting(_ plan: CapturePlan) -> CapturePlan {
        let shape = MapShape(plan)
        guard shape.memoryBytes > bytes else { return plan }
        var plan = plan
        plan.maxFlows = min(plan.maxFlows, shape.flows(in: bytes))
        return plan
    }

    private static func text(_ path: String) -> String {
        ((try? SystemFile.read(path, limit: 1 << 20)).map { String(decoding: $0, as: UTF8.self) }) ?? ""
    }
}
