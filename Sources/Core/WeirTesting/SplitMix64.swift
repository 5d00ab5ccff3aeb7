// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// Random numbers that a seed repeats, on every machine: whoever prints the seed of a failure has said how to see it again.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// Any seed is a good one.
    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// A number from 0 to `bound` - 1; 0 where there is none.
    package mutating func below(_ bound: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(max(bound, 0))).high) }

    /// What a test begins with that wants other numbers in every run: `WEIR_SEED` where the environment has it (the seed that a
    /// failure printed), else a new one.
    package static var freshSeed: UInt64 { seed(in: ProcessInfo.processInfo.environment) ?? UInt64.random(in: 0 ... .max) }

    /// The seed that `environment` asks for. Traps where it is no number: a typing mistake must not look like a run that passed.
    package static func seed(in environment: [String: String]) -> UInt64? {
        guard let text = environment["WEIR_SEED"] else { return nil }
        guard let seed = UInt64(text) else { preconditionFailure("WEIR_SEED='\(text)' is not a number such as the one a failure prints") }
        return seed
    }
}
