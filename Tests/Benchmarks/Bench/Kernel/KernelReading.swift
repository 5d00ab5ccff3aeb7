// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// A line of kernel.sh: what one program did during one piece of traffic.
///
///     tcx|1 k flows, frames|0|default|weir_uplink_eth|38250155|348320
struct KernelReading {
    /// Several programs got the same packets at the same time: what is compared with each other.
    struct Occasion: Hashable {
        var source: String
        var workload: String
        var isIngress: Bool

        var name: String { "\(workload) · \(source) \(isIngress ? "in" : "out")" }
    }

    var occasion: Occasion
    var run: Int
    /// A plan of the agent, or a variant of the floor.
    var candidate: String
    var nanosecondsPerPacket: Double

    init(_ line: String) throws {
        let words = line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        guard words.count == 7, let run = Int(words[2]), let time = Double(words[5]), let packets = Double(words[6]), packets > 0 else {
            throw Script.Failed("kernel.sh", "expected SOURCE|WORKLOAD|RUN|CANDIDATE|PROGRAM|NANOSECONDS|PACKETS, found '\(line)'")
        }
        let isEgress = words[4].hasSuffix("_out") || words[4].contains("_out_")
        occasion = Occasion(source: words[0], workload: words[1], isIngress: !isEgress)
        self.run = run
        candidate = words[3]
        nanosecondsPerPacket = time / packets
    }
}
