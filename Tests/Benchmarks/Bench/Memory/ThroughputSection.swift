// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// How much less gets through when the agent runs. Generator, receiver and agent share the processors, so there is no target.
struct ThroughputSection: Section {
    let name = "throughput"
    let abstract = "what gets through with the agent as a part of what does without it, one right after the other"

    func run(_ setting: Setting, note: (Figure) -> Void) throws {
        // None of its figures has a target.
        if setting.isQuick { return }
        var order: [String] = []
        var readings: [String: (unit: String, without: [Double], with: [Double])] = [:]
        try Script.run("throughput.sh", setting, ["\(min(3, setting.runs))"]) { line in
            let words = line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
            guard words.count == 5, let without = Double(words[3]), let with = Double(words[4]), without > 0 else {
                throw Script.Failed("throughput.sh", "expected TRAFFIC|SOURCE|UNIT|WITHOUT|WITH, found '\(line)'")
            }
            let name = "\(words[0]) · \(words[1])"
            if readings[name] == nil { order.append(name) }
            readings[name, default: (words[2], [], [])].without.append(without)
            readings[name, default: (words[2], [], [])].with.append(with)
        }
        for name in order {
            guard let (unit, without, with) = readings[name] else { continue }
            note(Figure("\(name) · without", unit, without))
            note(Figure("\(name) · with", unit, with))
            note(Figure(name, "× without", zip(with, without).map { $0 / $1 }))
        }
    }
}
