// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// What bounds one request.
package struct BatchLimits: Sendable {
    package var points: Int
    /// Of the message, before compression. A point that is larger alone is sent alone.
    package var bytes: Int

    package init(points: Int = 5000, bytes: Int = 2 << 20) {
        self.points = points
        self.bytes = bytes
    }
}

/// One request's message with what must be known of it until its fate is.
package struct Batch: Sendable {
    /// The points of one metric.
    struct Part: Sendable {
        /// Its place in the ledger.
        let metric: Int
        /// What each series had counted: what the receiver knows once it took the batch.
        var totals: [(number: UInt64, value: UInt64)] = []
        /// What is lost when nobody takes the batch.
        var atRisk: UInt64 = 0
    }

    /// An `ExportMetricsServiceRequest`.
    package let message: [UInt8]
    package let count: Int
    let parts: [Part]
    /// Its series are gone: no later point says what it says.
    package let isOfGone: Bool
}
