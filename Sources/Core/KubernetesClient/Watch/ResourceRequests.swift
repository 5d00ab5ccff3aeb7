// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

extension KubernetesResource {
    /// `/api/v1/pods`, `/apis/apps/v1/namespaces/shop/replicasets`.
    package var path: String {
        let root = group.isEmpty ? "/api/\(version)" : "/apis/\(group)/\(version)"
        return namespace.map { "\(root)/namespaces/\($0)/\(plural)" } ?? "\(root)/\(plural)"
    }

    /// Asks for what is wanted; a server that does not know how to cut objects down sends them whole, and they read the same.
    private func accept(_ kind: String) -> String {
        metadataOnly ? "application/json;as=\(kind);g=meta.k8s.io;v=v1,application/json" : "application/json"
    }

    private var selectors: [(name: String, value: String)] {
        [("labelSelector", labelSelector), ("fieldSelector", fieldSelector)].filter { !$0.1.isEmpty }
    }

    package func request(_ list: ListWatchMachine.ListQuery, _ options: ReflectorOptions) -> KubernetesRequest {
        var request = KubernetesRequest(path: path, idleTimeout: options.listIdle, totalTimeout: options.listTime)
        request.query = selectors
        if let version = list.resourceVersion { request.query.append(("resourceVersion", version)) }
        if let limit = list.limit { request.query.append(("limit", String(limit))) }
        if !list.continueToken.isEmpty { request.query.append(("continue", list.continueToken)) }
        request.accept = accept("PartialObjectMetadataList")
        return request
    }

    package func request(_ watch: ListWatchMachine.WatchQuery, _ options: ReflectorOptions) -> KubernetesRequest {
        // The server ends a watch at its time; one that it forgets is ended here.
        let grace = Duration.seconds(30)
        var request = KubernetesRequest(path: path, idleTimeout: options.watchIdle, totalTimeout: .seconds(watch.timeoutSeconds) + grace)
        request.query =
            selectors + [
                ("watch", "true"), ("allowWatchBookmarks", "true"), ("resourceVersion", watch.resourceVersion),
                ("timeoutSeconds", String(watch.timeoutSeconds)),
            ]
        request.accept = accept("PartialObjectMetadata")
        request.gatherTime = options.watchGather
        return request
    }

    /// One object, of which only the metadata is wanted.
    func request(name: String) -> KubernetesRequest {
        var request = KubernetesRequest(path: "\(path)/\(KubernetesRequest.escaped(name))", idleTimeout: .seconds(30), totalTimeout: .seconds(30))
        request.accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
        return request
    }
}
