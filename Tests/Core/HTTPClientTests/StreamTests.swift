// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import HTTPClient
import ScriptedServer
import Synchronization
import Testing
import WeirTesting

@Suite("streams: a body as it comes, and no more of it than its reader takes", .timeLimit(.minutes(1)))
struct StreamTests {
    @Test("the head is there before the body, and each line as soon as it is sent")
    func lines() async throws {
        let read = Atomic(0)
        let server = try ScriptedServer { _, connection in
            try connection.startChunks(headers: [("X-A", "b")])
            // Nothing is sent before what came earlier was read.
            for (number, piece) in ["one\ntw", "o\n\n", "three\r\nno newline"].enumerated() {
                while read.load(ordering: .relaxed) < number { try connection.pause(.milliseconds(1)) }
                try connection.chunk(piece)
            }
            try connection.endChunks()
        }
        let stream = try await HTTPClient().open(request(server.url))
        #expect(stream.status == 200 && stream.headers["x-a"] == "b")
        var seen: [String] = []
        while let line = try await stream.nextLine(maxBytes: 100) {
            seen.append(String(decoding: line, as: UTF8.self))
            read.add(1, ordering: .relaxed)
        }
        #expect(seen == ["one", "two", "", "three\r", "no newline"])
        #expect(try await stream.nextLine(maxBytes: 100) == nil)
    }

    @Test("small pieces gather for the time that is asked, and the first one does not wait")
    func gathers() async throws {
        let server = try ScriptedServer { _, connection in
            try connection.startChunks()
            for number in 0..<40 {
                try connection.chunk("\(number)\n")
                try connection.pause(.milliseconds(5))
            }
            try connection.endChunks()
        }
        func pieces(_ time: Duration) async throws -> [[UInt8]] {
            var asked = request(server.url)
            asked.gatherTime = time
            let stream = try await HTTPClient().open(asked)
            var pieces: [[UInt8]] = []
            while let piece = try await stream.nextChunk() { pieces.append(piece) }
            return pieces
        }
        let gathered = try await pieces(.seconds(1))
        let text = (0..<40).map { "\($0)\n" }.joined()
        #expect(String(decoding: gathered.joined(), as: UTF8.self) == text)
        // The first and what came within the second; more where the server was slow.
        #expect(gathered.count <= 6, "\(gathered.count)")
        #expect(String(decoding: try await pieces(.zero).joined(), as: UTF8.self) == text)
    }

    @Test("a reader that takes nothing stops the server; when it goes on, every byte comes in order", arguments: [1, 16 << 10, 256 << 10])
    func backPressure(_ room: Int) async throws {
        let total = 64 << 20
        let written = Atomic(0)
        let server = try ScriptedServer { _, connection in
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
            var next = 0
            while next < total {
                let piece = (next..<next + 65536).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
                try connection.write(piece)
                next += piece.count
                written.store(next, ordering: .relaxed)
            }
        }
        var options = HTTPClientOptions()
        options.streamBufferBytes = room
        // Shorter than the reader's pause: the silence is not the server's.
        let stream = try await HTTPClient(options).open(request(server.url) { $0.idleTimeout = .milliseconds(100) })
        try await Task.sleep(for: .milliseconds(400))
        let stopped = written.load(ordering: .relaxed)
        try await Task.sleep(for: .milliseconds(100))
        // What is under way is in the kernel's buffers of two sockets, which grow to some MiB, and in our room.
        #expect(written.load(ordering: .relaxed) == stopped && stopped < 24 << 20)
        var seen = 0
        while let chunk = try await stream.nextChunk() {
            #expect(chunk.count <= room + 16 << 10)
            let isRight = chunk.enumerated().allSatisfy { $1 == UInt8(truncatingIfNeeded: (seen + $0) &* 31 >> 3) }
            #expect(isRight, "at \(seen)")
            seen += chunk.count
        }
        #expect(seen == total)
    }

    @Test("however a body is cut into chunks, read as lines, chunks or both, it is the same body")
    func law() async throws {
        let seed = SplitMix64.freshSeed
        var random = SplitMix64(seed: seed)
        let client = HTTPClient()
        for round in 0..<30 {
            // Lines of all lengths, many of them empty.
            let body = (0..<random.below(200_000)).map { _ in random.below(round < 15 ? 4 : 400) == 0 ? UInt8(ascii: "\n") : UInt8(random.below(256))
            }
            var cuts: [[UInt8]] = []
            var from = 0
            while from < body.count {
                let count = min(body.count - from, 1 + random.below(random.below(2) == 0 ? 10 : 30_000))
                cuts.append(Array(body[from..<from + count]))
                from += count
            }
            let pieces = cuts
            let server = try ScriptedServer { _, connection in
                try connection.startChunks()
                for piece in pieces { try connection.chunk(piece) }
                try connection.endChunks()
            }
            let gatherTime = Duration.milliseconds(random.below(2) * random.below(20))
            let stream = try await client.open(request(server.url) { $0.gatherTime = gatherTime })
            var lines: [[UInt8]] = []
            var rest: [UInt8] = []
            var chunksFrom = round % 3 == 0 ? random.below(50) : Int.max
            while chunksFrom > 0, let line = try await stream.nextLine(maxBytes: 200_000) {
                lines.append(line)
                chunksFrom -= 1
            }
            while let chunk = try await stream.nextChunk() { rest += chunk }
            var expected = body.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
            if expected.last?.isEmpty == true { expected.removeLast() }
            if chunksFrom > 0 {
                #expect(lines == expected && rest.isEmpty, "seed \(seed), round \(round)")
            } else {
                let read = lines.reduce(0) { $0 + $1.count + 1 }
                #expect(lines == Array(expected.prefix(lines.count)), "seed \(seed), round \(round)")
                #expect(rest == Array(body.dropFirst(read)), "seed \(seed), round \(round)")
            }
        }
    }

    @Test("a stream that nobody reads holds no other transfer up")
    func neighbours() async throws {
        let server = try ScriptedServer { request, connection in
            guard request.path == "/flood" else { return try connection.respond("x") }
            try connection.startChunks()
            while true { try connection.chunk([UInt8](repeating: 0, count: 65536)) }
        }
        let client = HTTPClient()
        let floods = try await [client.open(request(server.url + "/flood")), client.open(request(server.url + "/flood"))]
        for _ in 0..<100 { #expect(try await client.send(request(server.url)).text == "x") }
        withExtendedLifetime(floods) {}
    }
}
