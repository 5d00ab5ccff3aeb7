// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Patterns
// Public because the conformances below are, as every conformance of a public type to a public protocol.
public import WeirCapture
public import WeirKit
internal import WeirPipeline

/// `capture:`, what the kernel half is told.
struct CaptureOptions: PluginOptions {
    var source = CaptureSource.auto
    /// What one drain holds. Shorter is fresher, and costs a drain each.
    var window = Duration.seconds(5)
    /// Flows that one window can hold in the kernel's map; more go through the ring buffer, counted.
    var maxFlows = 131_072
    var count = CountMode.wire
    /// One in this many packets is counted, by chance, and values are scaled by it; 1 is every packet.
    var sampling = 1
    var interfaces = InterfaceFilter()
    var tc = DeviceFlavor.auto
    /// The folder in which the kernel's maps outlive the agent; nil for `off`.
    var pin: String?

    init() {}

    mutating func read(_ section: inout ConfigSection) {
        let sourceNode = section.take("source")
        if let node = sourceNode, let found: CaptureSource = section.scalar(node) { source = found }
        section.read("window", into: &window, in: .milliseconds(100) ... .seconds(600))
        section.read("max_flows", into: &maxFlows, in: 1024...16_777_216)
        section.read("count", into: &count)
        section.read("sampling", into: &sampling, in: 1...CapturePlan.maxSampling)
        section.read("tc", into: &tc)
        if let node = section.take("pin"), let path: String = section.scalar(node), path != "off" {
            if let objection = Self.objection(toPin: path) { section.note(.badValue, objection, at: node.position) } else { pin = path }
        }
        if var inner = section.section("interfaces") {
            interfaces.read(&inner)
            _ = inner.finish()
        }
        if source == .cgroup, let node = sourceNode, !interfaces.isLoopbackAlone {
            let message = "the cgroup source sees sockets, not interfaces: of 'interfaces' it can only exclude lo; use source: tc for more"
            section.note(.conflict, message, at: node.position)
        }
    }

    /// Why maps cannot be pinned at a path, whatever is there; nil when they may.
    private static func objection(toPin path: String) -> String? {
        guard path.hasPrefix("/"), !path.hasSuffix("/"), !path.utf8.contains(0) else {
            return "'\(path)' is not an absolute path such as /sys/fs/bpf/weir, nor off"
        }
        guard !path[(path.lastIndex(of: "/") ?? path.startIndex)...].contains(".") else {
            return "'\(path)' ends with a name that has a dot, which BPF file systems refuse; take one without, such as /sys/fs/bpf/weir"
        }
        guard path.utf8.count <= longestPin else {
            return "'\(path)' has \(path.utf8.count) bytes, more than the \(longestPin) that it may have"
        }
        return nil
    }

    /// The kernel's 4096 less what stands behind it.
    private static let longestPin = 4000

    /// What the kernel half is asked for, once the plan knows the key fields. `isOffline`: packets of a file, of which no kernel knows.
    func plan(for fields: KeyFields, _ accounting: AccountingOptions, isOffline: Bool = false) -> CapturePlan {
        var plan = CapturePlan()
        plan.nat =
            switch accounting.nat {
            case .auto where !isOffline: .auto
            case .on where !isOffline: .on
            default: .off
            }
        plan.source = source
        plan.flavor = tc
        plan.ports = fields.contains(.ports)
        plan.transport = fields.contains(.transport)
        plan.owner = fields.contains(.owner)
        plan.interface = fields.contains(.interface)
        plan.initiator = fields.isSuperset(of: .initiator)
        plan.maxFlows = maxFlows
        plan.countMode = count
        plan.sampling = sampling
        plan.interfaces = interfaces
        plan.pin = isOffline ? nil : pin
        plan.tunnels = accounting.tunnels == .inner ? .inner : .outer
        return plan
    }
}

extension CaptureSource: ConfigChoice {}
extension CountMode: ConfigChoice {}
extension DeviceFlavor: ConfigChoice {}

extension InterfaceFilter {
    /// Reads exact names, globs and `/regex/`; what is written stands instead of the default `exclude: [lo]`.
    mutating func read(_ section: inout ConfigSection) {
        if let node = section.take("include") { include = Self.patterns(node, section) }
        if let node = section.take("exclude") { exclude = Self.patterns(node, section) }
    }

    private static func patterns(_ node: ConfigNode, _ section: ConfigSection) -> [InterfacePattern] {
        section.list(node).compactMap { item in
            guard let text: String = section.scalar(item) else { return nil }
            if text.isEmpty {
                section.note(.badValue, "'' is not an interface such as eth0, veth* or /^en[ps]/", at: item.position)
                return nil
            }
            guard text.count > 2, text.hasPrefix("/"), text.hasSuffix("/") else {
                return text.contains("*") || text.contains("?") ? .glob(text) : .exact(text)
            }
            do throws(PatternError) {
                let pattern = try Pattern(String(text.dropFirst().dropLast()))
                return .predicate(text) { pattern.matches($0) }
            } catch {
                section.note(.badValue, "'\(text)' is not a regular expression: \(error)", at: item.position)
                return nil
            }
        }
    }

    /// Nothing but `exclude: [lo]`, or nothing at all.
    fileprivate var isLoopbackAlone: Bool { include.isEmpty && exclude.allSatisfy { $0 == .exact("lo") } }
}
