// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit
internal import WeirPipeline
internal import WeirTesting

/// What `weir tap` costs the data thread: while nobody listens, and with one client of each kind.
struct TapSection: Section {
    let name = "tap"
    let abstract = "ready flows → one metric, with clients of weir tap beside it; one core, from memory, CPU time"

    private struct Client {
        let name: String
        /// Nil for none.
        let filter: String?
        let isThere: Bool
        /// Takes what waits, between the windows.
        let reads: Bool
        let explains: Bool
    }

    private static let clients = [
        Client(name: "no client", filter: nil, isThere: false, reads: false, explains: false),
        Client(name: "one that wants nothing of it", filter: "src.owner.name == \"nobody\"", isThere: true, reads: true, explains: false),
        Client(name: "one that does not read", filter: nil, isThere: true, reads: false, explains: false),
        Client(name: "one that takes all", filter: nil, isThere: true, reads: true, explains: false),
        Client(name: "one that takes all, explained", filter: nil, isThere: true, reads: true, explains: true),
    ]

    func run(_ setting: Setting, note: (Figure) -> Void) throws {
        if setting.isQuick { return }
        let sizes = TrafficSizes()
        for client in Self.clients {
            var run = PipelineRun(Traffic(sizes))
            let flows = run.decoded()
            run.window(flows.span)
            // As much as there is, so that reading is all that is compared.
            let queue = TapQueue(TapBook(run.fixture.registry), limit: client.reads ? .max : TapQueue.maxBytes) {}
            let catalog = Catalog(declared: [.ownerName, .zone])
            if client.isThere {
                let attributes = catalog.all.filter { run.fixture.plan.captures($0) }
                run.fixture.taps.add(
                    LiveTap(
                        filter: try client.filter.map { try Filter($0, catalog) }, attributes: attributes, explains: client.explains,
                        announcement: [], queue: queue))
            }
            var times: [Double] = []
            for _ in 0..<setting.runs {
                times.append(CPUTime.spent { run.window(flows.span) })
                while client.reads, queue.next() != nil {}
            }
            note(Figure("flows to one metric · \(client.name)", "ns/flow", times.perFlow(sizes)))
        }
    }
}
