// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import WeirCapture
internal import WeirKit
internal import WeirPipeline

/// What the data thread works on under one configuration.
struct DataWork: Sendable {
    let plan: Plan
    let capture: CapturePlan
    let window: Duration
    let covered: CoveredSet
    let invalidations: InvalidationQueue
    let taps: LiveTaps
}

/// What the data thread is asked to do between two windows.
enum DataOrder: Sendable {
    /// Goes over to another configuration; answers with the counters that go on, or why the old one stays.
    case swap(DataWork, Gate<Result<SeriesBook, CaptureError>>)
    /// Detaches, drains what is left, ends the last window.
    case stop(Gate<Void>)
}
