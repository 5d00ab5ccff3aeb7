// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirTesting

/// One size at 1×, 10× and 100×, the others as they are, so that a step shows that grows faster than its input.
struct Sweep {
    /// What is varied.
    let what: String
    let field: WritableKeyPath<TrafficSizes, Int>
    /// 1×.
    let least: Int
    /// Whether it is the first window that could suffer: when endpoints are named.
    let learnsEndpoints: Bool

    static var all: [Sweep] {
        [
            Sweep(what: "flows", field: \.flows, least: 10_000, learnsEndpoints: false),
            Sweep(what: "endpoints", field: \.endpoints, least: 1000, learnsEndpoints: true),
            Sweep(what: "series", field: \.series, least: 1000, learnsEndpoints: false),
            Sweep(what: "prefixes", field: \.prefixes, least: 1000, learnsEndpoints: true),
        ]
    }

    /// What is not varied.
    static let others = TrafficSizes(flows: 100_000, endpoints: 1000, series: 1000, prefixes: 1000)

    func run(_ setting: Setting, _ note: (Figure) -> Void) {
        var flowCosts: [Double] = []
        var endpointCosts: [Double] = []
        for factor in [1, 10, 100] {
            var sizes = Self.others
            sizes[keyPath: field] = least * factor
            var run = PipelineRun(Traffic(sizes))
            let first = CPUTime.spent { run.window() }
            let name = "\(Report.number(Double(least * factor))) \(what)"
            let times = setting.times { run.window() }.perFlow(sizes)
            let endpoints = run.endpoints
            let met = "\(endpoints) endpoints and \(run.fixture.metric("weir_series")) series were met"
            let steady = Figure("\(name) · every window", "ns/flow", times, remark: met)
            note(steady)
            flowCosts.append(steady.median)
            guard learnsEndpoints else { continue }
            // What the first window takes more than a later one, per endpoint that it met.
            let learning = first * 1e9 - steady.median * Double(sizes.flows)
            let perEndpoint = learning / Double(endpoints)
            note(Figure("\(name) · first window, beyond that", "ns/endpoint", [perEndpoint]))
            endpointCosts.append(perEndpoint)
        }
        note(Self.ratio("100 × / 1 × \(what), per flow", flowCosts))
        if learnsEndpoints { note(Self.ratio("100 × / 1 × \(what), per new endpoint", endpointCosts)) }
    }

    private static func ratio(_ name: String, _ costs: [Double]) -> Figure {
        Figure(name, "×", [costs[costs.count - 1] / costs[0]], remark: "1: cost in proportion; 100: a step that looks at all")
    }
}
