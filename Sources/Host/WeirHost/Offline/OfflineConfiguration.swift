// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit
internal import WeirPipeline

extension ConfigurationLoader {
    /// For runs without a machine: nothing of this host (its name, its terminal) may show in what they print. Where a host's name is
    /// wanted, it is `localhost`.
    static func offline(_ path: String?, _ plugins: [PluginEntry]) -> ConfigurationLoader {
        ConfigurationLoader(
            path: path, plugins: plugins, trust: nil,
            surroundings: ConfigurationReader.Surroundings(
                log: silent, registry: MetricRegistry(), routes: HTTPRoutes(reserved: HTTPListener.ownPaths), hostName: "localhost",
                isOutputTerminal: false, readsTests: true))
    }

    /// The loader's configuration, with the counters of its stages taken off the pages that metric exporters make.
    func forgetOwnMetrics(of configuration: Configuration) {
        for enricher in configuration.enrichers { surroundings.registry.forget("stage", enricher.name) }
        for exporter in configuration.metricExporters { surroundings.registry.forget("exporter", exporter.name) }
        for exporter in configuration.recordExporters { surroundings.registry.forget("exporter", exporter.name) }
    }
}

extension Configuration {
    /// The record exporter whose filter and attributes stand for all records: the first, else one with the defaults.
    var firstRecords: RecordInstance {
        recordExporters.first
            ?? RecordInstance(
                name: "records", exporter: FlowSums([]), filter: nil, attributes: AttributeSelection.Defaults(.weir, catalog).record,
                queueLimit: .max)
    }
}

extension MetricSnapshot {
    /// The same series in the order of their texts; the overflow series comes last.
    var sorted: MetricSnapshot {
        let width = attributes.count
        func key(_ index: Int) -> ArraySlice<String> { texts[index * width..<(index + 1) * width] }
        let order = values.indices.sorted { a, b in
            if a == overflow || b == overflow { return b == overflow && a != overflow }
            return key(a).lexicographicallyPrecedes(key(b))
        }
        return MetricSnapshot(
            name: name, help: help, unit: unit, attributes: attributes, isNumber: isNumber, values: order.map { values[$0] },
            created: order.map { created[$0] }, numbers: order.map { numbers[$0] }, carried: order.map { carried[$0] }, expired: expired,
            texts: order.flatMap { key($0) }, overflow: overflow.flatMap { order.firstIndex(of: $0) })
    }
}
