// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

extension FuzzTarget {
    /// Durations: never negative, and read back from their own text as the same.
    static let duration = FuzzTarget("duration", words: ["h", "m", "s", "ms", "0", "999999999", "1h30m", "-", "+", " "], maxBytes: 128) {
        (bytes) throws(BrokenLaw) in
        let text = String(decoding: bytes, as: UTF8.self)
        guard let duration = Duration(configText: text) else { return }
        try require(duration >= .zero, "'\(text)' is negative")
        try require(Duration(configText: duration.configText) == duration, "'\(text)' is \(duration.configText), which is read back as another")
    }

    /// Sizes: the same.
    static let size = FuzzTarget("size", words: ["GiB", "MiB", "KiB", "B", "0", "8589934591", "9223372036854775807", "-", "+"], maxBytes: 128) {
        (bytes) throws(BrokenLaw) in
        let text = String(decoding: bytes, as: UTF8.self)
        guard let size = ByteCount(configText: text) else { return }
        try require(size.bytes >= 0, "'\(text)' is negative")
        try require(ByteCount(configText: size.configText) == size, "'\(text)' is \(size.configText), which is read back as another")
    }
}
