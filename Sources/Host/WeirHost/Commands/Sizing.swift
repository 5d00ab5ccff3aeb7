// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirCapture
internal import WeirKit
internal import WeirPipeline

/// How large the agent can get with this configuration, and which limit to move: the last part of `weir explain`.
/// Everything is computed from limits and shapes; docs/sizing.md says how to read it.
struct Sizing {
    let window: Duration
    let shape: MapShape
    let source: CaptureSource
    let plan: Plan
    /// Whether clients of `weir tap` may come.
    let hasTap: Bool

    /// One line of the sum.
    private struct Line {
        let what: String
        let bytes: Int
        let formula: String
    }

    var lines: [String] {
        var lines = ["Sizing"] + flows.map { "  \($0)" }
        let parts = kernel + plan.memoryBounds().map { Line(what: $0.what, bytes: $0.bytes, formula: $0.formula) } + tap
        let total = parts.reduce(0) { $0 + $1.bytes }
        lines.append("  memory at these limits, at most (beside the program itself and the tables of its stages):")
        let width = String(total).count
        func row(_ line: Line) -> String {
            let digits = String(line.bytes)
            return
                "    \(String(repeating: " ", count: max(0, width - digits.count)))\(digits)  \(line.what)\(line.formula.isEmpty ? "" : ": \(line.formula)")"
        }
        lines += parts.map(row)
        lines.append(row(Line(what: "bytes in all, \(Self.mebibytes(total)) MiB", bytes: total, formula: "")))
        lines.append("  beyond a limit:")
        lines.append(
            "    max_flows: an early drain, then the ring (weir_kernel_counted_bytes_total{where=\"ring\"}), then bytes without a flow: weir_kernel_overflow_bytes_total"
        )
        var said: Set<String> = []
        for bound in plan.memoryBounds() where bound.bytes > 0 {
            if let beyond = bound.beyond, said.insert(beyond).inserted { lines.append("    \(bound.what): \(beyond)") }
        }
        if hasTap { lines.append("    clients of weir tap: a slow one misses records, and nobody else does: weir_tap_lost_total") }
        lines.append("  CPU: depends on the machine, so it is measured and not computed: docs/performance.md has it per million flows")
        return lines
    }

    private var flows: [String] {
        let perSecond = Int(Double(shape.maxFlows) * 1000 / Double(max(1, window.milliseconds)))
        return [
            "flows: \(shape.maxFlows) in a window of \(window.configText), which is \(perSecond) new ones a second; with more than \(shape.wakeInserts) it is drained early",
            "to hold N flows in every window without an early drain: capture.max_flows of N × 8 / 7 at least, or a shorter window",
            "each further 1000 of max_flows: \(1000 * shape.bytesPerFlow) bytes in the kernel",
            "the kernel charges \(shape.memoryBytes + shape.otherBytes(source)) bytes in all, at most",
        ]
    }

    private var kernel: [Line] {
        [
            Line(what: "kernel maps", bytes: shape.memoryBytes, formula: shape.formula),
            Line(
                what: "kernel, beside the maps", bytes: shape.otherBytes(source),
                formula: shape.otherFormula(source)),
        ]
    }

    /// What waits for a client, and what is made into lines for it.
    private var tap: [Line] {
        let (clients, bytes) = (TapServer.maxClients, TapQueue.maxBytes)
        return hasTap
            ? [Line(what: "clients of weir tap while there are any", bytes: clients * 2 * bytes, formula: "\(clients) clients × 2 × \(bytes)")] : []
    }

    /// With one digit behind the point, rounded up.
    private static func mebibytes(_ bytes: Int) -> String {
        let tenths = (bytes * 10 + (1 << 20) - 1) >> 20
        return "\(tenths / 10).\(tenths % 10)"
    }
}

extension MapShape {
    /// What one more flow costs the kernel.
    fileprivate var bytesPerFlow: Int { (memoryBytes - ringBytes) / maxFlows }
}
