// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// What is kept of a service.
package struct Service: KubernetesObject, Hashable {
    package enum Kind: String, Sendable {
        case clusterIP = "ClusterIP", nodePort = "NodePort", loadBalancer = "LoadBalancer", externalName = "ExternalName"
    }

    package var meta: ObjectMeta
    package var kind = Kind.clusterIP
    /// `spec.clusterIPs`, else `spec.clusterIP`; empty for a headless service.
    package var clusterAddresses: [IPAddress] = []
    /// `spec.externalIPs`.
    package var externalAddresses: [IPAddress] = []
    /// The addresses of `status.loadBalancer.ingress`; its host names are left out.
    package var loadBalancerAddresses: [IPAddress] = []
    /// Nanoseconds since 1970: when it was made; nil where the API does not say.
    package var creation: UInt64?

    package init(_ meta: ObjectMeta) { self.meta = meta }
}
