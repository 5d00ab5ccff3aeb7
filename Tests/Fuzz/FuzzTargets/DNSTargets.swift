// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import DNSClient
internal import ReverseDNSEnricher
internal import WeirKit

extension FuzzTarget {
    /// The question that every message is taken to answer.
    private static let question = "4.0.0.10.in-addr.arpa"

    /// DNS messages: what comes out are host names within the limits of the format; neither the id nor bytes behind the end change it, and
    /// written anew, plainly, it is read as the same.
    static let dns = FuzzTarget(
        "dns",
        words: [
            question, "\u{1}4\u{1}0\u{1}0\u{2}10\u{7}in-addr\u{4}arpa\0", "\0\u{c}\0\u{1}", "\0\u{5}\0\u{1}", "\0\u{6}\0\u{1}",
            "\u{3}www\u{7}example\0",
        ],
        maxBytes: 65_535
    ) { (bytes) throws(BrokenLaw) in
        let answer = PointerDecoder.answer(in: bytes, to: question)
        // A message that lacks its end may find one there.
        if answer != .failed(.malformed) {
            try require(PointerDecoder.answer(in: bytes + [0xc0, 0, 1], to: question) == answer, "bytes behind the end change the answer")
        }
        if bytes.count >= 2 {
            try require(PointerDecoder.answer(in: [bytes[0] ^ 0xff, bytes[1]] + bytes[2...], to: question) == answer, "the id changes the answer")
        }
        switch answer {
        case .failed(let failure): try require(failure.isFromServer, "a message says \(failure)")
        case .none(let ttl): if let ttl { try require(times.contains(ttl), "\(ttl) is no time") }
        case .names(let names, let refused, let ttl):
            try require(times.contains(ttl), "\(ttl) is no time")
            for name in names { try require(HostName.normalized(name) == name, "'\(name)' is no host name") }
            try require(zip(names, names.dropFirst()).allSatisfy { $0 < $1 }, "names are not in order, or one is there twice")
            try require(names.count + refused <= Int(bytes[6]) << 8 | Int(bytes[7]), "more names than records")
            let again = PointerDecoder.answer(in: plainMessage(names, ttl: ttl), to: question)
            let expected = names.isEmpty ? PointerAnswer.none(ttl: nil) : .names(names, refused: 0, ttl: ttl)
            try require(again == expected, "\(answer) is read back as \(again)")
        }
    }

    /// RFC 2181, 8.
    private static let times: ClosedRange<Duration> = .zero ... .seconds(Int64(Int32.max))

    /// The names as records without pointers. A fuzzed message is too short for more than 65,535.
    private static func plainMessage(_ names: [String], ttl: Duration) -> [UInt8] {
        func wire(_ name: String) -> [UInt8] { name.utf8.split(separator: UInt8(ascii: ".")).flatMap { [UInt8($0.count)] + $0 } + [0] }
        func number(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 255), UInt8(value & 255)] }
        let seconds = Int(ttl.components.seconds)
        var bytes: [UInt8] = [0, 7, 0x81, 0x80, 0, 1] + number(names.count) + [0, 0, 0, 0] + wire(question) + [0, 12, 0, 1]
        for name in names {
            bytes += wire(question) + [0, 12, 0, 1] + number(seconds >> 16) + number(seconds & 0xffff) + number(wire(name).count) + wire(name)
        }
        return bytes
    }

    /// Hosts files: what comes out are host names, never more than lines; written anew it is read as the same.
    static let hosts = FuzzTarget(
        "hosts", words: ["127.0.0.1", "::1", "10.0.0.4", "2001:db8::1", " ", "\t", "\n", "\r\n", "#", "localhost", "www.example.", "_a-b", "%eth0"]
    ) { (bytes) throws(BrokenLaw) in
        let file = HostsFile(bytes)
        let lines = bytes.split(separator: UInt8(ascii: "\n")).count
        try require(file.names.count + file.skipped <= lines, "\(file.names.count) names and \(file.skipped) skipped lines of \(lines)")
        for name in file.names.values { try require(HostName.normalized(name) == name, "'\(name)' is no host name") }
        let plain = file.names.map { "\($0.key) \($0.value)\n" }.joined()
        let again = HostsFile(Array(plain.utf8))
        try require(again.names == file.names && again.skipped == 0, "what it says is read back as something else:\n\(plain)")
        let louder = HostsFile(Array(String(decoding: plain.utf8, as: UTF8.self).uppercased().utf8))
        try require(louder.names == file.names, "in capitals it says something else:\n\(plain)")
    }
}
