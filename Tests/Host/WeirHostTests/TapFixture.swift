// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Logging
internal import WeirHost
internal import WeirKit
internal import WeirPipeline
internal import WeirTesting

/// A pipeline and the agent's side of `weir tap`, at a socket in a folder of its own.
struct TapFixture: ~Copyable {
    var pipeline: PipelineFixture
    let server: TapServer
    let folder: URL

    /// The zones of two hosts, by stages called `first` and `second`.
    static let zones: [EnricherInstance] = [
        EnricherInstance(name: "first", stage: .endpoint(Zones(["10.0.0.4": "a"]))),
        EnricherInstance(name: "second", stage: .endpoint(Zones(["10.0.0.4": "z", "10.0.0.5": "b"]))),
    ]

    init(_ yaml: String = "metrics: { network.flow.bytes: [src.zone, dst.zone] }", enrichers: [EnricherInstance] = zones) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("weir-tap-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        let pipeline = PipelineFixture(yaml, enrichers: enrichers)
        server = try TapServer(
            at: folder.appendingPathComponent("tap.sock").path, Self.context(pipeline), registry: pipeline.registry, log: Logger(label: "test"))
        self.pipeline = pipeline
        self.folder = folder
    }

    deinit {
        // Its thread ends when it hears of it.
        let (server, folder) = (server, folder)
        Task {
            await server.stop("the test is over")
            try? FileManager.default.removeItem(at: folder)
        }
    }

    var path: String { folder.appendingPathComponent("tap.sock").path }

    static func context(_ pipeline: borrowing PipelineFixture) -> TapContext {
        let declared = pipeline.plan.input.enrichers.flatMap { $0.stage.enricher.map { Array($0.writes) } ?? [] }
        return TapContext(plan: pipeline.plan, catalog: Catalog(declared: declared), window: .seconds(5), taps: pipeline.taps)
    }

    func metric(_ name: String, _ label: String? = nil) -> UInt64 { pipeline.metric("weir_tap_\(name)", label) }

    /// Waits until a metric has this value, for 10 s.
    func wait(_ name: String, _ label: String? = nil, for value: UInt64) async -> Bool {
        for _ in 0..<1000 {
            if metric(name, label) == value { return true }
            try? await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    /// A client that asks, and is heard.
    func client(_ request: String = "{\"weir_tap\":1}") async throws -> TapClientFixture {
        let before = metric("clients")
        let client = try TapClientFixture(path)
        client.say(request + "\n")
        _ = await wait("clients", for: before + 1)
        return client
    }
}

struct Zones: EndpointEnricher {
    let writes: Set<Attribute> = [.zone]
    private let zones: [String: String]

    init(_ zones: [String: String]) { self.zones = zones }

    func enrich(_ endpoints: inout EndpointBatch) {
        for row in endpoints.rows { if let zone = zones["\(endpoints.address(row))"] { endpoints.answer(.zone, row, .text(zone)) } }
    }
}

/// The other end of the socket, by hand.
final class TapClientFixture {
    private let descriptor: Int32
    private var rest: [UInt8] = []
    private var isClosed = false

    init(_ path: String) throws { descriptor = try UnixSocket.connect(to: path) }

    deinit { close() }

    func close() {
        if !isClosed { UnixSocket.close(descriptor) }
        isClosed = true
    }

    /// As `nc -N` does.
    func closeHalf() { shutdown(descriptor, Int32(SHUT_WR)) }

    func say(_ text: String) { say(Array(text.utf8)) }
    func say(_ bytes: [UInt8]) { _ = try? UnixSocket.write(bytes, from: 0, to: descriptor) }

    /// The next lines, as many as asked for; fewer when the agent hangs up or nothing comes for 5 s.
    func lines(_ count: Int) -> [String] {
        var found: [String] = []
        let deadline = ContinuousClock.now + .seconds(5)
        while found.count < count {
            if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                found.append(String(decoding: rest[..<end], as: UTF8.self))
                rest.removeSubrange(...end)
                continue
            }
            guard ContinuousClock.now < deadline else { break }
            guard let piece = try? UnixSocket.read(descriptor, upTo: 1 << 16) else {
                usleep(1000)
                continue
            }
            if piece.isEmpty { break }
            rest += piece
        }
        return found
    }

    /// All lines until the agent hangs up, and whether it did.
    func rest(within time: Duration = .seconds(5)) -> (lines: [String], isClosed: Bool) {
        let deadline = ContinuousClock.now + time
        var isClosed = false
        while ContinuousClock.now < deadline, !isClosed {
            do {
                guard let piece = try UnixSocket.read(descriptor, upTo: 1 << 20) else {
                    usleep(1000)
                    continue
                }
                isClosed = piece.isEmpty
                rest += piece
            } catch { isClosed = true }
        }
        return (String(decoding: rest, as: UTF8.self).split(separator: "\n").map(String.init), isClosed)
    }
}
