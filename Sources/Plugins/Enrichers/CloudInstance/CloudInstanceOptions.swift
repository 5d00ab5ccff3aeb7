// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

/// What users write for `cloud_instance`.
public struct CloudInstanceOptions: PluginOptions {
    /// Which cloud it is.
    enum Provider: Equatable, Sendable {
        /// What the firmware says.
        case auto
        /// No cloud, or none that may be asked.
        case none
        case named(String)

        init?(_ text: String) {
            switch text {
            case "auto": self = .auto
            case "none": self = .none
            default:
                guard MetadataProvider.named(text) != nil else { return nil }
                self = .named(text)
            }
        }

        static var words: [String] { ["auto", "none"] + MetadataProvider.all.map(\.name) }
    }

    var provider = Provider.auto
    /// What is set by hand; nothing else is asked for.
    var values: [CloudField: String] = [:]
    /// Ranges of this host that no interface has: containers behind a bridge.
    public var local: [CIDR] = []
    /// How often the service is asked again.
    public var refresh: Duration = .seconds(600)
    /// Instead of the provider's own address; empty for that.
    public var endpoint = ""
    /// Where sysfs is mounted.
    public var sysRoot = "/sys"

    public init() {}

    public mutating func read(_ section: inout ConfigSection) {
        if let node = section.take("provider"), let text: String = section.scalar(node) {
            if let known = Provider(text) {
                provider = known
            } else {
                let words = Provider.words
                section.note(
                    .badValue, "'\(text)' is not one of \(words.joined(separator: ", "))\(Suggestion.suffix(for: text, among: words))",
                    at: node.position)
            }
        }
        for field in CloudField.settable {
            guard let node = section.take(field.rawValue), let text: String = section.scalar(node) else { continue }
            if text != text.cleaned {
                section.note(.badValue, "\(field.rawValue) has at most 256 bytes and no control characters", at: node.position)
            } else if !text.isEmpty {
                values[field] = text
            }
        }
        section.read("local", into: &local)
        section.read("refresh", into: &refresh, in: .seconds(300) ... .seconds(86_400))
        if let node = section.take("endpoint"), let text: String = section.scalar(node) {
            if text.isEmpty || Self.isAddress(text) {
                endpoint = text.hasSuffix("/") ? String(text.dropLast()) : text
            } else {
                section.note(
                    .badValue, "'\(text)' is not the address of a service such as http://127.0.0.1:1338, without user, query or fragment",
                    at: node.position)
            }
        }
        if let node = section.take("sys_root"), let path: String = section.scalar(node) {
            if path.hasPrefix("/") {
                sysRoot = path.hasSuffix("/") ? String(path.dropLast()) : path
            } else {
                section.note(.badValue, "'\(path)' is not a path that begins with /", at: node.position)
            }
        }
    }

    private static func isAddress(_ text: String) -> Bool {
        guard let scheme = ["http://", "https://"].first(where: text.hasPrefix) else { return false }
        let rest = text.dropFirst(scheme.count)
        return !rest.isEmpty && rest.first != "/" && rest.utf8.allSatisfy { (0x21...0x7e).contains($0) && !Set("?#@\"<>\\".utf8).contains($0) }
    }

    /// The rows that may apply: all where the firmware decides.
    var candidates: [MetadataProvider] {
        switch provider {
        case .auto: MetadataProvider.all
        case .none: []
        case .named(let name): MetadataProvider.named(name).map { [$0] } ?? []
        }
    }

    /// Whether `provider` has anything to say that is not set by hand already.
    func asks(_ provider: MetadataProvider) -> Bool {
        CloudField.settable.contains { values[$0] == nil && provider.fields.contains($0) }
    }
}
