// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// What is known of the instance.
package struct CloudFacts: Equatable, Sendable {
    package var provider: String?
    package var platform: String?
    package var values: [CloudField: String] = [:]
    /// Ranges whose addresses are in the instance's own zone.
    package var subnets: [CIDR] = []

    package init(provider: MetadataProvider? = nil, values: [CloudField: String] = [:], subnets: [CIDR] = []) {
        self.provider = provider?.name
        platform = provider?.platform
        self.values = values
        self.subnets = subnets
    }

    /// The same where what is set by hand counts for more.
    package func with(_ byHand: [CloudField: String]) -> CloudFacts {
        var facts = self
        facts.values.merge(byHand) { $1 }
        return facts
    }

    /// For exporters that describe the host whose data they send, by OpenTelemetry's names.
    package var resource: [String: String] {
        var resource: [String: String] = [:]
        for (field, text) in values {
            if let name = field.resourceName { resource[name] = text }
        }
        resource["cloud.provider"] = provider
        resource["cloud.platform"] = platform
        return resource
    }

    /// What endpoints carry of this host: attribute and text.
    package var ofHost: [(attribute: Attribute, text: String)] {
        var facts = values.compactMap { field, text in field.attribute.map { ($0, text) } }
        if let provider { facts.append((CloudField.cloudProvider, provider)) }
        return facts
    }

    /// What holds of every address in the own subnets too: where it is, not whose it is.
    package var ofSubnets: [(attribute: Attribute, text: String)] {
        [CloudField.zone, .zoneID, .region].compactMap { field in
            values[field].flatMap { text in field.attribute.map { ($0, text) } }
        }
    }
}

/// What one attempt found out.
package struct MetadataReading: Sendable {
    package var values: [CloudField: String] = [:]
    /// Nil where they were not told this time.
    package var subnets: [CIDR]?
    /// Answers that were no such value.
    package var refused = 0
    /// What went wrong; some fields may be known all the same.
    package var problems: [MetadataProblem] = []

    package init() {}

    /// What is known after it, from what was known before: all of it after an attempt without problems, else what it found over
    /// what was there.
    package func facts(after last: CloudFacts, of provider: MetadataProvider) -> CloudFacts {
        if values.isEmpty { return last.provider == provider.name ? last : CloudFacts(provider: provider) }
        guard !problems.isEmpty, last.provider == provider.name else {
            return CloudFacts(provider: provider, values: values, subnets: subnets ?? [])
        }
        return CloudFacts(provider: provider, values: last.values.merging(values) { $1 }, subnets: subnets ?? last.subnets)
    }
}

/// Why a service did not tell; finishes "could not …".
package struct MetadataProblem: Error, CustomStringConvertible, Sendable {
    /// One of few words, for the `reason` of `weir_cloud_instance_failures_total`.
    package let reason: String
    package let description: String

    package init(reason: String, _ description: String) {
        self.reason = reason
        self.description = description
    }
}
