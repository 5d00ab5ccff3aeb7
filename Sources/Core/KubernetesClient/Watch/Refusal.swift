// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// What a refusal means to the person who has to mend it.
enum Refusal {
    static func text(_ resource: KubernetesResource, _ code: Int, _ status: APIStatus) -> String {
        let said = status.message.isEmpty ? "" : ": \(status.message.prefix(500))"
        return switch code {
        case 401: "the API server does not accept this agent's credentials (401)\(said)"
        case 403:
            "the API server does not let this agent read \(resource) (403): its ClusterRole needs the verbs list and watch for the resource "
                + "\(resource.plural) of the API group '\(resource.group)'\(said)"
        case 404: "the API server has no \(resource) in \(resource.apiVersion) (404)"
        default: "the API server answered \(code)\(status.reason.isEmpty ? "" : " \(status.reason)")\(said)"
        }
    }
}
