// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit
internal import WeirPipeline

extension TestReader {
    /// When the first window of a case begins: 2026-01-01T00:00:00Z.
    private static let start: UInt64 = 1_767_225_600_000_000_000
    private static let mostWindows = 1000

    /// `flows:`, a list of flows in the words of JSON lines, with `src` and `dst` for addresses with ports and `window` for those of
    /// later windows.
    func read(flows node: ConfigNode, of test: TestCase) -> [OfflineWindow] {
        guard case .list(let items) = node.content else {
            problems.note(
                .wrongShape, "expected a list of flows such as { src: 10.0.0.4, dst: 10.0.0.23:80, bytes: 1357 }, found \(node.kindName)",
                at: node.position)
            return []
        }
        var table = PrefixTable<Bool>()
        for cidr in test.local { table.insert(cidr, true) }
        var interfaces: [String] = []
        var windows: [OfflineWindow] = []
        var last = 1
        var total = FlowTotal()
        for item in items {
            guard let entries = entries(item, "a flow such as { src: 10.0.0.4, dst: 10.0.0.23:80, bytes: 1357 }") else { continue }
            let before = problems.count
            var draft = FlowDraft()
            for entry in entries { set(entry, in: &draft, &last) }
            guard problems.count == before else { continue }
            switch draft.flow(local: table, hasLocal: !test.local.isEmpty) {
            case .failure(let lack):
                // As users of this form write them.
                let names = lack.names.map { $0 == "src.address" ? "src" : $0 == "dst.address" ? "dst" : $0 }
                problems.note(.missingKey, "'\(names.joined(separator: "', '"))' \(names.count == 1 ? "is" : "are") missing here", at: item.position)
            case .success(var flow):
                if let measure = total.add(flow) {
                    problems.note(
                        .badValue,
                        "with this flow the \(measure == .bytes ? "bytes" : "packets") of the case add up to 2^63 or more, which is more than is counted",
                        at: item.position)
                    return []
                }
                flow.sourceOwner = test.names.owner(draft.source)
                flow.destinationOwner = test.names.owner(draft.destination)
                if !draft.interface.isEmpty {
                    if !interfaces.contains(draft.interface) { interfaces.append(draft.interface) }
                    flow.interfaceIndex = UInt32(interfaces.firstIndex(of: draft.interface)! + 1)
                }
                while windows.count < last {
                    let length = UInt64(window.nanoseconds)
                    let from = Self.start + UInt64(windows.count) * length
                    windows.append(OfflineWindow(range: from..<from + length, flows: []))
                }
                windows[last - 1].flows.append(flow)
            }
        }
        for index in windows.indices {
            windows[index].interfaceNames = Dictionary(uniqueKeysWithValues: interfaces.enumerated().map { (UInt32($0 + 1), $1) })
        }
        return windows
    }

    private func set(_ entry: ConfigNode.Entry, in draft: inout FlowDraft, _ window: inout Int) {
        guard let name = entry.key.text, let value = text(entry.value) else { return }
        switch name {
        case "window":
            guard let number = Int(value), (window...Self.mostWindows).contains(number) else {
                return problems.note(
                    .badValue, "'\(value)' is not the number of a window from \(window), that of the flow before, to \(Self.mostWindows)",
                    at: entry.value.position)
            }
            window = number
        case "src", "dst":
            let end = name == "src" ? End.source : End.destination
            let (address, port) = Self.split(value)
            if let message = draft.set(.address(end), address) { return problems.note(.badValue, message, at: entry.value.position) }
            if let port, let message = draft.set(.port(end), port) { problems.note(.badValue, message, at: entry.value.position) }
        case "time":
            problems.note(.unknownKey, "a flow of a case has a 'window', 1 being the first, and no time", at: entry.key.position)
        default:
            guard let field = FlowField.named(name, in: catalog) else {
                let hint = Suggestion.suffix(for: name, among: ["src", "dst", "window"] + FlowField.names(in: catalog))
                return problems.note(.unknownAttribute, "a flow has no '\(name)'\(hint)", at: entry.key.position)
            }
            if field == .derived || field == .plugged {
                return problems.note(.conflict, "'\(name)' is what comes out: write it under 'expect'", at: entry.key.position)
            }
            if let message = draft.set(field, value) { problems.note(.badValue, message, at: entry.value.position) }
        }
    }

    /// `10.0.0.4:80`, `[2001:db8::1]:80`, or an address alone.
    private static func split(_ text: String) -> (address: String, port: String?) {
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            let rest = text[text.index(after: end)...]
            return (String(text[text.index(after: text.startIndex)..<end]), rest.hasPrefix(":") ? String(rest.dropFirst()) : nil)
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count == 2 ? (String(parts[0]), String(parts[1])) : (text, nil)
    }

    /// `answers:`: by address, range or cgroup, or the same below the name of a stage that then is not asked itself.
    func read(answers node: ConfigNode) -> [GivenAnswer] { read(answers: node, of: nil) }

    private func read(answers node: ConfigNode, of stage: String?) -> [GivenAnswer] {
        var found: [GivenAnswer] = []
        for entry in entries(node, "addresses with what is known of them") ?? [] {
            guard let key = text(entry.key) else { continue }
            if stage == nil, stages.contains(key) {
                let inner = read(answers: entry.value, of: key)
                // A stage that is given nothing at all knows nothing.
                found += inner.isEmpty ? [GivenAnswer(stage: key, range: CIDR("::/0")!, answers: [])] : inner
                continue
            }
            if let range = CIDR(key) {
                found.append(GivenAnswer(stage: stage, range: range, answers: attributes(entry.value)))
            } else if key.hasPrefix("cgroup "), let id = UInt64(key.dropFirst(7)), id > 0, id < RecordedNames.mark {
                let answers = attributes(entry.value)
                for range in ["0.0.0.0/0", "::/0"] { found.append(GivenAnswer(stage: stage, range: CIDR(range)!, cgroup: id, answers: answers)) }
            } else {
                let hint = Suggestion.suffix(for: key, among: stages)
                let list = hint.isEmpty && !stages.isEmpty ? " (\(stages.joined(separator: ", ")))" : hint
                let orStage = stage == nil ? ", nor a stage of this configuration\(list)" : ""
                problems.note(
                    .badValue, "'\(key)' is not an address, a range such as 10.0.0.0/8, a cgroup such as 'cgroup 17'\(orStage)",
                    at: entry.key.position)
            }
        }
        return found
    }

    /// `{ owner.name: frontend, zone: pending }`.
    private func attributes(_ node: ConfigNode) -> [(attribute: Attribute, answer: Answer)] {
        (entries(node, "attributes such as { zone: eu-west-1a }") ?? []).compactMap { entry in
            guard let name = text(entry.key), let value = text(entry.value, "a text, absent or pending") else { return nil }
            let ends = catalog.all.filter { $0.end == .source }.map(\.attribute)
            guard let attribute = ends.first(where: { Catalog.normal($0.name) == Catalog.normal(name) }) else {
                let plain = name.hasPrefix("src.") || name.hasPrefix("dst.") ? String(name.dropFirst(4)) : name
                let hint =
                    ends.contains { $0.name == plain }
                    ? "; an answer is about one end: write '\(plain)'" : Suggestion.suffix(for: name, among: ends.map(\.name))
                problems.note(.unknownAttribute, "no stage answers '\(name)'\(hint)", at: entry.key.position)
                return nil
            }
            return (attribute, value == "absent" ? .absent : value == "pending" ? .pending : .text(value))
        }
    }
}
