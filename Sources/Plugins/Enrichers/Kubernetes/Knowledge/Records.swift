// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// What is kept of a pod: a hundred bytes and its name. Numbers are those of interned texts.
struct PodRecord: TableRecord {
    /// A pod has at most one address of each family.
    static let maxAddresses = 2

    var uid: ObjectUID
    var name: String
    var namespace: UInt32
    var node: UInt32 = 0
    /// Of `Controllers`; 0 for none.
    var controller: UInt32 = 0
    var labels: UInt32 = 0
    var isHostNetwork = false
    /// Whether it may still answer for an address that it lost.
    var hasFormerAddress = false
    var mark: UInt32 = 0
    var goneAt = Double.infinity
    /// Those that are its own, so none where it has its node's, and none once it is completed. `.zero` for none.
    var address = IPAddress.zero
    var otherAddress = IPAddress.zero
    /// Those of its node, as the pod has them: of `hostSets`.
    var hosts: UInt32 = 0

    var addresses: [IPAddress] { [address, otherAddress].filter { $0 != .zero } }
    /// Whether it shows the first address of its node's object, since it has none of its own.
    var asksNode: Bool { node != 0 && hosts == 0 }
}

struct NodeRecord: TableRecord {
    var uid: ObjectUID
    var name: UInt32
    var addresses: [IPAddress]
    var primary: IPAddress?
    var labels: UInt32
    /// Whether the node selector matches it: an agent counts what it sends.
    var isCovered: Bool
    var ranges: [CIDR]
    var mark: UInt32 = 0
    var goneAt = Double.infinity
}

struct ServiceRecord: TableRecord {
    var uid: ObjectUID
    var name: String
    var namespace: UInt32
    var addresses: [IPAddress]
    var mark: UInt32 = 0
    var goneAt = Double.infinity
}

struct NamespaceRecord: TableRecord {
    var uid: ObjectUID
    var name: UInt32
    var labels: UInt32
    var mark: UInt32 = 0
    var goneAt = Double.infinity
}

extension IPAddress {
    /// `::`, which no pod has.
    package static let zero = IPAddress(high: 0, low: 0)
}
