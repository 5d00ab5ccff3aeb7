// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Takes requests out of a connection's bytes. For tests: it is strict, not fast.
struct RequestReader {
    private var rest: ArraySlice<UInt8> = []
    /// Gives the next bytes; empty at the end.
    private let read: () -> [UInt8]

    /// No test sends more.
    private static let maxHead = 1 << 20
    private static let maxBody = 1 << 30

    init(_ read: @escaping () -> [UInt8]) { self.read = read }

    /// The next request; nil when the client has closed in between two.
    mutating func next(connection: Int, continueAsked: () throws -> Void) throws -> ScriptedRequest? {
        guard !rest.isEmpty || fill() else { return nil }
        let words = try line().split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[2].hasPrefix("HTTP/1.") else { throw MalformedRequest(description: "the request line is \(words)") }
        var request = ScriptedRequest(
            connection: connection, method: String(words[0]), target: String(words[1]), version: String(words[2]), headers: [], body: [])
        while true {
            let text = try line()
            if text.isEmpty { break }
            guard let colon = text.firstIndex(of: ":") else { throw MalformedRequest(description: "a header without a colon: \(text)") }
            request.headers.append((String(text[..<colon]), text[text.index(after: colon)...].trimmed))
        }
        if request.header("expect")?.lowercased() == "100-continue" { try continueAsked() }
        if request.header("transfer-encoding")?.lowercased() == "chunked" {
            request.body = try chunks()
        } else if let text = request.header("content-length") {
            guard let count = Int(text), 0...Self.maxBody ~= count else { throw MalformedRequest(description: "content-length is '\(text)'") }
            request.body = try take(count)
        }
        return request
    }

    private mutating func chunks() throws -> [UInt8] {
        var body: [UInt8] = []
        while true {
            let size = try line().prefix { $0 != ";" }
            guard let count = Int(size, radix: 16), 0...Self.maxBody ~= count else { throw MalformedRequest(description: "a chunk of '\(size)'") }
            if count == 0 { break }
            body += try take(count)
            guard try line().isEmpty else { throw MalformedRequest(description: "a chunk is longer than it says") }
        }
        while try !line().isEmpty {}
        return body
    }

    /// A line without its end.
    private mutating func line() throws -> String {
        var searched = 0
        while true {
            if let end = rest.dropFirst(searched).firstIndex(of: UInt8(ascii: "\n")) {
                let line = rest[..<end]
                rest = rest[(end + 1)...]
                return String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
            }
            searched = rest.count
            guard searched < Self.maxHead else { throw MalformedRequest(description: "a line of more than \(Self.maxHead) bytes") }
            guard fill() else { throw ConnectionGone() }
        }
    }

    private mutating func take(_ count: Int) throws -> [UInt8] {
        while rest.count < count { guard fill() else { throw ConnectionGone() } }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    private mutating func fill() -> Bool {
        let more = read()
        rest.append(contentsOf: more)
        return !more.isEmpty
    }
}

extension Substring {
    /// Without the spaces and tabs around it.
    fileprivate var trimmed: String {
        let start = drop { $0 == " " || $0 == "\t" }
        return String(start.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
