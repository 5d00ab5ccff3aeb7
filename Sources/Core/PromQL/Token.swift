// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// One word of a query.
struct Token: Sendable {
    enum Kind: Sendable, Equatable {
        case identifier(String)
        case number(Double)
        /// `5m`, where it is no number.
        case duration
        case text(String)
        /// `$job`, `${job}`: Grafana puts something there.
        case variable
        /// An operator or a bracket.
        case sign(String)
        case bad(String)
        case end
    }

    let kind: Kind
    let range: Range<Int>
    /// Whether a line begins with it.
    let startsLine: Bool
}

/// Cuts a query into tokens. What is no token is one that says so: a parser may go on behind it.
struct Lexer {
    private let bytes: [UInt8]
    private var place = 0
    private var startsLine = true

    static func tokens(of bytes: [UInt8]) -> [Token] {
        var lexer = Lexer(bytes: bytes)
        var tokens: [Token] = []
        while true {
            let token = lexer.next()
            tokens.append(token)
            if token.kind == .end { return tokens }
        }
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private func byte(_ offset: Int = 0) -> UInt8? { place + offset < bytes.count ? bytes[place + offset] : nil }

    private mutating func next() -> Token {
        skipBlanks()
        let (start, isFirst) = (place, startsLine)
        startsLine = false
        let kind = kind()
        return Token(kind: kind, range: start..<place, startsLine: isFirst)
    }

    private mutating func skipBlanks() {
        while let byte = byte() {
            if byte == UInt8(ascii: "#") {
                while let byte = self.byte(), byte != UInt8(ascii: "\n") { place += 1 }
            } else if byte == UInt8(ascii: "\n") {
                startsLine = true
                place += 1
            } else if byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r") {
                place += 1
            } else {
                return
            }
        }
    }

    private mutating func kind() -> Token.Kind {
        guard let first = byte() else { return .end }
        if Self.isLetter(first) || first == UInt8(ascii: ":") {
            return .identifier(take { Self.isLetter($0) || Self.isDigit($0) || $0 == UInt8(ascii: ":") })
        }
        if Self.isDigit(first) || (first == UInt8(ascii: ".") && byte(1).map(Self.isDigit) == true) { return number() }
        switch first {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return quoted(first)
        case UInt8(ascii: "`"): return raw()
        case UInt8(ascii: "$"): return variable()
        default: return sign(first)
        }
    }

    private mutating func take(_ belongs: (UInt8) -> Bool) -> String {
        let start = place
        while let byte = byte(), belongs(byte) { place += 1 }
        return String(decoding: bytes[start..<place], as: UTF8.self)
    }

    private mutating func number() -> Token.Kind {
        let start = place
        while let byte = byte() {
            // `1e-3`; in `0x1e-3` the sign is an operator.
            let isExponent =
                (byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")) && place > start
                && bytes[place - 1] | 0x20 == UInt8(ascii: "e") && !(start + 1 < place && bytes[start + 1] | 0x20 == UInt8(ascii: "x"))
                && bytes[start..<place - 1].allSatisfy { Self.isDigit($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_") }
            guard Self.isLetter(byte) || Self.isDigit(byte) || byte == UInt8(ascii: ".") || isExponent else { break }
            place += 1
        }
        let text = String(decoding: bytes[start..<place].filter { $0 != UInt8(ascii: "_") }, as: UTF8.self)
        if let value = Double(text) { return .number(value) }
        return Self.isDigit(bytes[start]) && isDuration(bytes[start..<place]) ? .duration : .bad("'\(text.prefix(32))' is not a number")
    }

    /// `1h30m`: digits and units by turns.
    private func isDuration(_ text: ArraySlice<UInt8>) -> Bool {
        var wantsDigit = true
        var hasDigit = false
        for byte in text {
            if Self.isDigit(byte) {
                wantsDigit = false
                hasDigit = true
            } else if wantsDigit && byte != UInt8(ascii: "s") || !"smhdwy".utf8.contains(byte) {
                return false
            } else {
                wantsDigit = true
            }
        }
        return hasDigit && wantsDigit
    }

    private mutating func quoted(_ quote: UInt8) -> Token.Kind {
        place += 1
        var text: [UInt8] = []
        while let byte = byte(), byte != UInt8(ascii: "\n") {
            place += 1
            if byte == quote { return .text(String(decoding: text, as: UTF8.self)) }
            if byte == UInt8(ascii: "\\"), let escaped = self.byte() {
                place += 1
                // Of escapes only those matter that may stand in names and patterns.
                if escaped == UInt8(ascii: "n") || escaped == UInt8(ascii: "t") { text.append(UInt8(ascii: " ")) } else { text.append(escaped) }
            } else {
                text.append(byte)
            }
        }
        return .bad("the text does not end")
    }

    private mutating func raw() -> Token.Kind {
        place += 1
        let text = take { $0 != UInt8(ascii: "`") }
        guard byte() != nil else { return .bad("the text does not end") }
        place += 1
        return .text(text)
    }

    private mutating func variable() -> Token.Kind {
        place += 1
        if byte() == UInt8(ascii: "{") {
            while let byte = byte(), byte != UInt8(ascii: "}"), byte != UInt8(ascii: "\n") { place += 1 }
            guard byte() == UInt8(ascii: "}") else { return .bad("the variable does not end") }
            place += 1
            return .variable
        }
        return take { Self.isLetter($0) || Self.isDigit($0) }.isEmpty ? .bad("'$' without a name") : .variable
    }

    private mutating func sign(_ first: UInt8) -> Token.Kind {
        let two = byte(1).map { String(decoding: [first, $0], as: UTF8.self) } ?? ""
        if ["==", "!=", "<=", ">=", "=~", "!~"].contains(two) {
            place += 2
            return .sign(two)
        }
        place += 1
        if "+-*/%^=<>(){}[],@".utf8.contains(first) { return .sign(String(decoding: [first], as: UTF8.self)) }
        // The rest of a character of several bytes goes with it.
        while let byte = byte(), byte & 0xC0 == 0x80 { place += 1 }
        return .bad("a character that means nothing here")
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
    }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
