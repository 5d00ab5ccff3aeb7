// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Testing
import WeirTesting

@Suite struct SplitMix64Tests {
    @Test("the numbers are SplitMix64's")
    func numbers() {
        // As Vigna's splitmix64.c gives them for 1234567.
        var random = SplitMix64(seed: 1_234_567)
        let first = (0..<5).map { _ in random.next() }
        #expect(
            first == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423, 4_593_380_528_125_082_431,
                16_408_922_859_458_223_821,
            ])
    }

    @Test("numbers below a bound are below it, and reach all of it")
    func bounds() {
        var random = SplitMix64(seed: 1)
        #expect(Set((0..<200).map { _ in random.below(7) }) == Set(0..<7))
        #expect(random.below(0) == 0 && random.below(-1) == 0 && random.below(1) == 0)
    }

    @Test("the environment can ask for the seed that a failure printed")
    func environment() {
        #expect(SplitMix64.seed(in: [:]) == nil)
        #expect(SplitMix64.seed(in: ["WEIR_SEED": "18446744073709551615"]) == .max)
    }
}
