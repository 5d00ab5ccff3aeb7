// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

enum Base64 {
    /// The bytes of a text, line breaks in it or not; nil when it is no base64.
    static func decode(_ text: String) -> [UInt8]? {
        let plain = text.filter { !$0.isWhitespace }
        guard let data = Data(base64Encoded: plain) else { return nil }
        return Array(data)
    }
}
