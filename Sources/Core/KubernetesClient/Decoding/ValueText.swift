// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Texts from outside: at most 256 bytes of UTF-8 without control characters.
enum ValueText {
    static let maxBytes = 256

    /// Nil when the bytes are not such a text.
    static func read(_ bytes: [UInt8], limit: Int = maxBytes) -> String? {
        guard bytes.count <= limit else { return nil }
        var isASCII = true
        for byte in bytes {
            if byte < 0x20 || byte == 0x7F { return nil }
            if byte >= 0x80 { isASCII = false }
        }
        if isASCII { return String(decoding: bytes, as: UTF8.self) }
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        return text.unicodeScalars.contains { ("\u{80}"..."\u{9F}").contains($0) } ? nil : text
    }
}

/// Gives the same storage to texts that come again and again: namespaces, nodes, owners, values of labels.
///
/// Bounded by its places; a text that meets another in its place takes it over.
struct TextPool {
    private static let places = 4096
    private var texts = [String](repeating: "", count: places)

    /// The text of `bytes`; nil when they are none (`ValueText`).
    mutating func text(_ bytes: [UInt8]) -> String? {
        // Short texts lie in the value itself.
        if bytes.count <= 15 { return ValueText.read(bytes) }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let place = Int((hash ^ hash >> 32) % UInt64(Self.places))
        if texts[place].utf8.elementsEqual(bytes) { return texts[place] }
        guard let text = ValueText.read(bytes) else { return nil }
        texts[place] = text
        return text
    }
}
