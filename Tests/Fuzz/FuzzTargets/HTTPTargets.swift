// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import HTTPClient

extension FuzzTarget {
    /// Heads of answers, line by line as libcurl brings them: what is taken is clean, within the limit, and read back as the same.
    static let httpHead = FuzzTarget(
        "http_head",
        words: [
            "HTTP/1.1 200 OK\r\n", "HTTP/1.0 302 \r\n", "HTTP/1.1 103 Early\r\n", "HTTP/1.1 101\r\n", "\r\n", ": ", "Location: /\r\n", " folded\r\n",
            "\t",
            "\u{0}", "A:b\n", ":", "Content-Length: 5\r\n",
        ], maxBytes: 2048
    ) { (bytes) throws(BrokenLaw) in
        let limit = 1024
        guard let head = try read(bytes, limit) else { return }
        try require(200...999 ~= head.status, "an answer of status \(head.status) is complete")
        var again = Array("HTTP/1.1 \(head.status)\r\n".utf8)
        for (name, value) in head.headers {
            try require(!name.isEmpty && name.utf8.allSatisfy { $0 > 32 && $0 < 127 && $0 != UInt8(ascii: ":") }, "'\(name)' is a header's name")
            try require(value.utf8.allSatisfy { $0 >= 32 && $0 != 127 || $0 == 9 }, "the value of \(name) has a control character")
            try require(![" ", "\t"].contains(value.first) && ![" ", "\t"].contains(value.last), "the value of \(name) has spaces around it")
            again += Array("\(name): \(value)\r\n".utf8)
        }
        guard let second = try read(again + Array("\r\n".utf8), Int.max) else { throw BrokenLaw("what was taken is refused when it is written anew") }
        try require(
            second.status == head.status && second.headers.elementsEqual(head.headers, by: { $0 == $1 }),
            "what was taken is read back as another head")
    }

    /// The complete head among lines, if there is one; checks that no more than the limit is looked at.
    private static func read(_ bytes: [UInt8], _ limit: Int) throws(BrokenLaw) -> ResponseHead? {
        var parser = HeadParser(maxBytes: limit)
        var taken = 0
        var found: ResponseHead?
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast() {
            taken += line.count + 1
            switch parser.line(Array(line) + [UInt8(ascii: "\n")]) {
            case .more: break
            case .malformed(let what):
                try require(what.utf8.allSatisfy { $0 >= 32 && $0 < 127 }, "'\(what)' is no line for a log")
                return nil
            case .tooLarge:
                try require(taken > limit, "\(taken) bytes are too many")
                return nil
            case .complete(let head):
                try require(found == nil, "two heads are complete")
                found = head
            }
            try require(taken <= limit, "\(taken) bytes are not too many")
        }
        return found
    }

    /// Bodies as lines: a byte for the limit, one for the size of pieces, then the body. However it is cut, the lines are the same.
    static let httpLines = FuzzTarget("http_lines", words: ["\n", "\n\n", "\r\n", "{\"type\":\"ADDED\"}\n"], maxBytes: 2048) {
        (bytes) throws(BrokenLaw) in
        guard bytes.count >= 2 else { return }
        let (limit, size, body) = (Int(bytes[0]), Int(bytes[1]) + 1, Array(bytes[2...]))
        var splitter = LineSplitter()
        var lines: [[UInt8]] = []
        var isTooLong = false
        var from = 0
        reading: while true {
            switch splitter.next(maxBytes: limit) {
            case .line(let line): lines.append(line)
            case .tooLong:
                isTooLong = true
                break reading
            case .more:
                guard from < body.count else { break reading }
                // Pieces of every size up to the one chosen.
                let count = min(body.count - from, 1 + (from &* 7 + size) % size)
                splitter.feed(Array(body[from..<from + count]))
                from += count
            }
        }
        let rest = splitter.takeRest()
        var expected = body.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
        let last = expected.removeLast()
        let fitting = Array(expected.prefix { $0.count <= limit })
        try require(lines == fitting, "there are \(lines.count) lines, not \(fitting.count), or others")
        try require(isTooLong == (fitting.count < expected.count || last.count > limit), "a line is too long: \(isTooLong)")
        if !isTooLong { try require(rest ?? [] == last && rest?.isEmpty != true, "the rest is \(rest?.count ?? 0) bytes, not \(last.count)") }
    }

    /// Redirects: the URL asked, a line break, the Location. Nothing but http and https comes out, never less safe than before, and
    /// credentials only at the same origin.
    static let httpRedirect = FuzzTarget(
        "http_redirect",
        words: [
            "http://", "https://", "//", "/", "..", "?", "#", "@", ":", ":443", "127.0.0.1", "[::1]", "localhost", "file:///", "%2f", "\\", "a.b",
        ], maxBytes: 512
    ) { (bytes) throws(BrokenLaw) in
        let halves = Halves(bytes)
        var request = HTTPRequest(halves.first)
        request.headers = [("Authorization", "secret"), ("Cookie", "secret"), ("X-Key", "secret"), ("Accept", "open")]
        request.secretHeaders = ["x-key"]
        guard let first = try? Hop(request) else { return }
        try check(first.url)
        let head = ResponseHead(status: 307, headers: HTTPHeaders([("Location", halves.second)]))
        guard let next = try? first.redirected(head, request) else { return }
        try check(next.url)
        try require(first.url.scheme == "http" || next.url.scheme == "https", "\(first.url.text) leads to \(next.url.text)")
        let isSame = next.url.hasSameOrigin(as: first.url)
        try require(
            next.isAtOrigin == isSame && next.headers.contains { $0.value == "secret" } == isSame, "\(next.url.text) gets what is \(first.url.text)'s"
        )
        try require(next.headers.contains { $0.value == "open" }, "a harmless header is lost")
    }

    private static func check(_ url: ParsedURL) throws(BrokenLaw) {
        try require(url.scheme == "http" || url.scheme == "https", "the scheme is '\(url.scheme)'")
        try require(
            !url.host.isEmpty && !url.host.contains("@") && (1...65535).contains(Int(url.port) ?? 0), "'\(url.host)' '\(url.port)' is no place")
        guard let again = try? ParsedURL(url.text) else { throw BrokenLaw("\(url.text) is refused the second time") }
        try require(again == url, "\(url.text) is read back as \(again.text)")
    }
}
