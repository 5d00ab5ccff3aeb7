// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HTTPClient
import ScriptedServer
import Synchronization
import Testing
import WeirTesting

@Suite("many at once, on one thread, and nothing left behind", .serialized, .timeLimit(.minutes(2)))
struct ManyTests {
    @Test("five hundred transfers, all under way together, have one thread")
    func together() async throws {
        // None is answered before all have come.
        let arrived = Atomic(0)
        let server = try ScriptedServer { request, connection in
            arrived.add(1, ordering: .relaxed)
            while arrived.load(ordering: .relaxed) < 500 { try connection.pause(.milliseconds(5)) }
            try connection.respond(request.path)
        }
        var options = HTTPClientOptions()
        options.maxTransfers = 500
        options.threadName = "http-many"
        let client = HTTPClient(options)
        let right = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<500 {
                group.addTask { (try? await client.send(request("\(server.url)/\(number)")))?.text == "/\(number)" }
            }
            #expect(await eventually { arrived.load(ordering: .relaxed) == 500 })
            #expect(OwnProcess.threads(named: "http-many") == 1)
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(right == 500)
        #expect(await eventually { server.openConnections <= options.maxIdleConnections })
        withExtendedLifetime(client) {}
    }

    @Test("no more at once than allowed; then they wait, and beyond that they are refused")
    func bounded() async throws {
        let most = Mutex((now: 0, most: 0))
        let gate = Atomic(false)
        let server = try ScriptedServer { request, connection in
            most.withLock {
                $0.now += 1
                $0.most = max($0.most, $0.now)
            }
            while !gate.load(ordering: .relaxed) { try connection.pause(.milliseconds(2)) }
            most.withLock { $0.now -= 1 }
            try connection.respond()
        }
        var options = HTTPClientOptions()
        options.maxTransfers = 3
        options.maxWaiting = 4
        let client = HTTPClient(options)
        let failures = await withTaskGroup(of: HTTPError.Reason?.self) { group in
            for _ in 0..<10 {
                group.addTask {
                    do throws(HTTPError) {
                        _ = try await client.send(request(server.url))
                        return nil
                    } catch { return error.reason }
                }
            }
            // Three are refused at once; of those that wait none has come to the server.
            var failures: [HTTPError.Reason] = []
            while failures.count < 3, let next = await group.next() { failures += [next].compactMap { $0 } }
            #expect(await server.waitForRequests(3).count == 3)
            gate.store(true, ordering: .relaxed)
            for await next in group { failures += [next].compactMap { $0 } }
            return failures
        }
        #expect(failures == [.busy, .busy, .busy])
        #expect(server.requests.count == 7 && most.withLock { $0.most } == 3)
        // The places are free again.
        #expect(try await client.send(request(server.url)).status == 200)
    }

    @Test("what waits for a place is cancelled and timed out like the rest")
    func waiting() async throws {
        let server = try ScriptedServer { _, connection in try connection.hang() }
        var options = HTTPClientOptions()
        options.maxTransfers = 1
        options.maxWaiting = 2
        let client = HTTPClient(options)
        let first = Task { await client.failure(request(server.url)) }
        _ = await server.waitForRequests(1)
        #expect(await client.failure(request(server.url) { $0.totalTimeout = .milliseconds(50) })?.reason == .timeout)
        let second = Task { await client.failure(request(server.url)) }
        try await Task.sleep(for: .milliseconds(10))
        second.cancel()
        #expect(await second.value?.reason == .cancelled)
        first.cancel()
        #expect(await first.value?.reason == .cancelled)
        #expect(server.requests.count == 1)
    }

