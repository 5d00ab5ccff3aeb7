// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CLibMNL
private import Glibc
private import WeirKit

/// Why netlink could not be asked: an `errno`.
public struct NetlinkError: Error, CustomStringConvertible {
    public let number: Int32
    public var description: String { unsafe "netlink: \(String(cString: strerror(number)))" }
}

/// Keeps a `LinkTable` in step with the network namespace of the thread that made it.
/// `@unchecked`: the C state behind the pointer has one owner, this value, and no tie to a thread.
@safe
public struct LinkWatch: ~Copyable, @unchecked Sendable {
    // A descriptor and a buffer that only this value knows and its deinit closes.
    private let netlink: OpaquePointer
    public private(set) var table: LinkTable
    /// How often the kernel dropped events, so that everything was read anew.
    public private(set) var overruns: UInt64
    /// The table is out of date: changes were lost, and reading everything anew has not succeeded yet. Nothing new may
    /// become readable, so `update` must be called again.
    public private(set) var needsDump = false

    public init() throws(NetlinkError) {
        // The watch is open before the dump: what changes in between is heard, and applying it twice is harmless.
        guard let opened = unsafe netlink_open() else { throw NetlinkError(number: errno) }
        do throws(NetlinkError) { table = try unsafe Self.dump(opened) } catch {
            unsafe netlink_close(opened)
            throw error
        }
        unsafe netlink = opened
        overruns = 0
    }

    deinit { unsafe netlink_close(netlink) }

    /// Readable when something changed; stays open as long as the watch lives.
    public var descriptor: Int32 { unsafe netlink_fd(netlink) }

    /// Applies what changed since the last call, without waiting. True when anything did.
    public mutating func update() throws(NetlinkError) -> Bool {
        let count = unsafe netlink_receive(netlink)
        let before = table
        if count == -ENOBUFS {
            overruns += 1
            needsDump = true
        } else if count < 0 {
            throw NetlinkError(number: -count)
        }
        if needsDump {
            table = try unsafe Self.dump(netlink)
            needsDump = false
        } else {
            unsafe Self.apply(netlink, to: &table)
        }
        return table != before
    }

    private static func dump(_ netlink: OpaquePointer) throws(NetlinkError) -> LinkTable {
        let result = unsafe netlink_dump(netlink)
        guard result >= 0 else { throw NetlinkError(number: -result) }
        var table = LinkTable()
        unsafe apply(netlink, to: &table)
        return table
    }

    private static func apply(_ netlink: OpaquePointer, to table: inout LinkTable) {
        for event in unsafe events(netlink) { table.apply(event) }
    }

    private static func events(_ netlink: OpaquePointer) -> [LinkEvent] {
        var event = netlink_event()
        var all: [LinkEvent] = []
        // The events live until the next dump or receive; each is copied out.
        while unsafe netlink_event_at(netlink, UInt32(all.count), &event) { all.append(LinkEvent(event)) }
        return all
    }

    /// What messages of the kernel say, read as those that a watch receives. What is cut off or badly formed is left out.
    public static func read(_ bytes: [UInt8]) -> [LinkEvent] {
        // Words, since the kernel's messages and their parts begin at multiples of four.
        var words = [UInt32](repeating: 0, count: (bytes.count + 3) / 4)
        unsafe words.withUnsafeMutableBytes { unsafe $0.copyBytes(from: bytes) }
        guard let recorded = unsafe netlink_recorded(words, bytes.count) else { return [] }
        defer { unsafe netlink_close(recorded) }
        return unsafe events(recorded)
    }
}

extension LinkEvent {
    fileprivate init(_ event: netlink_event) {
        switch UInt32(event.kind) {
        case NETLINK_LINK.rawValue: self = .link(Link(event))
        case NETLINK_LINK_GONE.rawValue: self = .linkGone(event.index)
        case NETLINK_ADDRESS.rawValue: self = .address(LinkAddress(event))
        default: self = .addressGone(LinkAddress(event))
        }
    }
}

extension Link {
    fileprivate init(_ event: netlink_event) {
        self.init(
            index: event.index, name: text(event.name), kind: text(event.type), hardware: event.hardware, master: event.master,
            lower: event.lower_elsewhere ? nil : event.lower, isUp: event.flags & 1 != 0, hasXDP: event.xdp,
            tunnel: event.tunnel_protocol == 0 ? nil : Link.Tunnel(event))
    }
}

extension Link.Tunnel {
    fileprivate init(_ event: netlink_event) {
        let local = IPAddress(high: event.local_high, low: event.local_low)
        let remote = IPAddress(high: event.remote_high, low: event.remote_low)
        let none = IPAddress(high: 0, low: 0)
        self.init(
            transport: event.tunnel_protocol, port: event.tunnel_port, content: event.tunnel_content,
            isIPv4: Int32(event.family) == AF_UNSPEC ? nil : Int32(event.family) == AF_INET,
            local: local == none ? nil : local, remote: remote == none ? nil : remote)
    }
}

extension LinkAddress {
    fileprivate init(_ event: netlink_event) {
        self.init(
            link: event.index, address: IPAddress(high: event.high, low: event.low), prefixLength: Int(event.prefix),
            isGlobal: event.scope == 0)
    }
}

/// A device name or kind: 16 characters that netlink ended with a zero. The tuple is what C's `char[16]` looks like here.
private func text(
    _ c: (CChar, CChar, CChar, CChar, CChar, CChar, CChar, CChar, CChar, CChar, CChar, CChar, CChar, CChar, CChar, CChar)
) -> String {
    let all = [c.0, c.1, c.2, c.3, c.4, c.5, c.6, c.7, c.8, c.9, c.10, c.11, c.12, c.13, c.14, c.15]
    return String(decoding: all.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}
