// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WeirCapture
internal import WeirKit
internal import WeirPipeline

/// `weir explain`: what would run, and why; loads and starts nothing.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Prints the plan: what is captured and why, who is asked for what, memory, series, sizing.",
        discussion: """
            Loads nothing into the kernel and starts nothing, so it can be run beside a running agent, as any user.

            Example: weir explain --config /etc/weir
            """)

    @OptionGroup var location: ConfigurationOption

    func run() throws {
        let (configuration, _) = try CheckCommand.load(location)
        let assembly = Assembly(configuration, registry: MetricRegistry(), log: ConfigurationLoader.silent)
        let capture = configuration.capture.plan(for: assembly.plan.keyFields, configuration.accounting).onThisHost
        Output.text(Explanation.configuration(configuration).joined(separator: "\n") + "\n\n")
        Output.text(Explanation.capture(configuration.capture, capture).joined(separator: "\n") + "\n\n")
        Output.text((["Plan"] + assembly.plan.explain().map { "  \($0)" }).joined(separator: "\n") + "\n\n")
        Output.text(Explanation.exporters(configuration).joined(separator: "\n") + "\n\n")
        let fitting = MemoryBudget.here.fitting(capture)
        let source = CaptureSurvey.source(fitting)
        let sizing = Sizing(
            window: configuration.capture.window, shape: MapShape(fitting, source: source), source: source, plan: assembly.plan,
            hasTap: configuration.tap.socket != nil)
        Output.text(sizing.lines.joined(separator: "\n") + "\n")
        let warnings = configuration.warnings(of: assembly.plan)
        if !warnings.isEmpty { Output.text("\nWarnings\n" + warnings.map { "  \($0)\n" }.joined()) }
    }
}

/// The parts of `weir explain` that the plan does not know.
enum Explanation {
    static func configuration(_ configuration: Configuration) -> [String] {
        let files = configuration.files.isEmpty ? ["no file: the defaults"] : configuration.files
        return ["Configuration"] + files.map { "  \($0)" }
    }

    static func capture(_ options: CaptureOptions, _ plan: CapturePlan) -> [String] {
        var lines = ["Capture"] + CaptureSurvey.lines(plan).map { "  \($0)" }
        let budget = MemoryBudget.here
        let fitting = budget.fitting(plan)
        lines.append("  window: \(options.window.configText); count: \(plan.countMode.rawValue)")
        if plan.sampling > 1 {
            lines.append("  sampling: one in \(plan.sampling) packets, by chance; all values are estimates, scaled by \(plan.sampling)")
        }
        let shape = MapShape(fitting, source: CaptureSurvey.source(fitting))
        lines.append(
            "  kernel map: key \(shape.keySize) bytes, value \(shape.valueSize) bytes, \(shape.isPerCPU ? "one value per CPU" : "one shared value")")
        lines.append("  kernel memory: \(shape.memoryBytes) bytes = \(shape.formula)")
        if budget.bytes < .max {
            lines.append(
                "  kernel memory allowed: \(budget.bytes) bytes, the least of a 64th of this machine's memory and a quarter of its cgroup's limit")
        }
        if fitting.maxFlows < plan.maxFlows { lines.append("  max_flows: \(fitting.maxFlows) instead of \(plan.maxFlows), to stay within that") }
        return lines
    }

    static func exporters(_ configuration: Configuration) -> [String] {
        var lines = ["Exporters"]
        for instance in configuration.metricExporters {
            let chosen = instance.metrics.map { $0.isEmpty ? "none of the metrics" : "metrics \($0.map(\.pattern).joined(separator: ", "))" }
            lines.append("  \(instance.name): \(chosen ?? "metrics *")")
            lines.append("    naming: \(instance.naming.rawValue)")
            for metric in configuration.metrics where metric.isChosen(by: instance.metrics) {
                guard let names = metric.names(instance.naming) else { continue }
                lines.append("    \(names.metric): \(names.attributes.isEmpty ? "one series" : names.attributes.joined(separator: ", "))")
            }
        }
        for instance in configuration.recordExporters {
            let filter = instance.filter.map { " where \($0.text)" } ?? ""
            lines.append("  \(instance.name): records\(filter), at most \(instance.queueLimit) waiting")
            lines.append("    naming: \(instance.naming.rawValue)")
            lines.append("    \(NamedAttributes(instance.attributes, instance.naming).names.joined(separator: ", "))")
        }
        if configuration.exporterCount == 0 { lines.append("  none: nothing is exported") }
        if !configuration.metricExporters.isEmpty || configuration.http.listen == nil {
            lines.append("  http: \(configuration.http.listen?.description ?? "off")")
        }
        lines.append("  tap: \(configuration.tap.socket ?? "off")")
        if configuration.metricExporters.isEmpty, !configuration.metrics.isEmpty {
            lines.append("  not kept: \(configuration.metrics.count) metrics, since no exporter reads them")
        }
        return lines
    }
}
