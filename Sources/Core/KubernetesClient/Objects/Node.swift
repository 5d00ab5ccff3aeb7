// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// What is kept of a node.
package struct Node: KubernetesObject, Hashable {
    package struct Address: Hashable, Sendable {
        package enum Kind: String, Sendable { case `internal` = "InternalIP", external = "ExternalIP", other }
        package var kind: Kind
        package var address: IPAddress

        package init(_ kind: Kind, _ address: IPAddress) {
            self.kind = kind
            self.address = address
        }
    }

    package var meta: ObjectMeta
    /// Those of `status.addresses` that are addresses; host names are left out.
    package var addresses: [Address] = []
    /// `spec.podCIDRs`, else `spec.podCIDR`: where its pods' addresses come from, when Kubernetes gives them out.
    package var podRanges: [CIDR] = []
    /// `aws:///eu-west-1a/i-0123`; empty without a cloud.
    package var providerID: String = ""
    /// Nanoseconds since 1970: when the API was first told of it; nil where it does not say.
    package var creation: UInt64?

    package init(_ meta: ObjectMeta) { self.meta = meta }

    /// The first internal address, else the first.
    package var primaryAddress: IPAddress? { (addresses.first { $0.kind == .internal } ?? addresses.first)?.address }
}
