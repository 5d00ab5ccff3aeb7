// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import Netlink

/// What `weir explain` says about a running capture.
public struct CaptureFacts: Sendable {
    public struct Interface: Sendable, Equatable {
        public var index: UInt32
        public var name: String
        public var role: DeviceRole
        /// Its packets start with an Ethernet header.
        public var isEthernet: Bool
    }

    public var choice: SourceChoice
    /// tcx or clsact; nil where nothing is attached to devices.
    public var flavor: DeviceFlavor?
    public var shape: MapShape
    public var interfaces: [Interface]
    /// What this host has that no source sees, one sentence each.
    public var unseen: [String]
    /// How often netlink dropped events and everything was read anew.
    public var netlinkOverruns: UInt64
    /// How often an interface could not be marked as counted elsewhere, so that its packets may count twice.
    public var watchFailures: UInt64
}

/// Paths around the hooks, as far as netlink and sysfs show them.
package func unseenPaths(_ table: LinkTable) -> [String] {
    table.links.values.sorted { $0.index < $1.index }.flatMap { link -> [String] in
        let device = "/sys/class/net/\(link.name)/device"
        var found: [String] = []
        if link.hasXDP { found.append("\(link.name) has an XDP program: packets that it redirects or drops are not seen") }
        if let text = systemText("\(device)/sriov_numvfs"), text.first.map({ $0 != "0" && $0.isNumber }) == true {
            found.append("\(link.name) has SR-IOV functions: their traffic passes by this host's stack")
        }
        if systemHas("\(device)/infiniband") { found.append("\(link.name) can do RDMA, which passes by the stack") }
        switch link.kind {
        case "netkit": found.append("\(link.name) is netkit: packets that its own programs redirect are not seen")
        case "macvlan", "macvtap", "ipvlan", "ipvtap":
            found.append("\(link.name) is \(link.kind): traffic between devices of the same parent never reaches the parent")
        default: break
        }
        return found
    }
}
