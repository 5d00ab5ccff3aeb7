// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import KubernetesClient
internal import Testing

@Suite struct TroubleTalkTests {
    @Test("trouble that may pass is said once a minute, with how many were not said")
    func rate() {
        let talk = TroubleTalk()
        let start = ContinuousClock.now
        let trouble = KubernetesError(.connect, "reach it")
        #expect(talk.pass(trouble, start) == 0)
        for second in 1...59 { #expect(talk.pass(trouble, start + .seconds(second)) == nil) }
        #expect(talk.pass(trouble, start + .seconds(60)) == 59)
        #expect(talk.pass(KubernetesError(.cut, "other words"), start + .seconds(61)) == nil)
    }

    @Test("what only a person can mend is said at once, and again when it changes or had been well")
    func forGood() {
        let talk = TroubleTalk()
        let start = ContinuousClock.now
        _ = talk.pass(KubernetesError(.connect, "reach it"), start)
        let trouble = KubernetesError(.forbidden, "no right")
        #expect(talk.pass(trouble, start) == 0)
        #expect(talk.pass(trouble, start + .seconds(3600)) == nil)
        #expect(talk.pass(KubernetesError(.forbidden, "no other right"), start + .seconds(3601)) == 0)
        talk.recover()
        #expect(talk.pass(KubernetesError(.forbidden, "no other right"), start + .seconds(3602)) == 0)
    }
}
