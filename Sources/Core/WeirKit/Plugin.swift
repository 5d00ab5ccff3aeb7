// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// How a stage or an exporter is made from what users write.
public protocol Plugin: SendableMetatype {
    associatedtype Options: PluginOptions
    /// What users write after `plugin:`.
    static var name: String { get }
    /// One sentence for `weir plugins list`.
    static var summary: String { get }
    /// Every option at its default under one full sentence; `weir plugins sample` prints it.
    static var sample: String { get }
    /// Builds one instance. Inert: no file, socket or task before `run()`.
    static func make(_ options: Options, in context: PluginContext) throws -> BuiltStage
}

/// A plugin's options: the initializer holds the defaults, `read` what the user wrote instead.
public protocol PluginOptions: Sendable, Equatable {
    init()
    mutating func read(_ section: inout ConfigSection)
}

/// What a plugin makes. The kinds are few and known, so they are cases; nothing is cast.
public enum BuiltStage: Sendable {
    case endpoint(any EndpointEnricher)
    case flow(any FlowEnricher)
    /// One that knows something of the ends and something of the flow.
    case both(any EndpointEnricher & FlowEnricher)
    case records(any RecordExporter)
    case metrics(any MetricExporter)
    /// One that takes either, or both; the user's `records` and `metrics` say which.
    case recordsAndMetrics(any RecordExporter & MetricExporter)
}

extension BuiltStage {
    /// What is asked about endpoints.
    package var endpointEnricher: (any EndpointEnricher)? {
        switch self {
        case .endpoint(let stage): stage
        case .both(let stage): stage
        case .flow, .records, .metrics, .recordsAndMetrics: nil
        }
    }

    /// What is asked about flows.
    package var flowEnricher: (any FlowEnricher)? {
        switch self {
        case .flow(let stage): stage
        case .both(let stage): stage
        case .endpoint, .records, .metrics, .recordsAndMetrics: nil
        }
    }

    /// Nil for exporters.
    package var enricher: (any Stage)? {
        switch self {
        case .endpoint(let stage): stage
        case .flow(let stage): stage
        case .both(let stage): stage
        case .records, .metrics, .recordsAndMetrics: nil
        }
    }
}

/// Under which key of the configuration a plugin stands.
public enum PluginKind: String, Sendable {
    case enrich, export
}

/// One plugin, its type forgotten after its options have been checked.
public struct PluginEntry: Sendable {
    public let name: String
    public let kind: PluginKind
    public let summary: String
    public let sample: String
    /// Nil when the section has problems; they are noted in it.
    package let read: @Sendable (inout ConfigSection) -> ReadOptions?

    public init<P: Plugin>(_ kind: PluginKind, _ plugin: P.Type) {
        name = P.name
        self.kind = kind
        summary = P.summary
        sample = P.sample
        read = { section in
            var options = P.Options()  // the defaults,
            options.read(&section)  // then what the user wrote,
            guard section.finish() else { return nil }  // then the keys nobody asked for.
            return ReadOptions(plugin, options)
        }
    }

    /// Reads and makes in one go. Nil when the section has problems.
    public func make(_ section: inout ConfigSection, _ context: PluginContext) throws -> BuiltStage? { try read(&section)?.make(context) }
}

/// The checked options of one instance, their type forgotten: what it can be made from, if it has to be made.
package struct ReadOptions: Sendable {
    /// Builds an instance.
    package let make: @Sendable (PluginContext) throws -> BuiltStage
    private let options: any PluginOptions
    private let isEqual: @Sendable (any PluginOptions) -> Bool

    init<P: Plugin>(_ plugin: P.Type, _ options: P.Options) {
        make = { try P.make(options, in: $0) }
        self.options = options
        isEqual = { ($0 as? P.Options) == options }
    }

    /// Whether the same was written, defaults included. Files may hold something else.
    package func isSame(as other: ReadOptions) -> Bool { isEqual(other.options) }
}
