// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// A named fact about one end of a flow, or about the flow: `zone`, `owner.name`, `traffic.scope`.
///
/// Declared, never spelled: what users may select is what some stage or the pipeline declares, so that a
/// misspelt name is an error with a suggestion. Two attributes are the same when name and subject are.
public struct Attribute: Sendable {
    /// What the fact is about.
    public enum Subject: Sendable, Hashable {
        /// One end: users select it as `src.zone` and `dst.zone`.
        case endpoint
        /// Both ends or the counters: users select it by its own name.
        case flow
    }

    public let name: String
    public let subject: Subject
    /// One sentence for `weir plugins describe` and `weir explain`.
    public let help: String
    /// What the kernel's key must hold for this attribute to exist.
    public let needs: KeyFields
    /// How many different values there can be where that is known when the configuration is read.
    public let valueCount: Int?

    public static func endpoint(_ name: String, _ help: String = "", needs: KeyFields = []) -> Attribute {
        Attribute(name: name, subject: .endpoint, help: help, needs: needs, valueCount: nil)
    }

    public static func flow(_ name: String, _ help: String = "", needs: KeyFields = [], valueCount: Int? = nil) -> Attribute {
        Attribute(name: name, subject: .flow, help: help, needs: needs, valueCount: valueCount)
    }
}

extension Attribute: Hashable {
    public static func == (a: Attribute, b: Attribute) -> Bool { a.name == b.name && a.subject == b.subject }
    public func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(subject)
    }
}

/// The parts of the kernel's key beside the two addresses. More fields, more map entries: the plan asks for
/// those that some selected attribute, filter or rule needs and for no others.
public struct KeyFields: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let ports = KeyFields(rawValue: 1)
    public static let transport = KeyFields(rawValue: 2)
    public static let owner = KeyFields(rawValue: 4)
    public static let interface = KeyFields(rawValue: 8)
    /// Who opened the connection; needs ports and transport too.
    public static let initiator = KeyFields(rawValue: 16 | 1 | 2)

    /// Each field in a word, for `weir explain`.
    public static let named: [(field: KeyFields, name: String)] = [
        (.ports, "ports"), (.transport, "transport"), (.owner, "owner"), (.interface, "interface"), (.initiator, "initiator"),
    ]

    public var names: [String] { Self.named.filter { isSuperset(of: $0.field) }.map(\.name) }
}

/// One of the two ends of a flow.
public enum End: UInt8, Sendable, Hashable, CaseIterable {
    case source, destination

    /// What users write: `src`, `dst`.
    public var prefix: String { self == .source ? "src" : "dst" }
}

/// An attribute as users select it: an endpoint's with its end, a flow's alone.
public struct SelectedAttribute: Hashable, Sendable {
    public let attribute: Attribute
    /// Nil exactly when the attribute is about the flow.
    public let end: End?

    public init(_ attribute: Attribute, _ end: End? = nil) {
        precondition((attribute.subject == .endpoint) == (end != nil), "an end goes with endpoint attributes, and with those alone")
        self.attribute = attribute
        self.end = end
    }

    /// `src.zone`, `k8s.dst.namespace`, `traffic.scope`: the end stands behind `k8s.`, as Beyla's users know it.
    public var name: String {
        guard let end else { return attribute.name }
        if attribute.name.hasPrefix("k8s.") { return "k8s.\(end.prefix).\(attribute.name.dropFirst(4))" }
        return "\(end.prefix).\(attribute.name)"
    }
}
