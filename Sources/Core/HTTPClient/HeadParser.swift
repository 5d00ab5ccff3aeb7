// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// The head of an answer.
package struct ResponseHead: Sendable {
    package let status: Int
    package let headers: HTTPHeaders

    package init(status: Int, headers: HTTPHeaders) {
        self.status = status
        self.headers = headers
    }
}

/// Reads heads line by line, as libcurl hands them over; each line has its end.
///
/// ```
/// HTTP/1.1 103 Early Hints␍␊      an interim answer: forgotten
/// ␍␊
/// HTTP/1.1 200 OK␍␊
/// Name: value␍␊
///   and more of it␍␊               a folded line, of old servers
/// ␍␊                               complete
/// Trailer: x␍␊                     after a chunked body: forgotten
/// ```
package struct HeadParser: Sendable {
    package enum Step: Sendable {
        case more
        case complete(ResponseHead)
        case malformed(String)
        case tooLarge
    }

    private enum State { case status, headers, complete }

    private var state = State.status
    private var status = 0
    private var headers: [(name: String, value: String)] = []
    private var left: Int

    /// `maxBytes`: of all lines together.
    package init(maxBytes: Int) { left = maxBytes }

    package mutating func line(_ bytes: [UInt8]) -> Step {
        left -= bytes.count
        guard left >= 0 else { return .tooLarge }
        let line = Self.withoutEnd(bytes[...])
        switch state {
        case .status: return statusLine(line)
        case .headers: return line.isEmpty ? end() : header(line)
        // A proxy's head is not shown to us, so what follows a complete head is a trailer.
        case .complete: return .more
        }
    }

    /// `HTTP/1.1 200 OK`, the words being free and often missing.
    private mutating func statusLine(_ line: ArraySlice<UInt8>) -> Step {
        let words = line.split(separator: UInt8(ascii: " "), maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count >= 2, words[0] == Array("HTTP/1.1".utf8)[...] || words[0] == Array("HTTP/1.0".utf8)[...], words[1].count == 3,
            let code = Int(String(decoding: words[1], as: UTF8.self)), 100...999 ~= code
        else { return .malformed("the answer begins with '\(Self.shown(line))'") }
        // Nobody asked for another protocol.
        guard code != 101 else { return .malformed("the server switches to another protocol") }
        status = code
        headers = []
        state = .headers
        return .more
    }

    private mutating func header(_ line: ArraySlice<UInt8>) -> Step {
        let tab = UInt8(ascii: "\t"), space = UInt8(ascii: " ")
        guard line.allSatisfy({ $0 >= space && $0 != 127 || $0 == tab }) else {
            return .malformed("the header '\(Self.shown(line))' has a control character")
        }
        if line.first == space || line.first == tab {
            guard let last = headers.indices.last else { return .malformed("the first header is folded") }
            headers[last].value += " \(Self.trimmed(line))"
            return .more
        }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex, line[..<colon].allSatisfy(HeaderText.isToken) else {
            return .malformed("the header '\(Self.shown(line))' has no name")
        }
        headers.append((String(decoding: line[..<colon], as: UTF8.self), Self.trimmed(line[(colon + 1)...])))
        return .more
    }

    private mutating func end() -> Step {
        if status < 200 {
            state = .status
            return .more
        }
        state = .complete
        return .complete(ResponseHead(status: status, headers: HTTPHeaders(headers)))
    }

    private static func withoutEnd(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard line.last == UInt8(ascii: "\n") else { return line }
        let line = line.dropLast()
        return line.last == UInt8(ascii: "\r") ? line.dropLast() : line
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> String {
        func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        let end = bytes.lastIndex { !isSpace($0) } ?? bytes.startIndex - 1
        return String(decoding: bytes[...end].drop(while: isSpace), as: UTF8.self)
    }

    /// Enough of a line to know it by, fit for a log.
    private static func shown(_ line: ArraySlice<UInt8>) -> String {
        String(decoding: line.prefix(40).map { $0 < 32 || $0 > 126 ? UInt8(ascii: ".") : $0 }, as: UTF8.self)
    }
}

/// What may stand in a header that we send or get.
enum HeaderText {
    /// RFC 9110, 5.6.2.
    static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    static func isToken(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy(isToken) }

    /// No control character but the tab.
    static func isValue(_ text: String) -> Bool { text.utf8.allSatisfy { $0 >= 32 && $0 != 127 || $0 == 9 } }
}
