// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// What the capture is asked for: it decides the source, the kernel's key, and the constants of its program.
public struct CapturePlan: Sendable, Equatable {
    public var source: CaptureSource = .auto
    /// How programs are attached to devices.
    public var flavor: DeviceFlavor = .auto
    /// Key fields. The initiator needs ports, and ports need the transport.
    public var ports = true
    public var transport = true
    /// The cgroup of the local socket; only the cgroup source knows it.
    public var owner = false
    /// The interface that counted a flow; only devices know it.
    public var interface = false
    public var initiator = false
    /// Whether the real ends of translated connections are looked up; `auto` is decided when the capture is made.
    public var nat = TranslationMode.off
    /// What was decided. A translation is a property of a connection, so the key has ports.
    public internal(set) var translates = false
    /// Flows per window and generation that the kernel has room for.
    public var maxFlows = 131_072
    public var countMode = CountMode.wire
    /// One in this many packets is counted, chosen by chance; 1 to `maxSampling`. What flows hold is not scaled.
    public var sampling = 1
    public var interfaces = InterfaceFilter()
    public var tunnels = TunnelSide.inner
    /// Room for packets of flows that no longer fit into the map. A power of two.
    public var ringBytes = 1 << 20
    /// The folder of a BPF file system in which the maps outlive the process; nil: they end with it.
    public var pin: String?

    public init() {}

    /// The largest `sampling`.
    public static let maxSampling = 65_536
}

/// Where packets are seen.
public enum CaptureSource: String, Sendable, CaseIterable {
    /// The best for this host: see `SourceChoice`.
    case auto
    /// What sockets send and receive, with their owners.
    case cgroup
    /// What passes network devices, forwarded packets too.
    case tc
    /// The same by packet sockets, where nothing may be attached.
    case socket

    /// Whether packets are seen at devices: then there are interfaces, roles and fragments, and no owners.
    public var isAtDevices: Bool { self == .tc || self == .socket }
}

/// How a program is attached to a device.
public enum DeviceFlavor: String, Sendable, CaseIterable {
    /// tcx where the kernel has it (6.6), else clsact.
    case auto
    case tcx
    case clsact
}

/// Which of two packets counts, one inside of the other.
public enum TunnelSide: String, Sendable, CaseIterable {
    /// The one that a tunnel carries.
    case inner
    /// The one that carries it.
    case outer
}

/// What counts as the bytes of a packet.
public enum CountMode: String, Sendable, CaseIterable {
    /// Layer 3, super-packets as the segments that they become on a wire.
    case wire
    /// The length of the socket buffer, one packet each: what other agents report.
    case kernel
}
