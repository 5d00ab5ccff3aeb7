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
}
