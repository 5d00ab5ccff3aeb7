// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import Synchronization
internal import WeirKit
internal import WeirPipeline

/// `--final-metrics`: the counters after the last drain, in the text that a scrape would have got.
struct FinalMetrics: Sendable {
    let exporters: [Configuration.MetricInstance]
    let series: SeriesBook
    let routes: HTTPRoutes
    let log: Logger

    /// Runs the metric exporters once more over a reader that shows every value at once, however young its series,
    /// and asks the path they serve.
    func write(to path: String) async -> ExitStatus {
        guard let text = await text() else {
            log.error("no final metrics: no exporter serves /metrics")
            return .user
        }
        do throws(SystemError) {
            try SystemFile.write(text, to: path)
            return .fine
        } catch {
            log.error("final metrics could not be written", metadata: ["file": "\(path)", "error": "\(error)"])
            return .machine
        }
    }

    /// Called when the exporters of before have ended, and with them the paths they served.
    func text() async -> [UInt8]? {
        await withTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            for exporter in exporters where exporter.exporter.servesPage {
                let reader = series.reader(metrics: exporter.metrics, naming: exporter.naming, final: true)
                // In the order of their texts, so that two files can be compared.
                group.addTask { try? await exporter.exporter.run(SeriesReader { reader.read().map(\.sorted) }) }
            }
            // An exporter serves its path as soon as it runs; 100 looks are a second.
            for _ in 0..<100 {
                try? await Task.sleep(for: .milliseconds(10))
                guard let path = routes.paths.first(where: { $0 == "/metrics" }) ?? routes.paths.first,
                    let handler = routes.handler(for: path)
                else { continue }
                let answer = await handler(HTTPQuestion(path: path, accept: "text/plain;version=0.0.4"))
                let sink = Sink()
                guard answer.status == 200, (try? await answer.body { sink.add($0) }) != nil else { continue }
                return sink.bytes
            }
            return nil
        }
    }
}

/// Collects the pieces of a body.
private final class Sink: Sendable {
    private let all = Mutex<[UInt8]>([])
    func add(_ piece: [UInt8]) { all.withLock { $0 += piece } }
    var bytes: [UInt8] { all.withLock { $0 } }
}
