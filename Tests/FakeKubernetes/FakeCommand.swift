// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// One line of a script: what the fake API server does, and when.
///
///     {"put": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}, …}}
///     {"at": 2.5, "delete": {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "a"}}
///     {"at": 3, "fault": {"status": 429, "retryAfter": 1, "on": "watch", "of": "pods", "times": 3}}
///
/// `at` is in seconds from the start of the script; a line without it follows the one before at once.
package struct FakeCommand: Sendable {
    package enum Action: Sendable {
        case put(FakeObject)
        case delete(FakeResource, namespace: String, name: String)
        /// So many nodes, Services, pods and the ReplicaSets of these pods, as `FakeObjects` makes them.
        case make(pods: Int, nodes: Int, services: Int)
        /// Pods of `make` are replaced by others of the same name and address.
        case churn(perSecond: Int, seconds: Int)
        case fault(FakeFault)
        case cutWatches
        case compact
        case cache(Bool)
        case tokens([String])
        case define(FakeResource)
        case undefine(FakeResource)
    }

    package struct Problem: Error, CustomStringConvertible {
        package let description: String
    }

    /// Nil for a line that follows at once.
    package var at: Duration?
    package var action: Action

    /// Throws what is wrong with the line.
    package init(_ line: String) throws(Problem) {
        let tree: JSONTree
        do { tree = try JSONTreeReader.read(line) } catch { throw Problem(description: "\(error)") }
        if case .number(let text)? = tree["at"], let seconds = Double(text) { at = .milliseconds(Int(seconds * 1000)) }
        guard let word = tree.members.first(where: { $0.name != "at" }) else { throw Problem(description: "a line without a command") }
        action = try Self.action(word.name, word.value)
    }

    private static func action(_ name: String, _ value: JSONTree) throws(Problem) -> Action {
        switch name {
        case "put":
            guard let object = FakeObject(value) else { throw Problem(description: "put needs apiVersion, kind and metadata.name") }
            return .put(object)
        case "delete": return .delete(try resource(value), namespace: value["namespace"]?.text ?? "", name: value["name"]?.text ?? "")
        case "make":
            return .make(pods: value["pods"]?.int ?? 0, nodes: max(1, value["nodes"]?.int ?? 1), services: value["services"]?.int ?? 0)
        case "churn": return .churn(perSecond: max(1, value["perSecond"]?.int ?? 100), seconds: value["seconds"]?.int ?? 10)
        case "fault": return .fault(try fault(value))
        case "cut": return .cutWatches
        case "compact": return .compact
        case "cache": return .cache(value.bool ?? true)
        case "tokens": return .tokens(value.items.compactMap(\.text))
        case "define": return .define(try resource(value))
        case "undefine": return .undefine(try resource(value))
        default: throw Problem(description: "unknown command '\(name)'")
        }
    }

    private static func resource(_ value: JSONTree) throws(Problem) -> FakeResource {
        guard let kind = value["kind"]?.text else { throw Problem(description: "a resource needs its kind") }
        return FakeResource(apiVersion: value["apiVersion"]?.text ?? "v1", kind: kind)
    }

    private static func fault(_ value: JSONTree) throws(Problem) -> FakeFault {
        let kind: FakeFault.Kind
        if let status = value["status"]?.int {
            kind = .status(status, retryAfterSeconds: value["retryAfter"]?.int)
        } else if let bytes = value["cutAfter"]?.int {
            kind = .cut(afterBytes: bytes)
        } else if let bytes = value["slow"]?.int {
            kind = .slow(bytes: bytes, everyMilliseconds: value["every"]?.int ?? 100)
        } else if let text = value["garbage"]?.text {
            kind = .garbage(text)
        } else if value["silence"]?.bool == true {
            kind = .silence
        } else if value["html"]?.bool == true {
            kind = .html
        } else {
            throw Problem(description: "a fault is one of status, cutAfter, slow, garbage, silence, html")
        }
        let target = value["on"]?.text.flatMap { FakeFault.Target(rawValue: $0) } ?? .any
        return FakeFault(kind, on: target, of: value["of"]?.text, times: value["times"]?.int ?? 1)
    }
}

extension FakeKubernetes {
    /// Does what a command says; churn takes its time.
    package func perform(_ action: FakeCommand.Action) async {
        switch action {
        case .put(let object): change { $0.cluster.put(object) }
        case .delete(let resource, let namespace, let name): change { _ = $0.cluster.delete(resource, namespace: namespace, name: name) }
        case .make(let pods, let nodes, let services):
            change { api in
                for number in 0..<nodes { if let node = FakeObjects.node(number) { api.cluster.put(node) } }
                for number in 0..<(pods + 19) / 20 { if let set = FakeObjects.replicaSet(number) { api.cluster.put(set) } }
                for number in 0..<services { if let service = FakeObjects.service(number) { api.cluster.put(service) } }
                for number in 0..<pods { api.cluster.put(FakeObjects.pod(number, nodes: nodes)) }
                // The history of the beginning is of no use to anybody, and large.
                api.cluster.compact()
            }
        case .churn(let perSecond, let seconds): await churn(perSecond: perSecond, seconds: seconds)
        case .fault(let fault): change { $0.faults.append(fault) }
        case .cutWatches: cutWatches()
        case .compact: change { $0.cluster.compact() }
        case .cache(let hasCache): change { $0.hasCache = hasCache }
        case .tokens(let tokens): change { $0.tokens = Set(tokens) }
        case .define(let resource): change { $0.cluster.define(resource) }
        case .undefine(let resource): change { $0.cluster.undefine(resource) }
        }
    }

    private func churn(perSecond: Int, seconds: Int) async {
        let start = ContinuousClock.now
        let (pods, nodes) = change { ($0.cluster.count(.pods), max(1, $0.cluster.count(.nodes))) }
        guard pods > 0 else { return }
        for count in 0..<perSecond * seconds {
            // A change is a deletion and an addition.
            change { $0.cluster.put(FakeObjects.pod(count &* 7919 % pods, nodes: nodes, generation: 1 + count / pods)) }
            try? await Task.sleep(until: start + .seconds(1) * (Double(count + 1) / Double(perSecond)))
        }
    }
}
