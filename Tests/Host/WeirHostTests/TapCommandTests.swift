// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Testing
internal import WeirHost
internal import WeirKit
internal import WeirTesting

/// `weir tap` as the shell sees it, against a real socket.
@Suite("tap: the command", .timeLimit(.minutes(5)))
struct TapCommandTests {
    /// Runs a line of shell in which `$weir` is the program and `$socket` the agent's, while a window of three flows passes.
    private func run(_ line: String, _ fixture: inout TapFixture) async throws -> Fixtures.Outcome {
        let path = fixture.path
        let outcome = Task { try await Self.shell("socket=\(path); \(line)") }
        #expect(await fixture.wait("clients", for: 1))
        fixture.pipeline.window([
            CapturedFlow("10.0.0.4", "10.0.0.5", bytes: 1_234_567), CapturedFlow("10.0.0.5", "10.0.0.9", bytes: 5),
            CapturedFlow("10.0.0.9", "2001:db8::1", bytes: 6),
        ])
        return try await outcome.value
    }

    /// On a thread of its own: waiting for the program would hold one of the few that run the tests, and what it waits for.
    private static func shell(_ line: String) async throws -> Fixtures.Outcome {
        try await withCheckedThrowingContinuation { waiting in
            Thread { waiting.resume(with: Result { try Fixtures.shell(line) }) }.start()
        }
    }

