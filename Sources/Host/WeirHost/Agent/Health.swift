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
        HTTPAnswer(status: isCounting ? 200 : 503, isCounting ? "ok\n" : "the data thread was last seen \(data.sinceBeat.configText) ago\n")
    }

    func ready() -> HTTPAnswer {
        let readiness = Readiness(isCounting: isCounting, stages: states.all, suspended: suspended)
        return HTTPAnswer(status: readiness.isReady ? 200 : 503, contentType: "application/json") { write in
            try await write(Array(readiness.text.utf8))
        }
    }

    /// Not before the capture is attached.
    private var isCounting: Bool { data.sinceBeat <= data.patience }

    /// The pipeline says so in a gauge of its own.
    private var suspended: [String] {
        registry.read().first { $0.name == "weir_stage_suspended" }?.cells.filter { $0.cell.current > 0 }
            .compactMap { $0.labels.first { $0.name == "stage" }?.value } ?? []
    }
}
