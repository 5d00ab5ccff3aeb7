// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirCapture

/// What the agent takes of a machine: memory, kernel maps included, processor time, time to start and to drain.
struct MemorySection: Section {
    let name = "memory"
    let abstract = """
        bytes charged to the agent's control group, its kernel maps included; 'flows per window' with ports in the key, each flow an \
        entry, and room for all of them; 'computed' is what the kernel's maps take on machines of other sizes
        """

    func run(_ setting: Setting, note: (Figure) -> Void) throws {
        Self.computed.forEach(note)
        let arguments = ["\(min(2, setting.runs))"] + (setting.isQuick ? ["quick"] : [])
        for figure in try Script.figures("memory.sh", setting, arguments, targets: Self.targets) { note(figure) }
    }

    private static let mebibyte = 1_048_576.0

    private static let targets: [String: Figure.Target] = [
        "charged, idle, default configuration": .atMost(60 * mebibyte),
        "charged, 100 k flows per window": .atMost(120 * mebibyte),
        "charged, 1 M flows per window": .atMost(400 * mebibyte),
        "empty a map of 1 M by reading and deleting": .atMost(0.5),
    ]

    /// By the formula that `weir explain` prints and the kernel tests compare with what the kernel charges.
    private static var computed: [Figure] {
        var everything = CapturePlan()
        everything.ports = true
        everything.initiator = true
        everything.interface = true
        var hosts = CapturePlan()
        hosts.ports = false
        hosts.transport = false
        return [("without ports", hosts), ("everything", everything)].flatMap { name, plan in
            [2, 64, 256].map { cpus in
                let shape = MapShape(plan, source: .tc, possibleCPUs: cpus)
                return Figure("computed, \(name), \(cpus) possible CPUs", "bytes", [Double(shape.memoryBytes + shape.otherBytes(.tc))])
            }
        }
    }
}
