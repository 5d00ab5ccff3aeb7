// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import HTTPClient
import ScriptedServer
import Testing
import WeirTesting

@Suite("what happens between two looks of a reader", .timeLimit(.minutes(1)))
struct ResumeTests {
    @Test("a limit that is passed by what was kept back ends the stream at once, though the server is silent")
    func keptBack() async throws {
        let server = try ScriptedServer { _, connection in
            try connection.startChunks()
            try connection.chunk(Array(repeating: 1, count: 10))
            try connection.pause(.milliseconds(100))
            // In one packet: the first does not find room, both together are more than the limit.
            try connection.write("4\r\nabcd\r\n4\r\nefgh\r\n")
            try connection.hang()
        }
        var options = HTTPClientOptions()
        options.streamBufferBytes = 1
        let asked = request(server.url) {
            $0.maxStreamBytes = 15
            $0.idleTimeout = .seconds(15)
        }
        let stream = try await HTTPClient(options).open(asked)
        // Nobody reads until the second piece is there.
        try await Task.sleep(for: .milliseconds(400))
        let start = ContinuousClock.now
        let (bytes, error) = await stream.drained()
        #expect(bytes == Array(repeating: 1, count: 10))
        #expect(error?.reason == .tooLarge, "\(String(describing: error))")
        #expect(ContinuousClock.now - start < .seconds(10))
        #expect(await eventually { server.openConnections == 0 })
    }

    @Test("a task that is cancelled as the head comes leaves nothing under way")
    func cancelledWithTheHead() async throws {
        let seed = SplitMix64.freshSeed
        var random = SplitMix64(seed: seed)
        let client = HTTPClient()
        let server = try ScriptedServer { _, connection in
            try connection.startChunks()
            try connection.hang()
        }
        var (opened, cancelled) = (0, 0)
        for _ in 0..<1500 {
            let task = Task { (try? await client.open(request(server.url))) != nil }
            let delay = ContinuousClock.now + .microseconds(random.below(1500))
            // Closer to the moment than a sleep would come.
            while ContinuousClock.now < delay { await Task.yield() }
            task.cancel()
            if await task.value { opened += 1 } else { cancelled += 1 }
        }
        // Both sides of the moment were met.
        #expect(opened > 0 && cancelled > 0, "opened \(opened), cancelled \(cancelled), seed \(seed)")
        #expect(await eventually { server.openConnections == 0 }, "seed \(seed)")
    }
}
