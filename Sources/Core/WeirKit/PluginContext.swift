// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import Logging

/// What the host hands to a plugin instance.
public struct PluginContext: Sendable {
    /// The instance's name: the plugin's, unless the user wrote another.
    public let instance: String
    public let log: Logger
    /// Counters of this instance; each carries its name as the label `stage`, or `exporter`.
    public let metrics: MetricRegistry
    /// Paths below the host's own listener.
    public let routes: HTTPRoutes
    /// The name of this host.
    public let hostName: String
    /// The version of this program.
    public let version: String
    /// The variables of the environment whose names begin with `OTEL_`, which OpenTelemetry's specification gives a meaning.
    /// Nothing else of the environment reaches a plugin.
    public let environment: [String: String]
    /// Now, by the wall's clock, in nanoseconds since 1970; anybody may set it back.
    public let wallClock: @Sendable () -> UInt64
    /// What is known of this host and this agent as a whole: stages add to it, exporters put it beside what they send.
    public let resource: ResourceFacts
    private let invalidation: @Sendable (EndpointSelection) -> Void

    public init(
        instance: String, log: Logger, metrics: MetricRegistry, routes: HTTPRoutes, hostName: String, version: String = "0",
        environment: [String: String] = [:], wallClock: @escaping @Sendable () -> UInt64 = { 0 },
        resource: ResourceFacts = ResourceFacts(),
        invalidate: @escaping @Sendable (EndpointSelection) -> Void
    ) {
        self.instance = instance
        self.log = log
        self.metrics = metrics
        self.routes = routes
        self.hostName = hostName
        self.version = version
        self.environment = environment
        self.wallClock = wallClock
        self.resource = resource
        invalidation = invalidate
    }

    /// Says that this stage's answers changed, so that the endpoints meant are asked again before the next batch.
    /// Callable from anywhere; coalesced and bounded: too many selections become `.all`.
    public func invalidate(_ which: EndpointSelection) { invalidation(which) }
}

/// Endpoints whose answers changed.
public enum EndpointSelection: Sendable, Hashable {
    case address(IPAddress)
    case prefix(CIDR)
    /// Every endpoint with this local owner (a cgroup id).
    case owner(UInt64)
    /// Every endpoint whose attribute has this value.
    case value(Attribute, String)
    case all
}
