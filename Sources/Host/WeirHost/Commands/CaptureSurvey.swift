// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirCapture

/// Which source this host would get, in sentences.
enum CaptureSurvey {
    static func lines(_ plan: CapturePlan) -> [String] { ["source: \(plan.source.rawValue)"] }
}
