// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import KubernetesClient
internal import PlainJSON
internal import WeirKit

extension FuzzTarget {
    /// Documents in pieces: where the pieces end changes nothing; what is kept is bounded; every document that ends was well-formed on the
    /// wanted paths.
    static let jsonStream = FuzzTarget(
        "json_stream",
        words: [
            "{", "}", "[", "]", ":", ",", "\"", "\"a\":", "\"b\":{\"c\":", "\"d\":[{\"e\":", "\"f\":[", "null", "true", "-1.5e3", "\\u00e9",
            "\\ud83d",
            "\\ude00", "\\\\", "\\\"", "\n", "0", "\"x\":",
        ]
    ) { (bytes) throws(BrokenLaw) in
        let whole = KubernetesLaws.tokens(bytes, size: max(1, bytes.count))
        for size in [1, 3, 64] {
            let found = KubernetesLaws.tokens(bytes, size: size)
            try require(found == whole, "in pieces of \(size) it says \(found), whole \(whole)")
        }
    }

    private static let objectWords = [
        "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"7\",\"continue\":\"x\"},\"items\":[", "]}",
        "{\"metadata\":{\"uid\":\"u\",\"name\":\"n\"}",
        "\"namespace\":\"s\"", "\"labels\":{\"app\":\"web\"}", "\"ownerReferences\":[{\"controller\":true,\"kind\":\"ReplicaSet\",\"name\":\"r\"}]",
        "\"spec\":{\"nodeName\":\"n\",\"hostNetwork\":true}", "\"status\":{\"podIPs\":[{\"ip\":\"10.0.0.4\"}],\"phase\":\"Running\"}",
        "\"deletionTimestamp\":\"2026-01-02T03:04:05Z\"", "{\"type\":\"ADDED\",\"object\":", "{\"type\":\"DELETED\",\"object\":", "\"MODIFIED\"",
        "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"9\"}}}\n", "{\"type\":\"ERROR\",\"object\":{\"code\":410}}\n", "null",
        ",", "}",
        "{", "[", "]", "\"", "\\u0000", "\n", "2001:db8::1",
    ]

    /// Lists: where the pieces end changes nothing; what is handed out is bounded and printable; only a list that was read to its end ends.
    static let kubernetesList = FuzzTarget("kubernetes_list", words: objectWords) { (bytes) throws(BrokenLaw) in
        try KubernetesLaws.check(Pod.self, bytes, isWatch: false)
        try KubernetesLaws.check(Node.self, bytes, isWatch: false)
        try KubernetesLaws.check(Service.self, bytes, isWatch: false)
    }

    /// Watches, by the same laws.
    static let kubernetesWatch = FuzzTarget("kubernetes_watch", words: objectWords) { (bytes) throws(BrokenLaw) in
        try KubernetesLaws.check(Pod.self, bytes, isWatch: true)
        try KubernetesLaws.check(PartialObject.self, bytes, isWatch: true)
    }

    /// Kubeconfigs: an access or problems, not both; problems stand in the file; no secret shows.
    static let kubeconfig = FuzzTarget(
        "kubeconfig",
        words: [
            "current-context: ", "contexts:\n", "clusters:\n", "users:\n", "- name: a\n", "  context: { cluster: a, user: a }\n",
            "  cluster: { server: ",
            "https://10.0.0.1:6443", "  user: { token: ", "tokenFile: ", "client-certificate-data: ", "client-key-data: ",
            "certificate-authority-data: ",
            "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==", "exec: {}", "auth-provider: x", "insecure-skip-tls-verify: true", "proxy-url: ",
            "tls-server-name: ", ", ",
            " }", "\n", "- ", "  ", "\"", "as: x",
        ]
    ) { (bytes) throws(BrokenLaw) in
        let problems = ConfigProblems()
        let access = Kubeconfig.read(bytes, file: "kubeconfig", context: "", problems: problems)
        try require((access == nil) == (problems.count > 0), "\(problems.count) problems, and \(access == nil ? "no" : "an") access")
        try Places.check(problems, in: bytes)
        if let access {
            try require("\(access)" == access.server && String(reflecting: access) == access.server, "a description says more than the server")
            try require(!access.server.hasSuffix("/"), "the server ends in a slash")
        }
    }
}

