// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Nanoseconds per packet and program, by the kernel's own statistics, beside the least that a flow counter can do.
struct KernelSection: Section {
    let name = "kernel"
    let abstract = """
        ns per packet of each eBPF program (bpf_stats), all on the same packets at the same time; \
        × floor is (weir - nop) / (floor - nop), the floor with the same kind of map
        """

    func run(_ setting: Setting, note: (Figure) -> Void) throws {
        var occasions: [KernelReading.Occasion] = []
        var readings: [KernelReading.Occasion: [KernelReading]] = [:]
        try Script.run("kernel.sh", setting, ["\(min(3, setting.runs))"] + (setting.isQuick ? ["quick"] : [])) { line in
            let reading = try KernelReading(line)
            if readings[reading.occasion] == nil { occasions.append(reading.occasion) }
            readings[reading.occasion, default: []].append(reading)
        }
        for occasion in occasions { figures(of: occasion, readings[occasion] ?? []).forEach(note) }
    }

    private func figures(of occasion: KernelReading.Occasion, _ readings: [KernelReading]) -> [Figure] {
        var candidates: [String] = []
        for reading in readings where !candidates.contains(reading.candidate) { candidates.append(reading.candidate) }
        candidates.sort { Self.order($0) < Self.order($1) }
        func samples(_ candidate: String) -> [Int: Double] {
            Dictionary(readings.filter { $0.candidate == candidate }.map { ($0.run, $0.nanosecondsPerPacket) }) { first, _ in first }
        }
        var figures: [Figure] = []
        for candidate in candidates {
            let own = samples(candidate)
            let name = "\(occasion.name) · \(candidate)"
            figures.append(Figure(name, "ns/packet", own.sorted { $0.key < $1.key }.map(\.value)))
            guard Self.isPlan(candidate) else { continue }
            let nop = samples("nop")
            let floor = samples(Self.floor(of: candidate))
            // Within each run, since what else a machine does hits all programs of a run alike.
            let ratios = own.keys.sorted().compactMap { run -> Double? in
                guard let own = own[run], let nop = nop[run], let floor = floor[run], floor > nop else { return nil }
                return (own - nop) / (floor - nop)
            }
            guard !ratios.isEmpty else { continue }
            let target = occasion.workload.hasPrefix("1 k flows") ? Self.targets[candidate] : nil
            figures.append(Figure(name, "× floor", ratios, target: target.map { .atMost($0) }))
        }
        return figures
    }

    private static let targets = ["zones": 1.15, "default": 1.3, "everything": 1.6]

    private static func isPlan(_ candidate: String) -> Bool { candidate != "nop" && !candidate.hasPrefix("floor") }

    /// Without ports in the key the agent's maps are per CPU, with them they are shared.
    private static func floor(of plan: String) -> String { plan.hasPrefix("everything") ? "floor" : "floor-percpu" }

    private static func order(_ candidate: String) -> Int {
        ["nop", "floor", "floor-percpu", "zones", "default", "everything-default-map", "everything", "everything-sampled"]
            .firstIndex(of: candidate) ?? 9
    }
}
