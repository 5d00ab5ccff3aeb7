// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Text made of bytes: exporters that write a line per series or per record skip `String` on the way.
extension [UInt8] {
    /// `1357` without a string in between: called once per number of a scrape or a file.
    public mutating func append(decimal number: UInt64) {
        var rest = number
        var low = count
        repeat {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        // The digits stand last first: turn them round where they are.
        var high = count - 1
        while low < high {
            swapAt(low, high)
            low += 1
            high -= 1
        }
    }
}
