// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// What is kept of a pod. An address that does not parse is left out and counted.
package struct Pod: KubernetesObject, Hashable {
    package enum Phase: String, Sendable {
        case pending = "Pending", running = "Running", succeeded = "Succeeded", failed = "Failed", unknown = "Unknown"
    }

    package var meta: ObjectMeta
    /// Empty until the pod has a node.
    package var nodeName: String = ""
    package var hostNetwork = false
    package var phase = Phase.unknown
    /// `status.podIPs`, else `status.podIP`: at most one of each family in a cluster as it should be.
    package var addresses: [IPAddress] = []
    /// `status.hostIPs`, else `status.hostIP`.
    package var hostAddresses: [IPAddress] = []
    /// Nanoseconds since 1970: when the node's agent took the pod; nil before.
    package var start: UInt64?
    /// Of a static pod, the uid that its node's agent gave it (`kubernetes.io/config.mirror`) and that its control groups are called
    /// by; `meta.uid` is that of its mirror in the API. Empty for all others.
    package var staticUID: String = ""

    package init(_ meta: ObjectMeta) { self.meta = meta }

    /// Whether its containers are over for good, so that its addresses are free for other pods.
    package var isCompleted: Bool { phase == .succeeded || phase == .failed }
}
