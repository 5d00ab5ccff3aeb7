// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

extension Plan {
    /// The plan in sentences, for `weir explain`.
    package func explain() -> [String] {
        var lines: [String] = ["key fields beside the two addresses: \(keyFields.isEmpty ? "none" : keyFields.names.joined(separator: ", "))"]
        for (field, askedBy) in keyReasons { lines.append("  \(field), asked by \(askedBy.joined(separator: ", "))") }
        lines.append("enrichers, in order of trust:")
        for (index, enricher) in input.enrichers.enumerated() {
            if !isNeeded(index), isStarted(index) {
                lines.append("  \(enricher.name): asked for nothing, started for what an exporter says of this host")
            } else if asked[index].isEmpty {
                lines.append("  \(enricher.name): not started, since nothing selected is among what it can answer")
            } else {
                lines.append("  \(enricher.name): asked for \(asked[index].map(\.name).sorted().joined(separator: ", "))")
            }
        }
        if input.enrichers.isEmpty { lines.append("  none") }
        lines.append("  answers hold as of the end of a window: an address that moved meanwhile is wrong for one window at the most")
        lines.append("who may answer what:")
        for attribute in endpointAttributes {
            var stages = input.enrichers.enumerated().filter { asked[$0.offset].contains(attribute) }.map(\.element.name)
            if attribute == .name { stages.append("else the address") }
            if attribute == .ownerName { stages.append("else (internet), (private), (multicast) or (unknown)") }
            if attribute == .knownOwnerName { stages.append("whoever answers owner.name") }
            if attribute == .address { stages.append("the capture") }
            lines.append("  \(attribute.name): \(stages.isEmpty ? "nobody, so it stays empty" : stages.joined(separator: ", "))")
        }
        lines.append("series each metric can have, at most:")
        for metric in input.metrics { lines.append("  \(metric.label): \(seriesBound(of: metric))") }
        if input.metrics.isEmpty { lines.append("  no metrics") }
        return lines
    }

    /// The product of the known numbers of values, `?` where one is not known; and the limit.
    private func seriesBound(of metric: MetricDefinition) -> String {
        let limit = metric.maxSeries ?? input.pipeline.maxSeries
        let factors = zip(metric.selected, metric.attributes).map { "\($0.name) \(valueCount(of: $1).map(String.init) ?? "?")" }
        let shown = factors.isEmpty ? "1" : "\(factors.joined(separator: " × ")) = \(knownProduct(of: metric).map(String.init) ?? "?")"
        return "\(shown); max_series is \(limit)"
    }

    /// How many combinations of values the metric's attributes can have; nil when one of them is not known.
    func knownProduct(of metric: MetricDefinition) -> Int? {
        var product = 1
        for attribute in metric.attributes {
            guard let count = valueCount(of: attribute) else { return nil }
            let (next, overflow) = product.multipliedReportingOverflow(by: count)
            product = overflow ? .max : next
        }
        return product
    }

    /// The sum of what each stage that may answer knows, and one for absent; nil when a stage cannot tell.
    func valueCount(of selected: SelectedAttribute) -> Int? {
        if let known = selected.attribute.valueCount { return known }
        guard selected.attribute.subject == .endpoint, selected.attribute != .address, selected.attribute != .name else { return nil }
        let attribute = selected.attribute == .knownOwnerName ? .ownerName : selected.attribute
        var sum = selected.attribute == .ownerName ? 4 : 1
        for (index, enricher) in input.enrichers.enumerated() where asked[index].contains(attribute) {
            guard let count = enricher.asStage.valueCount(of: attribute) else { return nil }
            sum += count
        }
        return sum
    }
}
