// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit
package import WeirPipeline

/// The configuration that runs, as far as clients of `weir tap` see it.
package struct TapContext: Sendable {
    let plan: Plan
    let catalog: Catalog
    let window: Duration
    let taps: LiveTaps

    package init(plan: Plan, catalog: Catalog, window: Duration, taps: LiveTaps) {
        self.plan = plan
        self.catalog = catalog
        self.window = window
        self.taps = taps
    }

    /// A request held against the plan: what the data thread is given, or why it cannot be.
    package func subscribe(_ request: TapRequest, _ queue: TapQueue) throws(TapProblem) -> LiveTap {
        let filter = try filter(request)
        let (chosen, missing) = try columns(request)
        var header = TapHeader()
        header.version = Version.number
        header.window = window.configText
        header.columns = chosen.map(\.name)
        header.notCaptured = missing.map(\.name)
        return LiveTap(filter: filter, attributes: chosen, explains: request.explains, announcement: header.line, queue: queue)
    }

    private func filter(_ request: TapRequest) throws(TapProblem) -> Filter? {
        guard let text = request.filter else { return nil }
        let filter: Filter
        do throws(FilterError) { filter = try Filter(text, catalog) } catch {
            throw TapProblem(.filter, error.message, column: error.column)
        }
        // It would be 0 or absent in every row: a filter that answers, and wrongly.
        if let missing = filter.attributes.filter({ !plan.captures($0) }).min(by: { $0.name < $1.name }) {
            throw TapProblem(.filter, missing.notCaptured, column: Filter.place(of: missing, in: text, catalog))
        }
        return filter
    }

    private func columns(_ request: TapRequest) throws(TapProblem) -> (chosen: [SelectedAttribute], missing: [SelectedAttribute]) {
        if request.columns.isEmpty {
            return (catalog.all.filter { plan.captures($0) }, catalog.all.filter { !plan.captures($0) })
        }
        var chosen: [SelectedAttribute] = []
        var missing: [SelectedAttribute] = []
        // Every record has these.
        for name in request.columns where !["time", "bytes", "packets"].contains(name) {
            let found = catalog.matching(name)
            if found.isEmpty { throw TapProblem(.columns, catalog.unknown(name)) }
            for attribute in found where !chosen.contains(attribute) && !missing.contains(attribute) {
                if plan.captures(attribute) { chosen.append(attribute) } else { missing.append(attribute) }
            }
        }
        return (chosen, missing)
    }

    /// What is said of an attribute of one end: who answered, and who would have. Nil for what no stage answers.
    func explain(_ selected: SelectedAttribute, answeredBy number: UInt8) -> TapRecord.Explanation? {
        let asked = plan.stagesAsked(for: selected.attribute)
        var said = TapRecord.Explanation()
        switch number {
        case 0: said.asked = asked.map(\.name)
        case EndpointNumber.pipeline:
            said.by = "weir"
            said.asked = asked.map(\.name)
        default:
            said.by = asked.first { $0.place == Int(number) - 1 }?.name
            said.also = asked.filter { $0.place > Int(number) - 1 }.map(\.name)
        }
        return said.by == nil && said.asked.isEmpty ? nil : said
    }
}

/// What the endpoint table says of who answered, beside the places of stages.
private enum EndpointNumber {
    static let pipeline: UInt8 = 255
}
