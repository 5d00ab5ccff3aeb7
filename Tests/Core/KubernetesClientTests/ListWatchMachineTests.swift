// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import KubernetesClient
internal import Testing
internal import WeirTesting

@Suite struct ListWatchMachineTests {
    private static func machine(_ change: (inout ReflectorOptions) -> Void = { _ in }) -> ListWatchMachine {
        var options = ReflectorOptions()
        change(&options)
        return ListWatchMachine(options, random: SplitMix64(seed: 7))
    }

    /// A machine that has read its list at version 10 and watches.
    private static func watching() -> ListWatchMachine {
        var machine = machine()
        _ = machine.next()
        machine.finish(.page(resourceVersion: "10", continueToken: ""))
        _ = machine.next()
        return machine
    }

    private static func list(_ step: ListWatchMachine.Step) -> ListWatchMachine.ListQuery? { if case .list(let query) = step { query } else { nil } }
    private static func version(_ step: ListWatchMachine.Step) -> String? { if case .watch(let query) = step { query.resourceVersion } else { nil } }
    private static func pause(_ step: ListWatchMachine.Step) -> Duration? { if case .wait(let pause) = step { pause } else { nil } }

    @Test("the first list may come from the server's cache; the watch begins where it ended, and goes on behind the last event")
    func wayThrough() {
        var machine = Self.machine()
        #expect(machine.next() == .list(.init(resourceVersion: "0", limit: 500)))
        machine.finish(.page(resourceVersion: "10", continueToken: ""))
        guard case .watch(let query) = machine.next() else { return #expect(Bool(false), "no watch behind the list") }
        #expect(query.resourceVersion == "10")
        #expect((300...600).contains(query.timeoutSeconds))
        machine.saw("12")
        machine.finish(.watchEnded, isGood: true)
        #expect(Self.version(machine.next()) == "12")
    }

    @Test("pages follow their tokens, without a version")
    func pages() {
        var machine = Self.machine { $0.pageSize = 2 }
        _ = machine.next()
        machine.finish(.page(resourceVersion: "10", continueToken: "a"))
        #expect(machine.next() == .list(.init(limit: 2, continueToken: "a")))
        machine.finish(.page(resourceVersion: "10", continueToken: "b"))
        #expect(machine.next() == .list(.init(limit: 2, continueToken: "b")))
        machine.finish(.page(resourceVersion: "10", continueToken: ""))
        #expect(Self.version(machine.next()) == "10")
        // It had no cache, so that a later list is read in pages, too.
        machine.finish(.failed(.expired), isGood: true)
        #expect(machine.next() == .list(.init(resourceVersion: "10", limit: 2)))
    }

    @Test("a page that was cut is asked for again; a token that has expired asks for everything in one piece")
    func brokenPages() {
        var machine = Self.machine()
        _ = machine.next()
        machine.finish(.page(resourceVersion: "10", continueToken: "a"))
        _ = machine.next()
        machine.finish(.failed(.cut))
        #expect(Self.pause(machine.next()) != nil)
        #expect(Self.list(machine.next())?.continueToken == "a")
        machine.finish(.page(resourceVersion: "10", continueToken: "b"))
        _ = machine.next()
        machine.finish(.failed(.expired))
        #expect(machine.next() == .list(.init(resourceVersion: nil, limit: nil)))
    }

    @Test("a token that leads back to itself ends the list")
    func circle() {
        var machine = Self.machine()
        _ = machine.next()
        machine.finish(.page(resourceVersion: "10", continueToken: "a"))
        _ = machine.next()
        machine.finish(.page(resourceVersion: "10", continueToken: "a"))
        #expect(Self.pause(machine.next()) != nil)
        #expect(machine.next() == .list(.init(resourceVersion: nil, limit: 500)))
    }

    @Test("a watch whose version is too old lists again at once, from a cache that is not older; the second time in a row as it is")
    func expired() {
        var machine = Self.watching()
        machine.saw("15")
        machine.finish(.failed(.expired))
        #expect(machine.next() == .list(.init(resourceVersion: "15", limit: nil)))
        machine.finish(.page(resourceVersion: "20", continueToken: ""))
        #expect(Self.version(machine.next()) == "20")
        machine.finish(.failed(.expired))
        #expect(Self.pause(machine.next()) != nil)
        #expect(machine.next() == .list(.init(resourceVersion: nil, limit: 500)))
    }

    @Test("a server that is behind is asked for what is, not for a version")
    func versionTooLarge() {
        var machine = Self.watching()
        machine.finish(.failed(.expired), isGood: true)
        #expect(Self.list(machine.next())?.resourceVersion == "10")
        machine.finish(.versionTooLarge)
        #expect(machine.next() == .list(.init(resourceVersion: nil, limit: 500)))
    }

    @Test("pauses double from 0.8 s to 30 s, each with up to as much by lot, and begin again after a good watch")
    func backOff() {
        var machine = Self.watching()
        var least = Duration.milliseconds(800)
        for _ in 0..<10 {
            machine.finish(.failed(.connect))
            let pause = Self.pause(machine.next()) ?? .zero
            #expect(pause >= least && pause < least * 2, "\(pause), least \(least)")
            #expect(Self.version(machine.next()) == "10")
            least = min(least * 2, .seconds(30))
        }
        machine.finish(.failed(.cut), isGood: true)
        #expect((Self.pause(machine.next()) ?? .zero) < .milliseconds(1600))
    }

    @Test("the server's own word of when to come again is obeyed, within bounds")
    func retryAfter() {
        for (asked, least, most) in [(1, 1, 2), (7, 7, 8), (100_000, 300, 301)] {
            var machine = Self.watching()
            machine.finish(.failed(.throttled, retryAfter: .seconds(asked)))
            let pause = Self.pause(machine.next()) ?? .zero
            #expect(pause >= .seconds(least) && pause < .seconds(most), "\(pause)")
        }
    }

    @Test("a refused token is tried again at once, for it may have been renewed, and then with pauses")
    func unauthorized() {
        var machine = Self.machine()
        _ = machine.next()
        machine.finish(.failed(.unauthorized))
        #expect(Self.list(machine.next()) != nil)
        machine.finish(.failed(.unauthorized))
        #expect(Self.pause(machine.next()) != nil)
    }

    @Test("what only a person can mend is tried again slowly", arguments: [(RestartReason.forbidden, 60), (.notFound, 300)])
    func slow(reason: RestartReason, seconds: Int) {
        var machine = Self.machine()
        for _ in 0..<3 {
            _ = machine.next()
            machine.finish(.failed(reason))
            let pause = Self.pause(machine.next()) ?? .zero
            #expect(pause >= .seconds(seconds) && pause < .seconds(2 * seconds))
        }
    }

    @Test("a watch that ends at once without a word is a failure; what cannot be read asks for a new list")
    func shortWatchAndDecode() {
        var machine = Self.watching()
        machine.finish(.watchEnded, isGood: false)
        #expect(Self.pause(machine.next()) != nil)
        #expect(Self.version(machine.next()) == "10")
        machine.finish(.failed(.decode), isGood: true)
        #expect(Self.pause(machine.next()) != nil)
        #expect(Self.list(machine.next())?.resourceVersion == "10")
    }
}
