// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit
internal import WeirPipeline

/// A flow that is being read from a line or a test, field by field.
struct FlowDraft {
    /// The end of the window in which it was counted, nanoseconds since 1970; nil where it was not said.
    private(set) var time: UInt64?
    private(set) var source = RecordedNames.Known()
    private(set) var destination = RecordedNames.Known()
    /// The name of the interface; empty where it was not said.
    private(set) var interface = ""
    private var addresses: (IPAddress?, IPAddress?)
    private var ports: (UInt16?, UInt16?)
    private var services: (IPAddress?, IPAddress?)
    private var clientPort: UInt16?
    private var serverPort: UInt16?
    private var bytes: UInt64?
    private var packets: UInt64?
    private var transport: UInt8 = 0
    private var observer: Observer?
    private var initiator = Initiator.unknown
    private var initiatorSource = InitiatorSource.none

    /// Notes one field; what is wrong with its text, or nil.
    mutating func set(_ field: FlowField, _ whole: String) -> String? {
        // What is no name is short, and is quoted where it is wrong.
        let text = whole.shortened
        switch field {
        case .time:
            guard let found = RFC3339.nanoseconds(text) else { return "'\(text)' is not a time such as 2026-01-02T03:04:05.678Z" }
            time = found
        case .bytes: return number(text, "bytes", into: &bytes)
        case .packets: return number(text, "packets", into: &packets)
        case .address(.source): return value(text, into: &addresses.0)
        case .address(.destination): return value(text, into: &addresses.1)
        case .port(.source): return port(text, into: &ports.0)
        case .port(.destination): return port(text, into: &ports.1)
        case .service(.source): return value(text, into: &services.0)
        case .service(.destination): return value(text, into: &services.1)
        case .clientPort: return port(text, into: &clientPort)
        case .serverPort: return port(text, into: &serverPort)
        case .cgroup(let end):
            guard let id = UInt64(text), id < RecordedNames.mark else { return "'\(text)' is not the number of a cgroup such as 4711" }
            if end == .source { source.cgroup = id } else { destination.cgroup = id }
        case .transport:
            guard let found = Self.transport(text) else { return "'\(text)' is not an IP protocol such as TCP, UDP or 47" }
            transport = found
        case .observer: return word(text, Observer.allCases.map { ($0.name, $0) }) { observer = $0 }
        case .initiator: return word(text, Initiator.allCases.map { ($0.name, $0) }) { initiator = $0 }
        case .direction: return word(text, Initiator.allCases.map { ($0.direction, $0) }) { initiator = $0 }
        case .initiatorSource: return word(text, InitiatorSource.allCases.map { ($0.name, $0) }) { initiatorSource = $0 }
        case .interface: interface = whole.cleaned
        case .recorded(let attribute, .source): source.texts[attribute] = Self.kept(whole)
        case .recorded(let attribute, .destination): destination.texts[attribute] = Self.kept(whole)
        case .derived, .plugged: break
        }
        return nil
    }

    /// The flow, or what it lacks. `local` are the addresses of the host that saw it: they decide the observer where nothing was
    /// written; without them the sender's host saw it.
    func flow(local: PrefixTable<Bool>, hasLocal: Bool) -> Result<CapturedFlow, Lack> {
        var missing: [String] = []
        if addresses.0 == nil { missing.append("src.address") }
        if addresses.1 == nil { missing.append("dst.address") }
        if bytes == nil { missing.append("bytes") }
        guard let from = addresses.0, let to = addresses.1, let bytes else { return .failure(Lack(names: missing)) }
        let isLocal = (local.longest(from) != nil, local.longest(to) != nil)
        let seen: Observer =
            switch isLocal {
            case (true, true): .both
            case (true, false): .source
            case (false, true): .destination
            case (false, false): hasLocal ? .transit : .source
            }
        var flow = CapturedFlow(source: from, destination: to, bytes: bytes, packets: packets ?? 1, observer: observer ?? seen)
        flow.sourceIsHost = isLocal.0
        flow.destinationIsHost = isLocal.1
        flow.transport = transport
        flow.initiator = initiator
        flow.initiatorSource = initiatorSource
        if let service = services.1 ?? services.0 {
            flow.service = service
            // The dialled end is the one that answers, so only one of the two has it.
            flow.serviceEnd = services.1 == nil ? .source : .destination
        }
        // Whoever selected the ports of the two roles need not have selected those of the two ends.
        let roles = initiator == .destination ? (serverPort, clientPort) : (clientPort, serverPort)
        flow.sourcePort = ports.0 ?? (initiator == .unknown ? nil : roles.0) ?? 0
        flow.destinationPort = ports.1 ?? (initiator == .unknown ? nil : roles.1) ?? 0
        return .success(flow)
    }

    /// Fields without which there is no flow.
    struct Lack: Error {
        let names: [String]
    }

    /// As the pipeline keeps texts from outside: short, and nil for none.
    private static func kept(_ text: String) -> String? {
        let text = text.cleaned
        return text.isEmpty ? nil : text
    }

    private func number(_ text: String, _ name: String, into value: inout UInt64?) -> String? {
        // Sums of many stay far from the end of 64 bits.
        guard let found = UInt64(text), found < 1 << 53 else { return "'\(text)' is not a whole number of \(name) below 2^53" }
        value = found
        return nil
    }

    private func port(_ text: String, into value: inout UInt16?) -> String? {
        guard let found = UInt16(text) else { return "'\(text)' is not a port from 0 to 65535" }
        value = found
        return nil
    }

    private func value<T: ConfigValue>(_ text: String, into value: inout T?) -> String? {
        guard let found = T(configText: text) else { return "'\(text)' is not \(T.example)" }
        value = found
        return nil
    }

    private func word<T>(_ text: String, _ words: [(String, T)], _ take: (T) -> Void) -> String? {
        guard let found = words.first(where: { $0.0 == text }) else {
            let known = words.map(\.0)
            return "'\(text)' is not one of \(known.joined(separator: ", "))\(Suggestion.suffix(for: text, among: known))"
        }
        take(found.1)
        return nil
    }
}
