// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CPCRE2

/// PCRE2's compiled form, freed with its owner.
// Safe, because nothing of the pointer leaves; unchecked, because the pointer is never written after `init`: libpcre2 promises that any number of threads may
// match with one compiled pattern and one match context (pcre2api(3), "Multithreading").
@safe final class Compiled: @unchecked Sendable {
    private let pointer: OpaquePointer

    init(_ text: String) throws(PatternError) {
        var text = text
        var offset = 0
        var message = [CChar](repeating: 0, count: Int(CPCRE2_message_size))
        // Both buffers outlive the call; libpcre2 keeps neither.
        let made = text.withUTF8 { utf8 in
            unsafe utf8.withMemoryRebound(to: CChar.self) { pattern in
                unsafe CPCRE2_compile(pattern.baseAddress, pattern.count, &message, &offset)
            }
        }
        guard let made = unsafe made else {
            let bytes = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            throw PatternError(
                message: String(decoding: bytes, as: UTF8.self), offset: String(decoding: text.utf8.prefix(offset), as: UTF8.self).count)
        }
        unsafe pointer = made
    }

    deinit { unsafe CPCRE2_free(pointer) }

    func search(_ text: String) -> CPCRE2_Answer {
        var text = text.cut(toBytes: Pattern.maxSubjectBytes)
        // The subject outlives the call, and `self` holds the pattern.
        return text.withUTF8 { utf8 in
            unsafe utf8.withMemoryRebound(to: CChar.self) { subject in
                unsafe CPCRE2_search(pointer, subject.baseAddress, subject.count)
            }
        }
    }
}

extension String {
    /// The longest beginning of whole Unicode scalars that fits.
    func cut(toBytes limit: Int) -> String {
        guard utf8.count > limit else { return self }
        let utf8 = Array(utf8.prefix(limit + 1))
        var end = limit
        while end > 0, utf8[end] & 0xC0 == 0x80 { end -= 1 }
        return String(decoding: utf8[..<end], as: UTF8.self)
    }
}
