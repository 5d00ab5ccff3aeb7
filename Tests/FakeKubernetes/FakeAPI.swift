// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// An API server without a network: questions in, answers out, everything decided by what it holds and by the faults it is given.
///
/// It keeps to what clients rely on: one counter of versions; lists from a cache (`resourceVersion=0`) or consistent and in pages; tokens of
/// pages and versions that expire; watches that continue where a client was, with bookmarks; objects cut down to their metadata.
package struct FakeAPI: Sendable {
    package var cluster = FakeCluster()
    /// Whether lists of a version come from a cache, which ignores `limit`.
    package var hasCache = true
    /// What `Authorization: Bearer` must have; nil for anything.
    package var tokens: Set<String>?
    package var faults: [FakeFault] = []
    /// Questions that were refused for their token.
    package private(set) var unauthorized = 0
    package private(set) var lists = 0
    package private(set) var watches = 0

    package init() {}

    /// `target` is path and query as the request has them.
    package mutating func answer(_ target: String, token: String?, accept: String) -> FakeAnswer {
        if let tokens, token.map(tokens.contains) != true {
            unauthorized += 1
            return Self.refusal(401, "Unauthorized", "Unauthorized")
        }
        let question = FakeQuestion(target)
        guard let place = question.place(in: cluster.resources) else {
            if question.path == "/version" { return FakeAnswer(200, .whole(Array(#"{"major":"1","minor":"30"}"#.utf8))) }
            return Self.refusal(404, "NotFound", "the server could not find the requested resource")
        }
        let isWatch = ["true", "1"].contains(question.query["watch"])
        let fault = takeFault(isWatch: isWatch, place.resource.plural)
        if case .status(let code, let retryAfter)? = fault {
            return Self.refusal(code, retryAfter: retryAfter, isWatch: isWatch, version: cluster.version)
        }
        let metadataOnly = accept.contains("as=PartialObjectMetadata")
        var answer: FakeAnswer
        if let name = place.name {
            answer = one(place, name, metadataOnly)
        } else if isWatch {
            watches += 1
            answer = watch(place, question, metadataOnly)
        } else {
            lists += 1
            answer = list(place, question, metadataOnly)
        }
        answer.fault = fault
        return answer
    }

    private mutating func takeFault(isWatch: Bool, _ plural: String) -> FakeFault.Kind? {
        let met = faults.firstIndex { fault in
            (fault.plural == nil || fault.plural == plural) && (fault.target == .any || (fault.target == .watch) == isWatch)
        }
        guard let met else { return nil }
        faults[met].times -= 1
        defer { if faults[met].times <= 0 { faults.remove(at: met) } }
        return faults[met].kind
    }

    private func one(_ place: FakeQuestion.Place, _ name: String, _ metadataOnly: Bool) -> FakeAnswer {
        guard let object = cluster.object(place.resource, namespace: place.selection.namespace ?? "", name: name) else {
            return Self.refusal(404, "NotFound", "\(place.resource.plural) \"\(name)\" not found")
        }
        var bytes: [UInt8] = []
        object.write(metadataOnly: metadataOnly, to: &bytes)
        return FakeAnswer(200, .whole(bytes))
    }

    private mutating func list(_ place: FakeQuestion.Place, _ question: FakeQuestion, _ metadataOnly: Bool) -> FakeAnswer {
        var limit = question.query["limit"].flatMap { Int($0) } ?? 0
        if let token = question.query["continue"], !token.isEmpty {
            let numbers = token.split(separator: "/").compactMap { Int($0) }
            guard numbers.count == 2, let kept = cluster.kept(numbers[0]), numbers[1] <= kept.objects.count else {
                return Self.refusal(410, "Expired", "The provided continue parameter is too old to display a consistent list result.")
            }
            return page(place.resource, kept.objects[numbers[1]...], of: numbers[0], at: kept.version, limit: limit, metadataOnly)
        }
        if let version = question.query["resourceVersion"], !version.isEmpty {
            guard let wanted = Int(version) else { return Self.refusal(400, "BadRequest", "resourceVersion: Invalid value") }
            if wanted > cluster.version {
                return Self.refusal(504, "Timeout", "Timeout: Too large resource version: \(wanted), current: \(cluster.version)", retryAfter: 1)
            }
            if hasCache { limit = 0 }
        }
        let objects = cluster.list(place.resource, place.selection)
        return page(place.resource, objects[...], of: nil, at: cluster.version, limit: limit, metadataOnly)
    }

    private mutating func page(
        _ resource: FakeResource, _ objects: ArraySlice<FakeObject>, of snapshot: Int?, at version: Int, limit: Int, _ metadataOnly: Bool
    ) -> FakeAnswer {
        let items = limit > 0 ? objects.prefix(limit) : objects
        var token: String?
        if items.count < objects.count {
            let number = snapshot ?? cluster.keep(Array(objects))
            // Has what must be escaped in an address.
            token = "\(number)/\(items.endIndex)/+&="
        }
        // As API servers do it: the metadata stands in front; for some custom resources, behind.
        var meta = Array("\"metadata\":{\"resourceVersion\":\"\(version)\"".utf8)
        if let token { meta += ",\"continue\":\"\(token)\",\"remainingItemCount\":\(objects.count - items.count)".utf8 }
        meta += "}".utf8
        let kind = metadataOnly ? "PartialObjectMetadataList" : "\(resource.kind)List"
        var bytes = Array("{\"kind\":\"\(kind)\",\"apiVersion\":\"\(metadataOnly ? "meta.k8s.io/v1" : resource.apiVersion)\",".utf8)
        let isBehind = !resource.group.isEmpty
        if !isBehind { bytes += meta + [UInt8(ascii: ",")] }
        bytes += "\"items\":[".utf8
        for (index, object) in items.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            object.write(metadataOnly: metadataOnly, to: &bytes)
        }
        bytes.append(UInt8(ascii: "]"))
        if isBehind { bytes += [UInt8(ascii: ",")] + meta }
        bytes += "}\n".utf8
        return FakeAnswer(200, .whole(bytes))
    }

    private func watch(_ place: FakeQuestion.Place, _ question: FakeQuestion, _ metadataOnly: Bool) -> FakeAnswer {
        let version = question.query["resourceVersion"].flatMap { Int($0) } ?? cluster.version
        let watch = FakeWatch(
            resource: place.resource, selection: place.selection, metadataOnly: metadataOnly, version: version,
            wantsBookmarks: question.query["allowWatchBookmarks"] == "true",
            timeoutSeconds: question.query["timeoutSeconds"].flatMap { Int($0) } ?? 300)
        return FakeAnswer(200, .watch(watch))
    }

    /// What a watch has to send now.
    package func poll(_ watch: inout FakeWatch) -> [UInt8] {
        guard !watch.isOver else { return [] }
        guard cluster.resources.contains(watch.resource) else {
            watch.isOver = true
            return []
        }
        guard let found = cluster.events(watch.resource, after: watch.version, watch.selection, metadataOnly: watch.metadataOnly) else {
            watch.isOver = true
            return Self.errorEvent(410, "Expired", "too old resource version: \(watch.version) (\(cluster.version))")
        }
        watch.version = found.version
        return found.lines.flatMap { $0 }
    }

    /// A bookmark for a watch that has polled; nothing if it wants none.
    package func bookmark(_ watch: FakeWatch) -> [UInt8] {
        guard watch.wantsBookmarks, !watch.isOver else { return [] }
        let meta = #""metadata":{"resourceVersion":"\#(watch.version)","creationTimestamp":null}"#
        let kind = watch.metadataOnly ? "PartialObjectMetadata" : watch.resource.kind
        let version = watch.metadataOnly ? "meta.k8s.io/v1" : watch.resource.apiVersion
        return Array(#"{"type":"BOOKMARK","object":{"kind":"\#(kind)","apiVersion":"\#(version)",\#(meta)}}"#.utf8) + [0x0A]
    }

    private static func status(_ code: Int, _ reason: String, _ message: String, retryAfter: Int? = nil) -> JSONTree {
        var details = JSONTree.object([])
        if let retryAfter { details["retryAfterSeconds"] = .number("\(retryAfter)") }
        return .object([
            "kind": .text("Status"), "apiVersion": .text("v1"), "metadata": .object([]), "status": .text("Failure"), "message": .text(message),
            "reason": .text(reason), "details": details, "code": .number("\(code)"),
        ])
    }

    private static func errorEvent(_ code: Int, _ reason: String, _ message: String) -> [UInt8] {
        JSONTree.object(["type": .text("ERROR"), "object": status(code, reason, message)]).bytes + [0x0A]
    }

    private static func refusal(_ code: Int, _ reason: String, _ message: String, retryAfter: Int? = nil) -> FakeAnswer {
        var answer = FakeAnswer(code, .whole(status(code, reason, message, retryAfter: retryAfter).bytes))
        answer.retryAfterSeconds = retryAfter
        return answer
    }

    /// A refusal that a fault asks for.
    private static func refusal(_ code: Int, retryAfter: Int?, isWatch: Bool, version: Int) -> FakeAnswer {
        let reasons = [
            401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 410: "Expired", 429: "TooManyRequests", 500: "InternalError",
            503: "ServiceUnavailable",
        ]
        let reason = reasons[code] ?? ""
        // In the stream, as an API server does it once the head is out.
        if code == 410, isWatch, version % 2 == 0 { return FakeAnswer(200, .whole(errorEvent(410, reason, "too old resource version"))) }
        return refusal(code, reason, "a fault that the test asked for", retryAfter: retryAfter)
    }
}
