// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Testing
import weir_bench

@Suite struct ThresholdsTests {
    private static let text = """
        # figure   accepted  tolerance  unit
        a.instructions   700   5%  instructions/flow

        b.allocations      0   0%  allocations/batch

        """

    private static func gauge(_ figure: String, _ value: Double, unit: String = "instructions/flow", tolerance: Double = 5) -> Gauge {
        Gauge(figure: figure, value: value, unit: unit, tolerance: tolerance)
    }

    private static func mistakes(_ text: String) -> [Substring] {
        do throws(Unreadable) { _ = try Thresholds(text, file: "limits") } catch { return error.description.split(separator: "\n") }
        return []
    }

    @Test("the limit itself is accepted, one above it is not")
    func limit() throws {
        let thresholds = try Thresholds(Self.text, file: "limits")
        #expect(thresholds["a.instructions"]?.limit == 735)
        #expect(thresholds.complaint(Self.gauge("a.instructions", 735)) == nil)
        #expect(thresholds.complaint(Self.gauge("a.instructions", 12)) == nil, "less is never wrong")
        #expect(
            thresholds.complaint(Self.gauge("a.instructions", 736))
                == "a.instructions: 736 instructions/flow, 5.1 % more than the accepted 700 (tolerance 5 %); "
                + "if this is meant, run 'make bench-record' and commit limits")
        #expect(thresholds.complaint(Self.gauge("b.allocations", 0)) == nil)
        #expect(
            thresholds.complaint(Self.gauge("b.allocations", 1, unit: "allocations/batch"))
                == "b.allocations: 1 allocations/batch, instead of the accepted 0 (tolerance 0 %); "
                + "if this is meant, run 'make bench-record' and commit limits")
    }

    @Test("a figure without a line is not accepted")
    func unknown() throws {
        #expect(
            try Thresholds(Self.text, file: "limits").complaint(Self.gauge("c.new", 1))
                == "c.new: no accepted value in limits; run 'make bench-record' and commit the file")
    }

    @Test("every broken line is named with its place, in one go")
    func brokenLines() {
        let found = Self.mistakes(
            """
            # a comment
            a.instructions 700 5%
            b.instructions many 5% unit
            c.instructions 700 5 unit
            d.instructions -1 5% unit
            e.instructions inf 5% unit
            f.instructions 1 -5% unit
            g.fine 1 5% unit
            g.fine 2 5% unit
            """)
        #expect(
            found.map { $0.split(separator: " ")[0] } == [
                "limits:2:1:", "limits:3:1:", "limits:4:1:", "limits:5:1:", "limits:6:1:", "limits:7:1:", "limits:9:1:",
            ])
        #expect(found.first == "limits:2:1: expected 'figure accepted tolerance% unit', found 'a.instructions 700 5%'")
        #expect(found.last == "limits:9:1: g.fine stands there twice")
    }

    @Test("a file that is not there says how to write it")
    func missingFile() {
        #expect { try Thresholds.read("/nonexistent/limits") } throws: { error in
            "\(error)" == "/nonexistent/limits: could not be read; 'make bench-record' writes it"
        }
    }

    @Test("what is written can be read again and is the same")
    func roundTrip() throws {
        var thresholds = try Thresholds(Self.text, file: "limits")
        thresholds.accept(Self.gauge("c.new", 12.34, tolerance: 0.5))
        #expect(try Thresholds(thresholds.text, file: "limits").lines == thresholds.lines)
    }

    @Test("what was accepted passes at once, and keeps the tolerance that stands in the file")
    func accept() throws {
        var thresholds = try Thresholds(Self.text, file: "limits")
        for value in [0, 0.04, 1, 12.34, 99.99, 724.8, 1e6 + 0.01] {
            for figure in ["a.instructions", "b.allocations", "new.\(value)"] {
                let gauge = Self.gauge(figure, value, tolerance: 0)
                thresholds.accept(gauge)
                #expect(thresholds.complaint(gauge) == nil, "\(value)")
            }
        }
        #expect(thresholds["a.instructions"]?.tolerance == 5)
    }

    @Test("the accepted values in Git can be read")
    func ours() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        #expect(try Thresholds.read(root.path + "/" + Thresholds.path).lines.isEmpty == false)
    }
}

@Suite struct ComparisonTests {
    private static func comparison(records: Bool = false) throws -> Comparison {
        Comparison(try Thresholds("a 10 0% unit\nb 20 0% unit\n", file: "limits"), records: records)
    }

    private static func gauge(_ figure: String, _ value: Double) -> Gauge { Gauge(figure: figure, value: value, unit: "unit", tolerance: 0) }

    @Test("all within their limits: no complaint")
    func fine() throws {
        var comparison = try Self.comparison()
        #expect(comparison.compare(Self.gauge("a", 10)).split(separator: " ") == ["a", "10", "unit", "accepted", "10", "+", "0", "%"])
        _ = comparison.compare(Self.gauge("b", 1))
        #expect(comparison.finish().isEmpty)
        #expect(comparison.complaints.isEmpty)
    }

    @Test("every figure above its limit is a complaint, not only the first")
    func above() throws {
        var comparison = try Self.comparison()
        _ = comparison.compare(Self.gauge("a", 11))
        _ = comparison.compare(Self.gauge("b", 21))
        #expect(comparison.finish().isEmpty)
        #expect(comparison.complaints.map { $0.prefix(2) } == ["a:", "b:"])
    }

    @Test("a line that no gate measures any longer is a complaint; recording takes it out")
    func stale() throws {
        var comparison = try Self.comparison()
        _ = comparison.compare(Self.gauge("a", 10))
        #expect(comparison.finish().isEmpty)
        #expect(
            comparison.complaints == ["limits: no gate measures b any longer; run 'make bench-record', which takes the line out, and commit limits"])

        var recording = try Self.comparison(records: true)
        _ = recording.compare(Self.gauge("a", 12))
        #expect(recording.finish() == ["b: taken out, no gate measures it any longer"])
        #expect(recording.complaints.isEmpty)
        #expect(recording.thresholds.lines.map(\.figure) == ["a"])
        #expect(recording.thresholds["a"]?.accepted == 12)
    }

    @Test("a skipped gate fails unless that is allowed, and its lines are not taken for stale", arguments: [false, true])
    func skipped(_ isAllowed: Bool) throws {
        var comparison = try Self.comparison()
        _ = comparison.compare(Self.gauge("a", 10))
        #expect(comparison.skip("kernel", "not root", isAllowed: isAllowed) == "kernel: skipped: not root")
        #expect(comparison.finish().isEmpty)
        #expect(comparison.complaints == (isAllowed ? [] : ["kernel: not measured: not root"]))

        var recording = try Self.comparison(records: true)
        _ = recording.skip("kernel", "not root", isAllowed: isAllowed)
        #expect(recording.finish().isEmpty)
        #expect(recording.thresholds.lines.count == 2)
    }
}
