// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CLibPcap

/// What a file's packets begin with: the link types that lead to IP, by libpcap's numbers on Linux.
package enum LinkType: Int32, Sendable, CaseIterable {
    /// BSD loopback: an address family in the byte order of the host that captured.
    case null = 0
    case ethernet = 1
    case ppp = 9
    /// IPv4 or IPv6 without anything before it.
    case raw = 12
    /// PPP with its address and control bytes.
    case pppSerial = 50
    case ciscoHDLC = 104
    /// OpenBSD loopback: an address family, big-endian.
    case loop = 108
    /// `tcpdump -i any`.
    case linuxCooked = 113
    case ipv4 = 228
    case ipv6 = 229
    /// `tcpdump -i any` with a newer libpcap: it knows the interface too.
    case linuxCooked2 = 276

    /// As libpcap and tcpdump say it.
    package var name: String {
        switch self {
        case .null: "NULL"
        case .ethernet: "EN10MB"
        case .ppp: "PPP"
        case .raw: "RAW"
        case .pppSerial: "PPP_SERIAL"
        case .ciscoHDLC: "C_HDLC"
        case .loop: "LOOP"
        case .linuxCooked: "LINUX_SLL"
        case .ipv4: "IPV4"
        case .ipv6: "IPV6"
        case .linuxCooked2: "LINUX_SLL2"
        }
    }

    /// All that are understood, for messages.
    package static let names = allCases.map(\.name).sorted().joined(separator: ", ")

    /// libpcap's name of any link type; its number where it has none.
    static func name(of number: Int32) -> String {
        // A static text of the library.
        guard let name = unsafe CLibPcap_link_type_name(number) else { return "number \(number)" }
        return unsafe String(cString: name)
    }
}
