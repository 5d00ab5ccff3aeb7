// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// What `/healthz` and `/readyz` answer.
struct Health: Sendable {
    let data: DataThread
    let states: StageStates
    let registry: MetricRegistry

    /// Alive: the data thread comes by.
    func live() -> HTTPAnswer {
        let silence = data.sinceBeat
        let isWell = silence <= data.patience
        return HTTPAnswer(status: isWell ? 200 : 503, isWell ? "ok\n" : "the data thread was last seen \(silence.configText) ago\n")
    }

    /// Ready: no stage is failing or suspended. Errors stay in the log: they may quote the configuration.
    func ready() -> HTTPAnswer {
        var lines: [String] = []
        var isReady = true
        for (stage, state) in states.all {
            switch state {
            case .running: lines.append("{\"stage\":\"\(stage)\",\"state\":\"running\"}")
            case .idle: lines.append("{\"stage\":\"\(stage)\",\"state\":\"idle\"}")
            case .failing:
                isReady = false
                lines.append("{\"stage\":\"\(stage)\",\"state\":\"failing\"}")
            }
        }
        for stage in suspended {
            isReady = false
            lines.append("{\"stage\":\"\(stage)\",\"state\":\"suspended\"}")
        }
        let text = "{\"ready\":\(isReady),\"stages\":[\(lines.joined(separator: ","))]}\n"
        return HTTPAnswer(status: isReady ? 200 : 503, contentType: "application/json") { write in try await write(Array(text.utf8)) }
    }

    /// The pipeline says so in a gauge of its own.
    private var suspended: [String] {
        registry.read().first { $0.name == "weir_stage_suspended" }?.cells.filter { $0.cell.current > 0 }
            .compactMap { $0.labels.first { $0.name == "stage" }?.value } ?? []
    }
}
