// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import HTTPClient

internal import FoundationEssentials

/// A text that is never shown: not in logs, not in descriptions, not in dumps.
package struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    let text: String

    package init(_ text: String) { self.text = text }

    package var description: String { "***" }
    package var debugDescription: String { "***" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Where an API server is and how it knows us. Inert: files are read when something is asked.
package struct KubernetesAccess: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package enum Credentials: Sendable, Equatable {
        /// Nothing, or a client certificate.
        case none
        case token(Secret)
        /// Read anew for every question, so that a token that was renewed counts from the next one on.
        case tokenFile(String)
    }

    /// `https://10.96.0.1:443`, without a slash at the end.
    package var server: String
    package var credentials = Credentials.none
    package var tls = TLSOptions()
    package var proxy = Proxy.environment
    /// How a kubeconfig calls the cluster; empty in a pod.
    package var clusterName = ""

    package init(server: String) { self.server = server }

    package var description: String { server }
    package var debugDescription: String { server }
    package var customMirror: Mirror { Mirror(self, children: ["server": server]) }

    /// Where a pod finds its token and the cluster's authority.
    package static let serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// As Kubernetes tells its pods: the server's address in the environment, token and authority in files.
    package static func inCluster(
        environment: [String: String] = ProcessInfo.processInfo.environment, folder: String = serviceAccount
    ) throws(KubernetesAccessError) -> KubernetesAccess {
        guard let host = environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty, let port = environment["KUBERNETES_SERVICE_PORT"], !port.isEmpty
        else {
            throw KubernetesAccessError(
                "find the API server: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set, so this is no pod; outside of a cluster set 'kubeconfig'"
            )
        }
        guard let number = UInt16(port), number > 0 else {
            throw KubernetesAccessError("find the API server: KUBERNETES_SERVICE_PORT is '\(port.prefix(40))', which is no port")
        }
        var access = KubernetesAccess(server: "https://\(host.contains(":") ? "[\(host)]" : host):\(number)")
        access.credentials = .tokenFile("\(folder)/token")
        access.tls.caFile = "\(folder)/ca.crt"
        return access
    }
}

/// Why there is no way to an API server; finishes "could not …", and holds no secret.
package struct KubernetesAccessError: Error, Equatable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}
