// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Testing
internal import WeirHost
internal import WeirKit

@Suite("small parts of the host")
struct SmallPartsTests {
    @Test("windows end at whole multiples, and a little too early is no window of its own")
    func windows() {
        let clock = WindowClock(.seconds(5))
        let second: UInt64 = 1_000_000_000
        #expect(clock.untilEnd(from: 10 * second) == .seconds(5))
        #expect(clock.untilEnd(from: 11 * second) == .seconds(4))
        #expect(clock.untilEnd(from: 15 * second - 1000) == .seconds(5) + .nanoseconds(1000))
    }

    @Test("a path has one stage; only a newer configuration takes it over")
    func routes() async throws {
        let routes = HTTPRoutes(reserved: ["/healthz"])
        func answers() async -> Int? { await routes.handler(for: "/m")?(HTTPQuestion(path: "/m", accept: "")).status }
        await #expect(throws: HTTPRoutes.PathTaken.self) { try await routes.serve("/healthz") { _ in HTTPAnswer("") } }
        let first = routes.successor()
        let second = routes.successor()
        let one = Task { try await first.serve("/m") { _ in HTTPAnswer(status: 1, "") } }
        while await answers() != 1 { await Task.yield() }
        await #expect(throws: HTTPRoutes.PathTaken.self) { try await first.serve("/m") { _ in HTTPAnswer(status: 2, "") } }
        let two = Task { try await second.serve("/m") { _ in HTTPAnswer(status: 3, "") } }
        while await answers() != 3 { await Task.yield() }
        one.cancel()
        _ = await one.result
        #expect(await answers() == 3)
        two.cancel()
        _ = await two.result
        #expect(routes.paths == [])
    }

    @Test("texts are kept until everything was right")
    func texts() {
        let texts = SourceTexts()
        texts.keep(Array("a\nb\n".utf8), as: "f")
        #expect(texts.line(2, of: "f") == "b")
        texts.drop()
        texts.keep([97], as: "g")
        #expect(texts.line(2, of: "f") == nil && texts.line(1, of: "g") == nil)
    }

    @Test("at most once a minute, and how many were kept quiet")
    func rateLimit() {
        let limit = RateLimited()
        let start = ContinuousClock.now
        #expect(limit.pass(start) == 0)
        #expect(limit.pass(start + .seconds(1)) == nil)
        #expect(limit.pass(start + .seconds(59)) == nil)
        #expect(limit.pass(start + .seconds(60)) == 2)
    }

    @Test("maps may take a 64th of the machine, and a quarter of what the agent alone may use")
    func memoryBudget() {
        #expect(MemoryBudget(machine: 64 << 30, limit: nil).bytes == 1 << 30)
        #expect(MemoryBudget(machine: 64 << 30, limit: 512 << 20).bytes == 128 << 20)
        #expect(MemoryBudget(machine: 1 << 30, limit: 512 << 20).bytes == 16 << 20)
        #expect(MemoryBudget(machine: .max, limit: nil).bytes == .max)
    }

    @Test("ready is who counts and exports; a stage that cannot learn is told of, and stalls no rollout")
    func readiness() {
        let failing = StageState.failing("token=secret")
        func answer(_ isCounting: Bool, _ learns: StageState, _ exports: StageState, suspended: [String] = []) -> Readiness {
            Readiness(isCounting: isCounting, stages: [("cloud_instance", .learns, learns), ("csv", .exports, exports)], suspended: suspended)
        }
        #expect(answer(true, .idle, .running).isReady)
        #expect(!answer(false, .idle, .running).isReady)
        #expect(answer(true, failing, .running).isReady)
        #expect(!answer(true, .running, failing).isReady)
        #expect(
            answer(true, failing, .running, suspended: ["slow"]).text == """
                {"ready":true,"counting":true,"stages":[{"stage":"cloud_instance","state":"failing"},{"stage":"csv","state":"running"},\
                {"stage":"slow","state":"suspended"}]}

                """)
    }

    @Test("a sticky folder does not count, a writable folder does")
    func trust() throws {
        try Fixtures.inFolder { folder in
            let file = folder.appendingPathComponent("weir.yaml").path
            _ = FileManager.default.createFile(atPath: file, contents: nil, attributes: [.posixPermissions: 0o644])
            let trust = FileTrust(user: getuid())
            #expect(trust.objection(to: file) == nil)
            try FileManager.default.setAttributes([.posixPermissions: 0o775], ofItemAtPath: folder.path)
            #expect(trust.objection(to: file)?.contains("is writable by its group") == true)
            try FileManager.default.setAttributes([.posixPermissions: 0o1777], ofItemAtPath: folder.path)
            #expect(trust.objection(to: file) == nil)
        }
    }
}
