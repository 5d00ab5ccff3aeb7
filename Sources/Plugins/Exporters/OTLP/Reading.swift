// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// One metric as it was read, and what kind of metric it is to a receiver.
package struct Reading: Sendable {
    package enum Kind: Sendable { case sum, gauge }

    package var snapshot: MetricSnapshot
    package var kind: Kind
    /// The values are nanoseconds, and leave as seconds.
    package var isSeconds: Bool

    package init(_ snapshot: MetricSnapshot, kind: Kind = .sum, isSeconds: Bool = false) {
        self.snapshot = snapshot
        self.kind = kind
        self.isSeconds = isSeconds
    }

    /// The metric alone, and what is gone of it.
    var withoutSeries: Reading {
        var reading = self
        reading.snapshot = MetricSnapshot(
            name: snapshot.name, help: snapshot.help, unit: snapshot.unit, attributes: snapshot.attributes, isNumber: snapshot.isNumber, values: [],
            created: [], expired: snapshot.expired, texts: [], overflow: nil)
        return reading
    }
}

/// A series that expired before its last value was taken by a receiver: all that is needed to send it.
struct GoneSeries: Sendable {
    let number: UInt64
    let texts: [String]
    let isOverflow: Bool
    /// The last value that was seen, and what of it was sent.
    let value: UInt64
    var sent: UInt64
    let since: UInt64
    /// When the last value was seen, in nanoseconds since 1970.
    let time: UInt64

    var unsent: UInt64 { value &- sent }
}
