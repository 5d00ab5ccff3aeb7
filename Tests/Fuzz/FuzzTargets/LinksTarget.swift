// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Netlink

extension FuzzTarget {
    /// What the kernel says of devices and addresses: what comes behind a message does not change it, and a table that has heard
    /// everything twice is the same.
    static let links = FuzzTarget(
        "links",
        words: [
            "\u{20}\0\0\0\u{10}\0\0\0", "\u{18}\0\0\0\u{14}\0\0\0", "\u{7}\0\u{1}\0gre\0", "\u{9}\0\u{1}\0ipip\0\0\0\0", "\u{a}\0\u{1}\0vxlan\0\0\0",
            "\u{8}\0\u{2}\0\n\0\0\u{4}", "\u{8}\0\u{3}\0\n\0\0\u{9}", "\u{5}\0\u{9}\0\u{4}\0\0\0", "\u{6}\0\u{f}\0\u{12}\u{b5}\0\0",
        ],
        maxBytes: 1024
    ) { (bytes) throws(BrokenLaw) in
        let found = LinkWatch.read(bytes)
        try require(found.count <= bytes.count / 16, "\(found.count) events in \(bytes.count) bytes")
        let more = LinkWatch.read(bytes + [0xff, 0, 0, 0, 1])
        try require(more.starts(with: found), "bytes behind the end change \(found) to \(more)")
        var table = LinkTable()
        for event in found { table.apply(event) }
        for case .link(let link) in found {
            try require(link.name.utf8.count <= 15 * 3 && link.kind.utf8.count <= 15 * 3, "a name of \(link.name.utf8.count) bytes")
            try require(link.tunnel.map { [4, 17, 41, 47].contains($0.transport) } ?? true, "a tunnel in \(link.tunnel!.transport)")
        }
        let last = found.last
        if let last {
            var again = table
            again.apply(last)
            try require(again == table, "the last event, heard twice, changes the table")
        }
    }
}
