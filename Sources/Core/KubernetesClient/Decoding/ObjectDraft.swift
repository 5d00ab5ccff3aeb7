// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PlainJSON
internal import WeirKit

/// What was read of one object so far. One for a whole list: it is emptied, not made anew.
package struct ObjectDraft {
    /// The most addresses or ranges that are kept of one list of an object.
    static let maxListed = 256

    let labelNames: [String]
    private var pool = TextPool()

    var uid = ""
    var namespace = ""
    var name = ""
    var resourceVersion = ""
    var deletion: UInt64?
    var controller: OwnerReference?
    private var owner = OwnerReference(apiVersion: "", kind: "", name: "", uid: "")
    private var ownerIsController = false
    private var labelValues: [String?]
    private var hasLabels = false

    var nodeName = ""
    var hostNetwork = false
    var phase = ""
    var start: UInt64?
    var staticUID = ""
    /// `podIPs`, `clusterIPs`.
    var addresses: [IPAddress] = []
    /// `podIP`, `clusterIP`: for servers that do not know the list yet.
    var singleAddress: IPAddress?
    /// `hostIPs`, `externalIPs`.
    var otherAddresses: [IPAddress] = []
    var singleOtherAddress: IPAddress?
    var ingressAddresses: [IPAddress] = []
    var nodeAddresses: [Node.Address] = []
    private var nodeAddressKind = ""
    private var nodeAddress: IPAddress?
    var ranges: [CIDR] = []
    var singleRange: CIDR?
    var providerID = ""
    var serviceKind = ""
    var creation: UInt64?

    var status = APIStatus()
    /// A value of another kind than it should be: the object is not to be trusted.
    var isMalformed = false
    /// Values that were left out: an address that is none, a text that is too long.
    var badValues = 0

    init(labelNames: [String]) {
        self.labelNames = labelNames
        labelValues = Array(repeating: nil, count: labelNames.count)
    }

    /// Wants what every object has: `metadata`, at `path`.
    static func want(_ tree: inout FieldTree, at path: [FieldTree.Step], labels: [String]) {
        let meta = path + ["metadata"]
        tree.want(meta + ["name"], as: Field.name)
        tree.want(meta + ["namespace"], as: Field.namespace)
        tree.want(meta + ["uid"], as: Field.uid)
        tree.want(meta + ["resourceVersion"], as: Field.resourceVersion)
        tree.want(meta + ["deletionTimestamp"], as: Field.deletion)
        let owner = meta + ["ownerReferences", .each]
        tree.want(owner + ["apiVersion"], as: Field.ownerVersion)
        tree.want(owner + ["kind"], as: Field.ownerKind)
        tree.want(owner + ["name"], as: Field.ownerName)
        tree.want(owner + ["uid"], as: Field.ownerUID)
        tree.want(owner + ["controller"], as: Field.ownerIsController)
        tree.wantEnd(of: owner, as: Field.ownerEnd)
        for (index, label) in labels.enumerated() { tree.want(meta + ["labels", .key(label)], as: Field.firstLabel + index) }
    }

    /// Nil when the object has no name.
    var meta: ObjectMeta? {
        guard !uid.isEmpty, !name.isEmpty else { return nil }
        var labels = Labels()
        if hasLabels {
            for (name, value) in zip(labelNames, labelValues) where value != nil { labels[name] = value }
        }
        return ObjectMeta(uid: uid, namespace: namespace, name: name, labels: labels, controller: controller, deletion: deletion)
    }

    /// Ready for the next object.
    mutating func empty() {
        uid = ""
        namespace = ""
        name = ""
        resourceVersion = ""
        deletion = nil
        controller = nil
        owner = OwnerReference(apiVersion: "", kind: "", name: "", uid: "")
        ownerIsController = false
        if hasLabels {
            for index in labelValues.indices { labelValues[index] = nil }
            hasLabels = false
        }
        nodeName = ""
        hostNetwork = false
        phase = ""
        start = nil
        staticUID = ""
        addresses = []
        singleAddress = nil
        otherAddresses = []
        singleOtherAddress = nil
        ingressAddresses = []
        nodeAddresses = []
        nodeAddressKind = ""
        nodeAddress = nil
        ranges = []
        singleRange = nil
        providerID = ""
        serviceKind = ""
        creation = nil
        status = APIStatus()
        isMalformed = false
        badValues = 0
    }

    /// Takes a value. Called some twenty times per object.
    mutating func take(_ field: Int, _ text: [UInt8]) {
        switch field {
        case Field.uid: uid = plain(text)
        case Field.namespace: namespace = shared(text)
        case Field.name: name = plain(text)
        case Field.resourceVersion: resourceVersion = plain(text)
        case Field.deletion: deletion = time(text)
        case Field.ownerVersion: owner.apiVersion = shared(text)
        case Field.ownerKind: owner.kind = shared(text)
        case Field.ownerName: owner.name = shared(text)
        case Field.ownerUID: owner.uid = shared(text)
        case Field.ownerIsController: ownerIsController = text.elementsEqual("true".utf8)
        case Field.nodeName: nodeName = shared(text)
        case Field.hostNetwork: hostNetwork = text.elementsEqual("true".utf8)
        case Field.phase: phase = shared(text)
        case Field.start: start = time(text)
        case Field.staticUID: staticUID = plain(text)
        case Field.podAddress, Field.clusterAddress: singleAddress = address(text)
        case Field.podAddresses, Field.clusterAddresses: note(address(text), in: \.addresses)
        case Field.hostAddress: singleOtherAddress = address(text)
        case Field.hostAddresses, Field.externalAddress: note(address(text), in: \.otherAddresses)
        case Field.ingressAddress: note(address(text), in: \.ingressAddresses)
        case Field.nodeAddressKind: nodeAddressKind = shared(text)
        // Host names stand there too, and are no mistake.
        case Field.nodeAddress: nodeAddress = IPAddress(String(decoding: text, as: UTF8.self))
        case Field.podRange: singleRange = range(text)
        case Field.podRanges: note(range(text), in: \.ranges)
        case Field.providerID: providerID = plain(text, limit: 1024)
        case Field.serviceKind: serviceKind = shared(text)
        case Field.creation: creation = time(text)
        case Field.code: status.code = Int(String(decoding: text, as: UTF8.self)) ?? 0
        case Field.reason: status.reason = plain(text)
        case Field.message: status.message = plain(text, limit: 8192)
        case Field.retryAfter: status.retryAfterSeconds = Int(String(decoding: text, as: UTF8.self))
        case Field.firstLabel..<Field.firstLabel + labelNames.count:
            labelValues[field - Field.firstLabel] = shared(text)
            hasLabels = true
        default: break
        }
    }

    /// The end of an object in the object.
    mutating func end(_ field: Int) {
        switch field {
        case Field.ownerEnd:
            if ownerIsController { controller = owner }
            owner = OwnerReference(apiVersion: "", kind: "", name: "", uid: "")
            ownerIsController = false
        case Field.nodeAddressEnd:
            if let nodeAddress { note(Node.Address(Node.Address.Kind(rawValue: nodeAddressKind) ?? .other, nodeAddress), in: \.nodeAddresses) }
            nodeAddressKind = ""
            nodeAddress = nil
        default: break
        }
    }

    /// A value that is too long to be kept.
    mutating func leaveOut() { badValues += 1 }

    private mutating func plain(_ text: [UInt8], limit: Int = ValueText.maxBytes) -> String {
        if let value = ValueText.read(text, limit: limit) { return value }
        badValues += 1
        return ""
    }

    /// A text that many objects have.
    private mutating func shared(_ text: [UInt8]) -> String {
        if let value = pool.text(text) { return value }
        badValues += 1
        return ""
    }

    private mutating func time(_ text: [UInt8]) -> UInt64? {
        let time = RFC3339.nanoseconds(String(decoding: text, as: UTF8.self))
        if time == nil { badValues += 1 }
        return time
    }

    private mutating func address(_ text: [UInt8]) -> IPAddress? {
        // What a headless service has, and a pod before it has one.
        if text.isEmpty || text.elementsEqual("None".utf8) { return nil }
        let address = IPAddress(String(decoding: text, as: UTF8.self))
        if address == nil { badValues += 1 }
        return address
    }

    private mutating func range(_ text: [UInt8]) -> CIDR? {
        if text.isEmpty { return nil }
        let range = CIDR(String(decoding: text, as: UTF8.self))
        if range == nil { badValues += 1 }
        return range
    }

    private mutating func note<Value>(_ value: Value?, in list: WritableKeyPath<ObjectDraft, [Value]>) {
        guard let value else { return }
        guard self[keyPath: list].count < Self.maxListed else { return badValues += 1 }
        self[keyPath: list].append(value)
    }
}
