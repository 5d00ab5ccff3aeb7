// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import WeirKit
internal import WeirPipeline

/// A configuration put together: the plan that follows from it, and a queue for every record exporter. Inert, so
/// that `check` and `explain` do exactly what `run` does.
struct Assembly {
    let plan: Plan
    let queues: [ExportQueue]

    /// `isOffline`: no clock may decide anything. `running` is the queue of an instance that goes on.
    init(
        _ configuration: Configuration, registry: MetricRegistry, log: Logger, isOffline: Bool = false,
        running: (String) -> ExportQueue? = { _ in nil }
    ) {
        var queues: [ExportQueue] = []
        var input = PlanInput()
        input.isOffline = isOffline
        input.enrichers = configuration.enrichers
        input.readsResource = configuration.metricExporters.contains { $0.exporter.readsResource }
        // Without anybody who reads them, series would only cost.
        input.metrics = configuration.metricExporters.isEmpty ? [] : configuration.metrics
        input.filter = configuration.filter
        input.pipeline = configuration.pipeline
        // One window, unless the user wrote another time.
        if input.pipeline.hold == nil { input.pipeline.hold = configuration.capture.window }
        input.accounting = configuration.accounting
        input.scope = configuration.scope
        for instance in configuration.recordExporters {
            let queue =
                running(instance.name)
                ?? ExportQueue(name: instance.name, exporter: instance.exporter, limit: instance.queueLimit, registry: registry, log: log)
            queues.append(queue)
            input.taps.append(
                RecordTap(name: instance.name, filter: instance.filter, attributes: instance.attributes, naming: instance.naming, queue: queue))
        }
        plan = Plan(input)
        self.queues = queues
    }
}