    @Test("a client that nobody asks has no thread; one that is dropped ends with its last call and its last stream")
    func ends() async throws {
        let server = try ScriptedServer { request, connection in
            try connection.startChunks()
            try connection.chunk("x")
            try connection.pause(.milliseconds(50))
            try connection.chunk("y")
            if request.path == "/whole" { try connection.endChunks() } else { try connection.hang() }
        }
        var options = HTTPClientOptions()
        options.threadName = "http-ends"
        let idle = HTTPClient(options)
        #expect(OwnProcess.threads(named: "http-ends") == 0)
        _ = idle

        // The call is all that holds the client.
        #expect(try await HTTPClient(options).send(request(server.url + "/whole")).text == "xy")
        #expect(await eventually { OwnProcess.threads(named: "http-ends") == 0 && server.openConnections == 0 })

        var stream: HTTPStream? = try await HTTPClient(options).open(request(server.url))
        var seen: [UInt8] = []
        while seen.count < 2, let chunk = try await stream?.nextChunk() { seen += chunk }
        #expect(seen == Array("xy".utf8) && OwnProcess.threads(named: "http-ends") == 1)
        stream = nil
        #expect(await eventually { OwnProcess.threads(named: "http-ends") == 0 && server.openConnections == 0 })
    }

    @Test("the thread takes no signal but the processor's own, which must end the process with its report")
    func signals() async throws {
        let server = try ScriptedServer { _, connection in try connection.respond() }
        var options = HTTPClientOptions()
        options.threadName = "http-signals"
        let client = HTTPClient(options)
        _ = try await client.send(request(server.url))
        let blocked = try #require(OwnProcess.signalsBlocked(byThread: "http-signals"))
        #expect(blocked.isSuperset(of: [SIGHUP, SIGINT, SIGPIPE, SIGTERM, SIGCHLD, SIGUSR1, SIGALRM].map(Int.init)))
        #expect(blocked.isDisjoint(with: [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT].map(Int.init)))
        withExtendedLifetime(client) {}
    }

    private struct Weak: Sendable {
        weak let object: (any AnyObject & Sendable)?
    }

    @Test("a client that is dropped before its thread has looked at what it was asked leaves nothing in memory")
    func unheard() async throws {
        let server = try ScriptedServer { _, connection in try connection.hang() }
        var options = HTTPClientOptions()
        options.threadName = "http-unheard"
        var held: [Weak] = []
        for _ in 0..<200 {
            held.append(
                await Task {
                    let client = HTTPClient(options)
                    // Used at once, within this task.
                    unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                    _ = try? await client.send(request(server.url))
                    return Weak(object: client.heldByThread)
                }.value)
        }
        #expect(await eventually { OwnProcess.threads(named: "http-unheard") == 0 })
        #expect(await eventually { held.allSatisfy { $0.object == nil } }, "\(held.count { $0.object != nil }) are left")
    }

    @Test("a thousand clients, dropped in every state, leave no thread and no descriptor")
    func leaks() async throws {
        let seed = SplitMix64.freshSeed
        var random = SplitMix64(seed: seed)
        let server = try ScriptedServer { request, connection in
            if request.path == "/hang" { try connection.hang() }
            try connection.respond("x")
        }
        var options = HTTPClientOptions()
        options.threadName = "http-leaks"
        func one(_ kind: Int) async {
            let client = HTTPClient(options)
            switch kind {
            case 0: _ = try? await client.send(request(server.url))
            case 1: _ = await (try? client.open(request(server.url)))?.drained()
            case 2: _ = try? await client.open(request(server.url))
            case 3: _ = try? await client.send(request(server.url + "/hang") { $0.totalTimeout = .milliseconds(2) })
            case 4: _ = try? await client.send(request("http://127.0.0.1:1/"))
            default:
                let task = Task { try? await client.send(request(server.url + "/hang")) }
                await Task.yield()
                task.cancel()
                _ = await task.value
            }
        }
        // Once around, so that what is made once is there.
        for kind in 0..<6 { await one(kind) }
        #expect(await eventually { OwnProcess.threads(named: "http-leaks") == 0 })
        let before = OwnProcess.descriptors
        for _ in 0..<1000 { await one(random.below(6)) }
        #expect(await eventually { OwnProcess.threads(named: "http-leaks") == 0 && server.openConnections == 0 }, "seed \(seed)")
        // Other tests of this process have some open; one that each client leaves would be a thousand.
        #expect(OwnProcess.descriptors < before + 300, "seed \(seed)")
    }
}
