// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import HTTPClient
import ScriptedServer
import Synchronization
import Testing

@Suite("streams: a body as it comes, and no more of it than its reader takes", .timeLimit(.minutes(1)))
struct StreamTests {
    @Test("the head is there before the body, and each line as soon as it is sent")
    func lines() async throws {
        let server = try ScriptedServer { _, connection in
            try connection.startChunks(headers: [("X-A", "b")])
            try connection.pause(.milliseconds(30))
            for piece in ["one\ntw", "o\n\n", "three\r\nno newline"] {
                try connection.chunk(piece)
                try connection.pause(.milliseconds(10))
            }
            try connection.endChunks()
        }
        let stream = try await HTTPClient().open(request(server.url))
        #expect(stream.status == 200 && stream.headers["x-a"] == "b")
        var seen: [String] = []
        while let line = try await stream.nextLine(maxBytes: 100) { seen.append(String(decoding: line, as: UTF8.self)) }
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

    @Test("whatever its pieces, its reader and the time to gather: every byte comes once, in order")
    func everyByte() async throws {
        var random = SystemRandomNumberGenerator()
        let seed = random.next()
        var numbers = Numbers(state: seed)
        for _ in 0..<10 {
            let sizes = (0..<60).map { _ in numbers.next() % 3 == 0 ? Int(numbers.next() % 200_000) + 1 : Int(numbers.next() % 300) + 1 }
            let pauses = sizes.map { _ in Int(numbers.next() % 4) }
            let body = (0..<sizes.reduce(0, +)).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            let server = try ScriptedServer { _, connection in
                try connection.startChunks()
                var start = 0
                for (size, pause) in zip(sizes, pauses) {
                    try connection.chunk(Array(body[start..<start + size]))
                    start += size
                    try connection.pause(.milliseconds(pause))
                }
                try connection.endChunks()
            }
            var asked = request(server.url)
            asked.gatherTime = .milliseconds(Int(numbers.next() % 20))
            let stream = try await HTTPClient().open(asked)
            var read: [UInt8] = []
            while let piece = try await stream.nextChunk() {
                read += piece
                if numbers.next() % 4 == 0 { try await Task.sleep(for: .milliseconds(Int(numbers.next() % 10))) }
            }
            #expect(read == body, "seed \(seed)")
        }
    }

    /// The same numbers for the same seed.
    private struct Numbers {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 33
        }
    }
}
