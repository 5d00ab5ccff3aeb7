// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// A series' sum and when it last grew, side by side: both change with every row.
struct SeriesCounter: Sendable {
    var value: UInt64 = 0
    /// By the monotonic clock.
    var used: UInt64
}

/// What bounds a metric's series.
struct SeriesLimits: Sendable {
    let maxSeries: Int
    let maxValues: Int
    static let other = "(other)"
}
