// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// The target of a request, taken apart.
struct FakeQuestion {
    struct Place {
        var resource: FakeResource
        var selection: FakeSelection
        /// Of one object; nil for all.
        var name: String?
    }

    var path: String
    var query: [String: String] = [:]

    init(_ target: String) {
        let halves = target.split(separator: "?", maxSplits: 1)
        path = String(halves.first ?? "")
        guard halves.count > 1 else { return }
        for pair in halves[1].split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            query[Self.decoded(sides[0])] = sides.count > 1 ? Self.decoded(sides[1]) : ""
        }
    }

    /// `/api/v1/pods`, `/apis/apps/v1/namespaces/shop/replicasets/web-1`: nil when there is no such resource.
    func place(in resources: Set<FakeResource>) -> Place? {
        var rest = path.split(separator: "/").map(String.init)[...]
        var group = ""
        switch rest.popFirst() {
        case "api": break
        case "apis": group = rest.popFirst() ?? ""
        default: return nil
        }
        guard let version = rest.popFirst() else { return nil }
        var selection = FakeSelection()
        if rest.first == "namespaces", rest.count > 2 {
            rest.removeFirst()
            selection.namespace = rest.removeFirst()
        }
        guard let plural = rest.popFirst(), rest.count <= 1,
            let resource = resources.first(where: { $0.group == group && $0.version == version && $0.plural == plural })
        else { return nil }
        selection.labels = Self.pairs(query["labelSelector"])
        selection.fields = Self.pairs(query["fieldSelector"])
        return Place(resource: resource, selection: selection, name: rest.first)
    }

    /// `a=b,c=d`: what this server knows of selectors.
    private static func pairs(_ text: String?) -> [String: String] {
        var pairs: [String: String] = [:]
        for pair in (text ?? "").split(separator: ",") {
            let sides = pair.split(separator: "=").map(String.init)
            if sides.count == 2 { pairs[sides[0]] = sides[1] }
        }
        return pairs
    }

    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
