// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import HTTPClient
import ScriptedServer
import Testing
import WeirTesting

@Suite("cancelling: at once for the task, soon for the server", .timeLimit(.minutes(1)))
struct CancelTests {
    private let client = HTTPClient()

    /// Says in its head or in its body that it has begun, then nothing.
    private func silent() throws -> ScriptedServer {
        try ScriptedServer { request, connection in
            if request.path == "/body" {
                try connection.startChunks()
                try connection.chunk("x")
            }
            try connection.hang()
        }
    }

    @Test("a task that waits for a whole answer, and one that waits for a head", arguments: [true, false])
    func waiting(_ isStream: Bool) async throws {
        let server = try silent()
        let asked = request(server.url + (isStream ? "/" : "/body"))
        let task = Task { () -> HTTPError? in
            do throws(HTTPError) {
                if isStream { _ = try await client.open(asked) } else { _ = try await client.send(asked) }
                return nil
            } catch { return error }
        }
        _ = await server.waitForRequests(1)
        task.cancel()
        #expect(await task.value?.reason == .cancelled)
        #expect(await eventually { server.openConnections == 0 })
    }

    @Test("a task that was cancelled before it asked")
    func before() async throws {
        let server = try silent()
        let task = Task { () -> HTTPError? in
            // Used at once, within this task.
            unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
            return await client.failure(request(server.url))
        }
        #expect(await task.value?.reason == .cancelled)
        #expect(await eventually { server.openConnections == 0 })
    }

    @Test("a stream: by its reader's task, by its own word, by being dropped")
    func streams() async throws {
        let server = try silent()
        let read = try await client.open(request(server.url + "/body"))
        #expect(try await read.nextChunk() == [UInt8(ascii: "x")])
        let reader = Task { await read.drained().error }
        try await Task.sleep(for: .milliseconds(10))
        reader.cancel()
        #expect(await reader.value?.reason == .cancelled)
        #expect(await eventually { server.openConnections == 0 })

        let told = try await client.open(request(server.url + "/body"))
        let waiter = Task { await told.drained() }
        try await Task.sleep(for: .milliseconds(10))
        told.cancel()
        #expect(await waiter.value.error?.reason == .cancelled)
        #expect(await eventually { server.openConnections == 0 })

        var dropped: HTTPStream? = try await client.open(request(server.url + "/body"))
        #expect(dropped?.status == 200 && server.openConnections == 1)
        dropped = nil
        #expect(await eventually { server.openConnections == 0 })
    }

    @Test("cancelled at any moment, a hundred requests leave nothing open, and the client goes on working")
    func anyMoment() async throws {
        let seed = SplitMix64.freshSeed
        var random = SplitMix64(seed: seed)
        let server = try ScriptedServer { request, connection in
            if request.path == "/live" { return try connection.respond("alive") }
            try connection.startChunks()
            for _ in 0..<20 {
                try connection.chunk(Array(repeating: 1, count: 20_000))
                try connection.pause(.milliseconds(1))
            }
            try connection.endChunks()
        }
        await withTaskGroup { group in
            for number in 0..<100 {
                let delay = Duration.microseconds(random.below(30_000))
                group.addTask {
                    let task = Task {
                        if number % 2 == 0 {
                            _ = try? await client.send(request(server.url))
                        } else if let stream = try? await client.open(request(server.url)) {
                            _ = await stream.drained()
                        }
                    }
                    try? await Task.sleep(for: delay)
                    task.cancel()
                    await task.value
                }
            }
        }
        #expect(try await client.send(request(server.url + "/live")).text == "alive", "seed \(seed)")
        // Those that came to their end are kept for the next request.
        #expect(await eventually { server.openConnections <= HTTPClientOptions().maxIdleConnections }, "seed \(seed)")
        #expect(server.failures == [], "seed \(seed)")
    }
}
