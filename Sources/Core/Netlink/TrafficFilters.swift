// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CLibMNL

/// A filter at one side of a device's clsact.
public struct TrafficFilter: Sendable, Equatable {
    public var handle: UInt32
    public var priority: UInt32
    /// What libbpf called it, `weir_out_eth:[42]` for the program of that name; empty for filters of other kinds.
    ///
    /// A program's own name would need its descriptor, and CAP_SYS_ADMIN to get that by its number.
    public var name: String

    /// Those that stand there, at most 256; nil when it cannot be known.
    public static func all(interface: UInt32, ingress: Bool) -> [TrafficFilter]? {
        var found = [netlink_filter](repeating: netlink_filter(), count: 256)
        // The array outlives the call, which fills as many of it as it is told there are.
        let count = unsafe netlink_filters(interface, ingress, &found, UInt32(found.count))
        guard count >= 0 else { return nil }
        return found.prefix(Int(count)).map { filter in
            // The tuple is what C's `char[32]` looks like here; it ends with a zero.
            let name = unsafe withUnsafeBytes(of: filter.name) { unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            return TrafficFilter(handle: filter.handle, priority: filter.priority, name: name)
        }
    }
}
