// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirCapture

/// How much kernel memory the maps may take: a 64th of what this process may use. The kernel charges maps to the
/// process's cgroup, so a map that is too big gets the agent killed, not just refused.
struct MemoryBudget: Sendable {
    static let share = 64

    let bytes: Int

    /// Of this machine: its memory, or the limit of a cgroup above this process where that is less.
    static var here: MemoryBudget {
        var limit = Int.max
        for line in text("/proc/meminfo").split(separator: "\n") where line.hasPrefix("MemTotal:") {
            if let kilobytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) { limit = kilobytes * 1024 }
        }
        // `0::/system.slice/weir.service`: cgroup v2 has this one line.
        if let line = text("/proc/self/cgroup").split(separator: "\n").first(where: { $0.hasPrefix("0::/") }) {
            var path = "/sys/fs/cgroup" + line.dropFirst(3)
            while path.hasPrefix("/sys/fs/cgroup/") {
                if let maximum = text(FilePath.join(path, "memory.max")).split(separator: "\n").first.flatMap({ Int($0) }) {
                    limit = min(limit, maximum)
                }
                path = FilePath.folder(of: path)
            }
        }
        return MemoryBudget(bytes: limit == .max ? .max : limit / share)
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
