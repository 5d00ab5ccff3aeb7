// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Why a packet file cannot be read, or not to its end.
package struct PacketFileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The path, or what stands for it.
    package var file: String
    package var reason: Reason

    /// Where signed 64-bit nanoseconds since 1970 end, in 2262.
    static let lastSecond: Int64 = 9_223_372_036

    package enum Reason: Sendable, Equatable {
        /// The names of libpcap that were tried, or a function that it lacks.
        case noLibrary(String)
        case notOpened(String)
        /// The name of the file's link type.
        case linkType(String)
        /// The packet (from 1) that could not be read.
        case broken(packet: UInt64, String)
        case time(packet: UInt64, seconds: Int64, nanosecond: Int64)
    }

    package init(_ file: String, _ reason: Reason) {
        self.file = file
        self.reason = reason
    }

    /// Whether packets before this error were read.
    package var isAfterPackets: Bool {
        switch reason {
        case .noLibrary, .notOpened, .linkType: false
        case .broken(let packet, _), .time(let packet, _, _): packet > 1
        }
    }

    package var description: String {
        switch reason {
        case .noLibrary(let missing):
            "\(file): could not read a packet file: needed libpcap; found no \(missing); install libpcap0.8 (Debian) or libpcap"
        case .notOpened(let why):
            "\(file): could not open: \(why); a pcap or pcapng file is needed, such as tcpdump -w writes"
        case .linkType(let name):
            """
            \(file): could not read packets with the link type \(name): needed one of \(LinkType.names); \
            capture at an Ethernet device or at `any`
            """
        case .broken(let packet, let why):
            "\(file): could not read packet \(packet): \(why)\(before)"
        case .time(let packet, let seconds, let nanosecond):
            """
            \(file): could not read packet \(packet): \(Self.wrong(seconds, nanosecond))\(before); \
            shift the times of the file with editcap -t, or leave the packet out with editcap IN OUT \(packet)
            """
        }
    }

    private var before: String { isAfterPackets ? "; the packets before it were used" : "" }

    /// Which part of a time stamp is wrong.
    private static func wrong(_ seconds: Int64, _ nanosecond: Int64) -> String {
        if nanosecond < 0 { return "the fraction of a second in its time stamp is negative (\(nanosecond) ns)" }
        return "its time stamp, \(seconds) s\(nanosecond < 1_000_000_000 ? "" : " and \(nanosecond) ns"), is not between 1970 and 2262"
    }
}
