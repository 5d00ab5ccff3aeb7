// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Gzip
import ScriptedServer

/// `weir-otlp-receiver FOLDER`: listens on 127.0.0.1:4318. Each body that it answers with 200 is in FOLDER, unpacked, as 0001.bin and so on,
/// before the answer is sent. FOLDER/mode says what it does with a request: `good` (also when there is no such file), a status,
/// `reset`, `hang`, or `cut` (200 with half an answer).
guard CommandLine.arguments.count == 2 else { fail("usage: weir-otlp-receiver FOLDER") }
let folder = CommandLine.arguments[1]
let server: ScriptedServer
do {
    server = try ScriptedServer(on: .tcp(port: 4318)) { request, connection in
        func store() throws {
            let packed = request.header("content-encoding") == "gzip"
            let body = packed ? try Gzip.unpacked(request.body, maxBytes: 256 << 20) : request.body
            Files.store(body, in: folder)
        }
        switch Files.mode(in: folder) {
        case "good":
            try store()
            try connection.respond(200, headers: [("Content-Type", "application/x-protobuf")])
        case "cut":
            try store()
            try connection.write(ScriptedConnection.head(200, [("Content-Length", "100")]) + [0x0a])
            connection.close()
        case "reset": connection.reset()
        case "hang": try connection.hang()
        case let status: try connection.respond(Int(status) ?? 500)
        }
    }
} catch {
    fail("could not listen: \(error)")
}
print("listening")
fflush(nil)
server.serve()

func fail(_ message: String) -> Never {
    print("weir-otlp-receiver: \(message)")
    exit(1)
}
