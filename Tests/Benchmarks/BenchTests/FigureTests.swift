// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Testing
import weir_bench

@Suite struct FigureTests {
    @Test("the median is the middle, of an even number the mean of both middles, in whatever order the runs came")
    func median() {
        #expect(Figure("a", "ns", [3]).median == 3)
        #expect(Figure("a", "ns", [9, 1, 5]).median == 5)
        #expect(Figure("a", "ns", [10, 1, 2, 4]).median == 3)
        #expect(Figure("a", "ns", [10, 1, 2, 4]).range == 1...10)
    }

    @Test("half of the samples are not above the median, half are not below", arguments: 1...9)
    func halves(_ count: Int) {
        var random = SystemRandomNumberGenerator()
        let samples = (0..<count).map { _ in Double.random(in: -10...10, using: &random) }
        let median = Figure("a", "ns", samples).median
        #expect(samples.count { $0 <= median } * 2 >= count, "\(samples)")
        #expect(samples.count { $0 >= median } * 2 >= count, "\(samples)")
    }

    @Test("a target is met exactly at its limit")
    func targets() {
        #expect(Figure.Target.atMost(1.3).isMet(by: 1.3))
        #expect(!Figure.Target.atMost(1.3).isMet(by: 1.3.nextUp))
        #expect(Figure.Target.atLeast(10e6).isMet(by: 10e6))
        #expect(!Figure.Target.atLeast(10e6).isMet(by: 10e6.nextDown))
    }

    @Test(
        "a number has three significant digits and a letter for thousands",
        arguments: [
            (0, "0"), (7, "7"), (-3, "-3"), (0.97, "0.970"), (0.0351, "0.0351"), (0.000_412, "0.000412"), (1.234, "1.23"), (9.999, "10.0"),
            (12.345, "12.3"), (99.96, "100"), (124, "124"), (123.6, "124"), (5432.1, "5432"), (9999, "9999"), (9999.7, "10.0 k"), (10_000, "10 k"),
            (12_345, "12.3 k"), (999_960, "1.00 M"), (10e6, "10 M"), (12_345_678, "12.3 M"), (2.5e9, "2.50 G"), (-1234.6, "-1235"), (-0.5, "-0.500"),
        ])
    func numbers(_ value: Double, _ text: String) { #expect(Report.number(value) == text) }

    @Test("a number read again is what it was, to half a percent")
    func numbersReadAgain() throws {
        for exponent in -3...12 {
            let value = Double.random(in: 1..<10) * (0..<abs(exponent)).reduce(1) { power, _ in exponent < 0 ? power / 10 : power * 10 }
            let words = Report.number(value).split(separator: " ")
            let scale = try #require(["": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12][words.count == 2 ? String(words[1]) : ""])
            let read = try #require(Double(words[0])) * scale
            #expect(abs(read - value) <= value * 0.005, "\(value) was written as \(words)")
        }
    }

    @Test("what is no number does not end the program")
    func noNumbers() {
        #expect(Report.number(.infinity) == "inf")
        #expect(Report.number(.nan) == "nan")
        #expect(Report.number(1e300).isEmpty == false)
    }

    @Test("a line says the median, the range, and whether the target was met")
    func line() {
        let missed = Report.line(Figure("a thing", "ms", [210, 190, 200], target: .atMost(150), remark: "(here)"))
        #expect(missed.split(separator: " ").joined(separator: " ") == "a thing 200 ms 190 … 210 (3) wanted ≤ 150: MISSED (here)")
        let met = Report.line(Figure("a thing", "flows/s", [12e6], target: .atLeast(10e6)))
        #expect(met.split(separator: " ").joined(separator: " ") == "a thing 12 M flows/s wanted ≥ 10 M: met")
    }

    @Test("the JSON of a report can be read, whatever the texts are")
    func json() throws {
        struct Read: Decodable {
            struct Part: Decodable {
                struct Figure: Decodable {
                    let name: String
                    let median: Double
                    let samples: [Double]
                    let at_most: Double?
                    let met: Bool?
                }
                let section: String
                let skipped: String?
                let figures: [Figure]
            }
            let machine: [String: String]
            let sections: [Part]
        }
        var part = Report.Part(section: "s", abstract: "quote \" and \\ and\ttab")
        part.figures = [Figure("a \"b\" × c", "ns", [1, 3.5], target: .atMost(2)), Figure("d", "ns", [4])]
        part.skipped = "two\nlines"
        var report = Report(machine: [("cpu", "2 × \"x\"")])
        report.parts = [part]
        let read = try JSONDecoder().decode(Read.self, from: Data(report.json.utf8))
        #expect(read.machine == ["cpu": "2 × \"x\""])
        let figures = try #require(read.sections.first?.figures)
        #expect(read.sections.first?.skipped == "two\nlines")
        #expect(figures.map(\.name) == ["a \"b\" × c", "d"])
        #expect(figures[0].median == 2.25 && figures[0].met == false && figures[0].at_most == 2)
        #expect(figures[1].met == nil && figures[1].samples == [4])
    }
}
