// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// What names an object for good: a name may be used again, a uid never is.
package struct ObjectIdentity: Hashable, Sendable {
    package var uid: String
    /// Empty for objects of the whole cluster.
    package var namespace: String
    package var name: String

    package init(uid: String, namespace: String, name: String) {
        self.uid = uid
        self.namespace = namespace
        self.name = name
    }
}

/// What is kept of every object's `metadata`. Texts are at most 256 bytes of UTF-8.
package struct ObjectMeta: Hashable, Sendable {
    package var uid: String
    /// Empty for objects of the whole cluster.
    package var namespace: String
    package var name: String
    /// Only the labels that were asked for.
    package var labels: Labels
    /// The owner that is marked as the controller; others are not kept.
    package var controller: OwnerReference?
    /// Nanoseconds since 1970: when the object goes, its grace period included; nil for one that stays.
    package var deletion: UInt64?

    package init(
        uid: String, namespace: String = "", name: String, labels: Labels = Labels(), controller: OwnerReference? = nil, deletion: UInt64? = nil
    ) {
        self.uid = uid
        self.namespace = namespace
        self.name = name
        self.labels = labels
        self.controller = controller
        self.deletion = deletion
    }

    package var identity: ObjectIdentity { ObjectIdentity(uid: uid, namespace: namespace, name: name) }
}

/// The controller of an object, in its namespace or of the whole cluster.
package struct OwnerReference: Hashable, Sendable {
    /// `apps/v1`; `v1` for the core group.
    package var apiVersion: String
    package var kind: String
    package var name: String
    package var uid: String

    package init(apiVersion: String, kind: String, name: String, uid: String) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.name = name
        self.uid = uid
    }
}

/// The labels of an object that were asked for, of which there are few: a list beats a table.
package struct Labels: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    package struct Label: Hashable, Sendable {
        package var name: String
        package var value: String
    }

    /// In the order in which they were asked for.
    package private(set) var all: [Label] = []

    package init() {}

    package init(dictionaryLiteral elements: (String, String)...) {
        for (name, value) in elements { self[name] = value }
    }

    package subscript(name: String) -> String? {
        get { all.first { $0.name == name }?.value }
        set {
            if let index = all.firstIndex(where: { $0.name == name }) {
                if let newValue { all[index].value = newValue } else { all.remove(at: index) }
            } else if let newValue {
                all.append(Label(name: name, value: newValue))
            }
        }
    }

    package var isEmpty: Bool { all.isEmpty }
}
