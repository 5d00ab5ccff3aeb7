// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import OTLPMessages
internal import WeirKit

/// What the metrics are about: this host, as this agent sees it.
enum ResourceAttributes {
    /// Of several words for one thing the later stands: what stages learned, what Weir knows by itself, the environment, the options.
    static func bytes(_ settings: Settings, _ context: PluginContext) -> ResourceBytes {
        var facts = [
            "service.name": "weir",
            "service.version": context.version,
            // One agent per host, and the same after a restart: so a counter goes on under the same identity.
            "service.instance.id": context.hostName,
            "host.name": context.hostName,
        ]
        // A stage may learn another name of the host late: then a receiver would take the same counters for another host's.
        facts.merge(context.resource.read()) { own, _ in own }
        for attribute in settings.environmentResource + settings.writtenResource { facts[attribute.name] = attribute.value }
        var resource = OTLPResource()
        resource.attributes = facts.sorted { $0.key < $1.key }.map { name, value in
            var attribute = OTLPKeyValue()
            attribute.key = name
            attribute.value.stringValue = value
            return attribute
        }
        var scope = OTLPInstrumentationScope()
        scope.name = "weir"
        scope.version = context.version
        return ResourceBytes(resource, scope)
    }
}
