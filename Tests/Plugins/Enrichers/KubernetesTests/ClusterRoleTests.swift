// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import FakeKubernetes
import FileTree
import ScriptedServer
import Testing
import WeirKit
import WeirTesting
import YAMLSource

@Suite("kubernetes: what a ClusterRole must allow")
struct ClusterRoleTests {
    /// One thing that a role allows, or that a request takes: `list apps/replicasets`, `get /namespaces kube-system`.
    private static func right(_ verb: String, _ group: String, _ resource: String, _ name: String = "") -> String {
        "\(verb) \(group)/\(resource)" + (name.isEmpty ? "" : " \(name)")
    }

    /// As an API server's authorizer takes a request apart.
    private static func right(_ target: String) -> String {
        let parts = target.split(separator: "?", maxSplits: 1)
        var path = parts[0].split(separator: "/").map(String.init)[...]
        let group = path.removeFirst() == "apis" ? path.removeFirst() : ""
        path.removeFirst()
        let resource = path.removeFirst()
        if let name = path.first { return right("get", group, resource, name) }
        return right(parts.count > 1 && parts[1].contains("watch=true") ? "watch" : "list", group, resource)
    }

    private static func granted() throws -> Set<String> {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(5).joined(separator: "/")
        let problems = ConfigProblems()
        let bytes = try FileTree.read("\(root)/deploy/kubernetes/cluster-role.yaml", limit: 1 << 16)
        let document = try #require(YAMLSource.parse(bytes, file: "cluster-role.yaml", problems: problems))
        func entry(_ key: String, of node: ConfigNode) -> ConfigNode? {
            guard case .mapping(let entries) = node.content else { return nil }
            return entries.first { $0.key.text == key }?.value
        }
        func texts(_ key: String, of node: ConfigNode) -> [String]? {
            guard case .list(let items)? = entry(key, of: node)?.content else { return nil }
            return items.compactMap(\.text)
        }
        guard case .list(let rules)? = entry("rules", of: document)?.content else { return [] }
        var granted: Set<String> = []
        for rule in rules {
            for group in texts("apiGroups", of: rule) ?? [] {
                for resource in texts("resources", of: rule) ?? [] {
                    for verb in texts("verbs", of: rule) ?? [] {
                        for name in texts("resourceNames", of: rule) ?? [""] { granted.insert(right(verb, group, resource, name)) }
                    }
                }
            }
        }
        return granted
    }

    @Test("deploy/kubernetes allows exactly what is asked when everything is asked for")
    func exactly() async throws {
        var api = FakeAPI()
        let kubeSystem = #"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"kube-system","uid":"0123-cluster"}}"#
        api.cluster.put(try #require(FakeObject(try JSONTreeReader.read(kubeSystem))))
        let server = try FakeKubernetes(api)
        let learner = Learner("{ labels: { team: team }, node_labels: { pool: pool }, namespace_labels: { cost: cost } }", at: server.url)
        let wanted = try Self.granted()
        #expect(wanted.count == 13)
        var asked: Set<String> { Set(server.requests.map { Self.right($0.target) }) }
        #expect(try await learner.waits { asked.isSuperset(of: wanted) }, "not asked for: \(wanted.subtracting(asked).sorted())")
        #expect(asked == wanted)
        #expect(server.requests.allSatisfy { $0.method == "GET" })
    }
}
