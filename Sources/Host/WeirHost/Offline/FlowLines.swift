// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PlainJSON
internal import WeirKit
internal import WeirPipeline

/// Flows from JSON lines, as `json_lines` writes them: lines of one time, one behind the other, are a window.
struct FlowLines: ~Copyable {
    /// More flows of a window are handed on in parts.
    private static let mostFlows = 65_536
    /// Problems beyond these are counted.
    static let mostProblems = 20

    private let file: String
    private let catalog: Catalog
    private let names: RecordedNames
    private let windowLength: UInt64
    private let local: PrefixTable<Bool>
    private let hasLocal: Bool
    private var lines: LineStream
    private var fields: [String: FlowField?] = [:]
    /// The first flow of the next window, already read.
    private var ahead: (time: UInt64, flow: CapturedFlow)?
    private var time: UInt64
    private var interfaces: [String: UInt32] = [:]
    /// Those that no window has said yet.
    private var newInterfaces: [UInt32: String] = [:]
    private(set) var problems: [ConfigProblem] = []
    private(set) var problemCount = 0
    private(set) var texts = SourceTexts()
    /// Names that nothing in the configuration has, with the number of their lines.
    private(set) var unused: [String: Int] = [:]
    private(set) var flowCount = 0
    private var total: FlowTotal
    /// Said once: what follows is read only to say what else is wrong.
    private var isTooMuch = false

    init(
        _ input: consuming InputFile, file: String, catalog: Catalog, names: RecordedNames, window: Duration, local: [CIDR],
        limit: UInt64 = FlowTotal.limit
    ) {
        lines = LineStream(input)
        self.file = file
        self.catalog = catalog
        self.names = names
        windowLength = UInt64(window.nanoseconds)
        time = windowLength
        total = FlowTotal(limit: limit)
        var table = PrefixTable<Bool>()
        for cidr in local { table.insert(cidr, true) }
        self.local = table
        hasLocal = !local.isEmpty
    }

    /// The next window, or a part of it; nil behind the last line, and from the first problem on.
    mutating func next() throws(SystemError) -> OfflineWindow? {
        var window: OfflineWindow?
        if let (time, flow) = ahead {
            window = begin(time, flow)
            ahead = nil
        }
        while problemCount == 0, let flow = try nextFlow(), problemCount == 0 {
            guard window != nil else {
                window = begin(time, flow)
                continue
            }
            if time != window?.range.upperBound {
                ahead = (time, flow)
                break
            }
            if (window?.flows.count ?? 0) >= Self.mostFlows {
                ahead = (time, flow)
                window?.isEarly = true
                break
            }
            window?.flows.append(flow)
        }
        window?.interfaceNames = newInterfaces
        if window != nil { newInterfaces = [:] }
        return window
    }

    /// Reads what is left only to say what else is wrong.
    mutating func readOn() throws(SystemError) { while problems.count < Self.mostProblems, try nextFlow() != nil {} }

    private func begin(_ time: UInt64, _ flow: CapturedFlow) -> OfflineWindow {
        OfflineWindow(range: (time > windowLength ? time - windowLength : 0)..<max(time, 1), flows: [flow])
    }

    /// The next line that holds a flow; its time is in `time`.
    private mutating func nextFlow() throws(SystemError) -> CapturedFlow? {
        while let line = try lines.next() {
            switch line {
            case .tooLong: note("the line is longer than \(ByteCount(LineStream.limit).configText), which is the most that is read", 0, [])
            case .bytes(let bytes):
                if bytes.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }) { continue }
                if let flow = read(bytes) { return flow }
            }
            if problems.count >= Self.mostProblems { return nil }
        }
        return nil
    }

    private mutating func note(_ message: String, _ offset: Int, _ line: [UInt8]) {
        problemCount += 1
        guard problems.count < Self.mostProblems else { return }
        let column = line.prefix(offset).count { $0 & 0xC0 != 0x80 } + 1
        let position = ConfigPosition(file: file, line: lines.number, column: column)
        problems.append(ConfigProblem(.badValue, message, at: position))
        texts.keep(line, as: file, line: lines.number)
    }

    private mutating func read(_ line: [UInt8]) -> CapturedFlow? {
        guard String(validating: line, as: UTF8.self) != nil else {
            note("the line is not UTF-8 text", 0, [])
            return nil
        }
        var draft = FlowDraft()
        var found: [(name: String, value: JSONReader.Text, offset: Int)] = []
        var reader = JSONReader(line)
        do throws(JSONReader.Problem) {
            try reader.object(orSay: "expected '{': a line is one flow such as {\"src.address\":\"10.0.0.4\",…,\"bytes\":1357}") {
                (reader, key) throws(JSONReader.Problem) in
                found.append((key.text, try reader.value(), key.offset))
            }
            try reader.end("expected the end of the line behind the flow")
        } catch {
            note(error.message, error.offset, line)
            return nil
        }
        let before = problemCount
        var seen: Set<FlowField> = []
        for (name, value, offset) in found {
            guard let field = field(name) else {
                let shown = name.shortened
                if unused.count < 100 || unused[shown] != nil { unused[shown, default: 0] += 1 }
                continue
            }
            if field != .derived, field != .plugged, !seen.insert(field).inserted {
                note("'\(name)' stands here twice", offset, line)
            } else if value.isQuoted || !value.text.isEmpty, let message = draft.set(field, value.text) {
                note(message, value.offset, line)
            }
        }
        guard problemCount == before else { return nil }
        switch draft.flow(local: local, hasLocal: hasLocal) {
        case .failure(let lack):
            note(
                "\(lack.names.joined(separator: ", ")) \(lack.names.count == 1 ? "is" : "are") missing: without \(lack.names.count == 1 ? "it" : "them") there is no flow",
                0, line)
            return nil
        case .success(var flow):
            if !isTooMuch, let measure = total.add(flow) {
                isTooMuch = true
                let place = found.first { fields[$0.name] == measure }
                let name = measure == .bytes ? "bytes" : "packets"
                note(
                    "the \(name) of this file add up to \(total.limit) or more, which is more than is counted: split it", place?.value.offset ?? 0,
                    line)
                return nil
            }
            flow.sourceOwner = names.owner(draft.source)
            flow.destinationOwner = names.owner(draft.destination)
            flow.interfaceIndex = interface(draft.interface)
            time = draft.time ?? time
            flowCount += 1
            return flow
        }
    }

    private mutating func field(_ name: String) -> FlowField? {
        // No name of an attribute is that long, and what is looked up is copied.
        if name.utf8.count > String.longestValue { return nil }
        if let known = fields[name] { return known }
        let field = FlowField.named(name, in: catalog)
        // Hostile names must not gather here; real ones are few.
        if fields.count < 1000 { fields[name] = .some(field) }
        return field
    }

    /// Names get numbers in the order of their lines; far more than any host has are one.
    private mutating func interface(_ name: String) -> UInt32 {
        if name.isEmpty { return 0 }
        if let known = interfaces[name] { return known }
        guard interfaces.count < 65_536 else { return 0 }
        let number = UInt32(interfaces.count + 1)
        interfaces[name] = number
        newInterfaces[number] = name
        return number
    }
}
