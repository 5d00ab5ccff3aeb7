// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// IP protocol numbers in words, as Beyla's `transport` prints them; a number without a name stays a number.
public enum TransportName {
    // https://www.iana.org/assignments/protocol-numbers
    private static let names: [UInt8: String] = [
        1: "ICMP", 2: "IGMP", 4: "IPIP", 6: "TCP", 8: "EGP", 12: "PUP", 17: "UDP", 22: "IDP", 29: "TP", 33: "DCCP", 41: "IPV6", 46: "RSVP",
        47: "GRE", 50: "ESP", 51: "AH", 58: "ICMPV6", 92: "MTP", 94: "BEETPH", 98: "ENCAP", 103: "PIM", 108: "COMP", 115: "L2TP",
        132: "SCTP", 136: "UDPLITE", 137: "MPLS",
    ]

    /// One text per protocol number, made once.
    public static let all: [String] = (0...255).map { names[UInt8($0)] ?? String($0) }
}
