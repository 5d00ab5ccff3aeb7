// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// Answers each scrape with all series and all of the agent's own counters, in pieces.
package struct PrometheusExporter: MetricExporter {
    private let path: String
    private let registry: MetricRegistry
    private let routes: HTTPRoutes
    private let metrics: Metrics
    /// Big enough that the cost of a write does not show, small enough that the page costs no memory to speak of.
    private static let chunkBytes = 32 << 10

    package init(_ options: PrometheusOptions, _ context: PluginContext) {
        path = options.path
        registry = context.metrics
        routes = context.routes
        metrics = Metrics(context.metrics)
    }

    package func run(_ series: SeriesReader) async throws {
        try await routes.serve(path) { question in answer(question, series) }
    }

    package func answer(_ question: HTTPQuestion, _ series: SeriesReader) -> HTTPAnswer {
        let format = ExpositionFormat.preferred(byAccept: question.accept)
        metrics.scrapes(format).add()
        return HTTPAnswer(contentType: format.contentType) { write in
            do {
                try await page(format, series.read(), registry.read(), write)
            } catch {
                metrics.brokenScrapes.add()
                throw error
            }
        }
    }

    /// Formats outside of any lock: both arguments are copies, taken by the caller, which live as long as the scrape. Of the
    /// page only one chunk is held.
    private func page(
        _ format: ExpositionFormat, _ snapshots: [MetricSnapshot], _ own: [MetricRegistry.Family], _ write: HTTPAnswer.Write
    ) async throws {
        var page = ExpositionPage(format, chunkBytes: Self.chunkBytes)
        var names = FamilyNames(taken: own.map(\.name))
        for snapshot in snapshots {
            let family = SeriesFamily(snapshot, named: names.name(for: snapshot))
            page.open(family)
            for index in snapshot.values.indices {
                page.append(family, index)
                if page.isFull { try await write(page.take()) }
            }
        }
        for family in own {
            page.append(family)
            if page.isFull { try await write(page.take()) }
        }
        page.close()
        try await write(page.take())
    }
}