    @Test("a table for people: columns that have a value, a sentence for what is not captured")
    func table() async throws {
        var fixture = try TapFixture()
        let outcome = try await run("\"$weir\" tap --socket $socket --count 3", &fixture)
        #expect(outcome.status == 0)
        #expect(
            outcome.output == """
                time      src.address  dst.address  src.zone  dst.zone  observer  network.type    bytes  packets
                00:16:45  10.0.0.4     10.0.0.5     a         b         source    ipv4          1234567        1
                00:16:45  10.0.0.5     10.0.0.9     b         -         source    ipv4                5        1
                00:16:45  10.0.0.9     2001:db8::1  -         -         source    ipv4                6        1

                """)
        #expect(outcome.errors.hasPrefix("weir tap: not captured by the running plan: ") && outcome.errors.contains("src.port, dst.port"))
    }

    @Test("--explain says under each record who answered and who would have")
    func explain() async throws {
        var fixture = try TapFixture()
        let outcome = try await run("\"$weir\" tap --socket $socket --explain --columns src.zone,dst.zone --count 2", &fixture)
        #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
        #expect(
            outcome.output == """
                time      src.zone  dst.zone    bytes  packets
                00:16:45  a         b         1234567        1
                    src.zone=a by first; also: second
                    dst.zone=b by second
                00:16:45  b         -               5        1
                    src.zone=b by second
                    dst.zone: nobody; had no answer: first, second

                """)
    }

    @Test("--format json is the agent's lines, exactly as many as asked for")
    func json() async throws {
        var fixture = try TapFixture()
        let line = "\"$weir\" tap --socket $socket --format json --filter 'bytes > 5' --columns dst.zone --count 1"
        let outcome = try await run(line, &fixture)
        #expect(outcome.status == 0 && outcome.errors == "")
        #expect(outcome.output == "{\"time\":\"1970-01-01T00:16:45.000Z\",\"dst.zone\":\"b\",\"bytes\":1234567,\"packets\":1}\n")
    }

    @Test(
        "the end of the time, a signal, a reader who has seen enough: each ends it quietly with 0",
        arguments: [
            "\"$weir\" tap --socket $socket --duration 1s; echo $? >&2",
            "\"$weir\" tap --socket $socket & sleep 1; kill -TERM $!; wait $!; echo $? >&2",
            "{ \"$weir\" tap --socket $socket --format json; echo $? >&2; } | head -n 1",
        ])
    func quiet(_ line: String) async throws {
        var fixture = try TapFixture()
        let path = fixture.path
        let outcome = Task { try await Self.shell("socket=\(path); \(line)") }
        _ = await fixture.wait("clients", for: 1)
        let start = ContinuousClock.now
        // Until it hears that nobody reads.
        while fixture.metric("clients") > 0, ContinuousClock.now - start < .seconds(10) {
            fixture.pipeline.window((0..<500).map { CapturedFlow("10.0.0.4", "10.1.\($0 / 250).\($0 % 250)") })
            try await Task.sleep(for: .milliseconds(50))
        }
        let errors = try await outcome.value.errors.split(separator: "\n").filter { !$0.contains("not captured") }
        #expect(errors == ["0"])
    }

    @Test("no agent, one that is dead, no leave: a sentence each, and 2")
    func nobody() throws {
        try Fixtures.inFolder { folder in
            let path = folder.appendingPathComponent("tap.sock").path
            let missing = try Fixtures.weir("tap", "--socket", path)
            #expect(missing.status == 2 && missing.errors.contains("no agent has its socket at '\(path)'"), "\(missing)")
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
            // Made, and closed again.
            _ = try SocketFile(at: path, group: "weir")
            let dead = try Fixtures.weir("tap", "--socket", path)
            #expect(dead.status == 2 && dead.errors.contains("no agent listens at '\(path)' any more"), "\(dead)")
        }
    }

    @Test(
        "what the user got wrong exits 1: a filter with its place, a column with a suggestion, a slip on the command line",
        arguments: [
            (
                ["--filter", "src.zon == \"a\""],
                "--filter:1:1: error: unknown attribute 'src.zon'; did you mean 'src.zone'?\n  1 | src.zon == \"a\"\n    | ^\n"
            ),
            (
                ["--filter", "bytes > 1 and dst.port == 80"],
                "--filter:1:15: error: dst.port: not captured by the running plan; add it to a metric or exporter\n  1 | bytes > 1 and dst.port == 80\n    |               ^\n"
            ),
            (["--columns", "src.zone,dst.zon"], "weir tap: unknown attribute 'dst.zon'; did you mean 'dst.zone'?\n"),
        ])
    func mistakes(_ arguments: [String], _ expected: String) throws {
        let fixture = try TapFixture()
        let outcome = try Fixtures.weir(["tap", "--socket", fixture.path] + arguments)
        #expect(outcome.status == 1 && outcome.output == "" && outcome.errors == expected, "\(outcome)")
    }

    @Test("a column that exists and is not captured is answered with a sentence, and the others are shown")
    func notCaptured() async throws {
        var fixture = try TapFixture()
        let outcome = try await run("\"$weir\" tap --socket $socket --columns src.zone,src.port --count 1", &fixture)
        #expect(outcome.status == 0 && outcome.errors == "weir tap: src.port: not captured by the running plan; add it to a metric or exporter\n")
        #expect(outcome.output.hasPrefix("time      src.zone  "))
    }

    @Test(
        "slips on the command line exit 1",
        arguments: [
            ["--format", "tabel"], ["--count", "0"], ["--count", "-1"], ["--duration", "soon"], ["--socket", "tap.sock"],
            ["--socket", "/\(String(repeating: "x", count: 200))"],
            ["--filter", String(repeating: "x", count: 9000)],
        ])
    func slips(_ arguments: [String]) throws {
        let outcome = try Fixtures.weir(["tap"] + arguments)
        #expect(outcome.status == 1 && outcome.output == "" && !outcome.errors.isEmpty, "\(outcome)")
    }

    @Test("who listens there and is no agent is said to be none")
    func stranger() async throws {
        try Fixtures.inFolder { folder in
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
            let socket = try SocketFile(at: folder.appendingPathComponent("tap.sock").path, group: "weir")
            let server = Thread {
                while true {
                    if let client = try? UnixSocket.accept(socket.descriptor) {
                        _ = try? UnixSocket.write(Array("HTTP/1.1 400 Bad Request\n".utf8), from: 0, to: client)
                        return UnixSocket.close(client)
                    }
                    usleep(1000)
                }
            }
            server.start()
            let outcome = try Fixtures.weir("tap", "--socket", socket.path)
            #expect(outcome.status == 2 && outcome.errors.contains("does not speak as an agent"), "\(outcome)")
        }
    }
}