private enum KubernetesLaws {
    private static let tree: FieldTree = {
        var tree = FieldTree()
        tree.want(["a"], as: 1)
        tree.want(["b", "c"], as: 2)
        tree.want(["d", .each, "e"], as: 3)
        tree.wantEnd(of: ["d", .each], as: 4)
        tree.want(["f", .each], as: 5)
        return tree
    }()

    static func tokens(_ bytes: [UInt8], size: Int) -> [String] {
        var scanner = FieldScanner(tree, maxTextBytes: 40)
        var found: [String] = []
        do {
            for start in stride(from: 0, to: bytes.count, by: size) {
                let piece = Array(bytes[start..<min(start + size, bytes.count)])
                var offset = 0
                while let token = try scanner.next(piece, &offset) {
                    if scanner.text.count > 64 { found.append("\(scanner.text.count) bytes are kept") }
                    if case .text(let field) = token { found.append("\(field)=\(scanner.text)") } else { found.append("\(token)") }
                }
            }
        } catch { found.append("\(error.message) at \(error.offset)") }
        return found
    }

    static func check<Object: KubernetesObject & Equatable>(_ type: Object.Type, _ bytes: [UInt8], isWatch: Bool) throws(BrokenLaw) {
        let whole = read(type, bytes, size: max(1, bytes.count), isWatch: isWatch)
        for size in [1, 7] {
            let found = read(type, bytes, size: size, isWatch: isWatch)
            try require(found.events == whole.events, "in pieces of \(size) it tells \(found.events), whole \(whole.events)")
            try require(found.skipped == whole.skipped, "in pieces of \(size) it skips \(found.skipped), whole \(whole.skipped)")
        }
        for event in whole.events {
            if case .put(let object) = event { try check(object.meta) }
            if case .delete(let identity) = event { try check(text: identity.uid) }
        }
        try require(whole.events.count <= 4 + bytes.count / 8, "\(whole.events.count) events of \(bytes.count) bytes")
    }

    private static func check(_ meta: ObjectMeta) throws(BrokenLaw) {
        try require(!meta.uid.isEmpty && !meta.name.isEmpty, "an object without a name")
        let owner = meta.controller.map { [$0.apiVersion, $0.kind, $0.name, $0.uid] } ?? []
        for text in [meta.uid, meta.namespace, meta.name] + owner + meta.labels.all.map(\.value) { try check(text: text) }
        try require(meta.labels.all.allSatisfy { $0.name == "app" }, "a label that nobody asked for")
    }

    private static func check(text: String) throws(BrokenLaw) {
        try require(text.utf8.count <= 256, "a text of \(text.utf8.count) bytes")
        try require(text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }, "a control character is handed out")
    }

    private static func read<Object: KubernetesObject>(
        _ type: Object.Type, _ bytes: [UInt8], size: Int, isWatch: Bool
    ) -> (events: [ReflectorEvent<Object>], skipped: UInt64) {
        let registry = MetricRegistry()
        var client = ListWatch<Object>(
            .pods, labels: ["app"], machine: ListWatchMachine(), metrics: ReflectorMetrics(registry, resource: .pods))
        var events: [ReflectorEvent<Object>] = []
        func feed(_ bytes: [UInt8], size: Int) {
            var step = client.next()
            while case .wait = step { step = client.next() }
            events += client.answered(step, status: 200, retryAfter: nil, at: .now)
            for start in stride(from: 0, to: bytes.count, by: size) {
                let (more, isOver) = client.take(Array(bytes[start..<min(start + size, bytes.count)]), at: .now)
                events += more
                if isOver { break }
            }
            events += client.end(nil, at: .now)
        }
        if isWatch { feed(Array(#"{"metadata":{"resourceVersion":"1"},"items":[]}"#.utf8), size: 64) }
        feed(bytes, size: size)
        _ = client.next()
        let skipped = registry.read().filter { $0.name == "weir_kubernetes_skipped_objects_total" }.flatMap(\.cells).reduce(0) {
            $0 + $1.cell.current
        }
        return (events, skipped)
    }
}
