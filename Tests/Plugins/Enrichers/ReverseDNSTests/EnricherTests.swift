// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import DNSClient
import ReverseDNSEnricher
import ScriptedDNS
import Synchronization
import Testing
import WeirKit
import WeirTesting

private let stranger = IPAddress(ipv4: 0xcb00_7105)

/// What a stage invalidated.
private final class Invalidations: Sendable {
    private let seen = Mutex<Set<EndpointSelection>>([])
    func note(_ which: EndpointSelection) { _ = seen.withLock { $0.insert(which) } }
    func contains(_ address: IPAddress) -> Bool { seen.withLock { $0.contains(.address(address)) } }
    func forget() { seen.withLock { $0 = [] } }

    /// Bounded by the suite's time limit.
    func wait(for address: IPAddress) async throws { while !contains(address) { try await Task.sleep(for: .milliseconds(5)) } }
}

/// Answers by a closure, and counts.
private final class Oracle: PointerSource {
    private let answer: @Sendable (IPAddress) async -> PointerAnswer
    let asked = Mutex<[IPAddress]>([])
    init(_ answer: @escaping @Sendable (IPAddress) async -> PointerAnswer) { self.answer = answer }
    func pointer(of address: IPAddress) async -> PointerReply {
        asked.withLock { $0.append(address) }
        return PointerReply(await answer(address), messages: 1)
    }
}

private func ask(_ enricher: ReverseDNSEnricher, _ address: IPAddress = stranger) -> Answer? {
    let answers = Questions.ask(enricher, [.init(address.description)])[0]
    #expect(answers[.name] == answers[ReverseDNSEnricher.dnsName])
    return answers[.name]
}

/// Runs the stage until `body` is done.
private func running(_ enricher: ReverseDNSEnricher, _ body: () async throws -> Void) async throws {
    let run = Task { try await enricher.run() }
    defer { run.cancel() }
    try await body()
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
}

@Suite("reverse_dns: names of strangers", .timeLimit(.minutes(1)))
struct ReverseDNSEnricherTests {
    @Test("a stranger is pending, asked about once, and then has its name")
    func named() async throws {
        let invalidated = Invalidations()
        let oracle = Oracle { _ in .names(["b.example", "a.example"], refused: 0, ttl: .seconds(60)) }
        let enricher = ReverseDNSEnricher(ReverseDNSOptions(), .testing("reverse_dns", invalidate: { invalidated.note($0) })) { _ in oracle }
        #expect(ask(enricher) == .pending)
        try await running(enricher) {
            try await invalidated.wait(for: stranger)
            #expect(ask(enricher) == .text("a.example"))
            #expect(ask(enricher, IPAddress("10.0.0.1")!) == .absent)
        }
        #expect(oracle.asked.withLock { $0 } == [stranger])
        #expect(ask(enricher) == .text("a.example"), "what is known outlives the run")
    }

    @Test("who has a name already is not asked about, unless dns.name is wanted")
    func known() async throws {
        for wanted in [[Attribute.name], [.name, ReverseDNSEnricher.dnsName]] {
            let enricher = ReverseDNSEnricher(ReverseDNSOptions(), .testing("reverse_dns")) { _ in Oracle { _ in .none(ttl: nil) } }
            var batch = EndpointBatch(columns: wanted)
            batch.append(stranger, owner: 0, isLocal: false)
            FixedAnswers([.name: "pod"]).enrich(&batch)
            enricher.enrich(&batch)
            #expect(batch.cells.map(\.isPending) == (wanted.count == 1 ? [false] : [false, true]))
            #expect(batch[.name, 0] == "pod")
        }
    }

    @Test("a run that was cancelled in the middle of a question asks it again")
    func restarted() async throws {
        let invalidated = Invalidations()
        let isSlow = Mutex(true)
        let oracle = Oracle { _ in
            guard isSlow.withLock({ $0 }) else { return .names(["vm.example"], refused: 0, ttl: .seconds(60)) }
            try? await Task.sleep(for: .seconds(60))
            return .failed(.cancelled)
        }
        let enricher = ReverseDNSEnricher(ReverseDNSOptions(), .testing("reverse_dns", invalidate: { invalidated.note($0) })) { _ in oracle }
        #expect(ask(enricher) == .pending)
        try await running(enricher) { while oracle.asked.withLock({ $0.isEmpty }) { try await Task.sleep(for: .milliseconds(5)) } }
        isSlow.withLock { $0 = false }
        try await running(enricher) { try await invalidated.wait(for: stranger) }
        #expect(ask(enricher) == .text("vm.example"))
    }

    @Test("over the wire: names, their times, and that there is none")
    func wire() async throws {
        let server = try await ScriptedDNS { question in
            question.name.hasPrefix("5.") ? [.reply(.names("VM.example."), to: question)] : [.reply(DNSReply(code: 3), to: question)]
        }
        let (options, problems) = ReverseDNSOptions.reading(
            "{ servers: '127.0.0.1:\(server.port)', min_ttl: 1s, negative_ttl: 1s, max_ttl: 1s, hosts_file: '' }")
        #expect(problems == [])
        let invalidated = Invalidations()
        let enricher = ReverseDNSEnricher(options, .testing("reverse_dns", invalidate: { invalidated.note($0) }))
        let nobody = IPAddress("203.0.113.6")!
        #expect(ask(enricher) == .pending)
        #expect(ask(enricher, nobody) == .pending)
        try await running(enricher) {
            for address in [stranger, nobody] { try await invalidated.wait(for: address) }
            #expect(ask(enricher) == .text("vm.example"))
            #expect(ask(enricher, nobody) == .absent)
            // Their second is over soon; they are asked again because they are looked up again.
            invalidated.forget()
            for address in [stranger, nobody] { try await invalidated.wait(for: address) }
            #expect(server.questions.count == 2)
            #expect(ask(enricher) == .text("vm.example"))
            #expect(ask(enricher, nobody) == .absent)
            while server.questions.count < 4 { try await Task.sleep(for: .milliseconds(5)) }
        }
    }

    @Test("a hosts file names what DNS is not asked about, is read again, and its last good state outlives it")
    func hosts() async throws {
        let text = Mutex<String?>("10.0.0.4 web.example\n203.0.113.5 known.example\n")
        let files = ConfigFiles { (path, _) throws(ConfigFileError) in
            guard let bytes = text.withLock({ $0.map { Array($0.utf8) } }) else { throw ConfigFileError("'\(path)' is gone") }
            return bytes
        }
        let (options, problems) = ReverseDNSOptions.reading("hosts_file: hosts", files: files)
        #expect(problems == [])
        let oracle = Oracle { _ in .none(ttl: nil) }
        let registry = MetricRegistry()
        let enricher = ReverseDNSEnricher(options, .testing("reverse_dns", metrics: registry)) { _ in oracle }
        // Known before it runs: that is what `weir test` sees.
        #expect(ask(enricher, IPAddress("10.0.0.4")!) == .text("web.example"))
        #expect(ask(enricher) == .text("known.example"))
        text.withLock { $0 = "10.0.0.5 new.example\nnonsense\n" }
        let invalidated = Invalidations()
        let second = ReverseDNSEnricher(options, .testing("reverse_dns", metrics: registry, invalidate: { invalidated.note($0) })) { _ in oracle }
        try await running(second) {
            for text in ["10.0.0.4", "10.0.0.5", "203.0.113.5"] { try await invalidated.wait(for: IPAddress(text)!) }
            #expect(ask(second, IPAddress("10.0.0.4")!) == .absent)
            #expect(ask(second, IPAddress("10.0.0.5")!) == .text("new.example"))
            #expect(ask(second) == .pending)
        }
        text.withLock { $0 = nil }
        func failures() -> UInt64 { registry.read().first { $0.name == "weir_reverse_dns_hosts_failures_total" }?.cells.first?.cell.current ?? 0 }
        try await running(second) { while failures() == 0 { try await Task.sleep(for: .milliseconds(5)) } }
        #expect(ask(second, IPAddress("10.0.0.5")!) == .text("new.example"))
    }

    @Test("it keeps what every enricher promises")
    func contract() {
        let (options, _) = ReverseDNSOptions.reading(
            "hosts_file: hosts", files: ConfigFiles { (_, _) throws(ConfigFileError) in Array("10.0.0.1 a.example".utf8) })
        let enricher = ReverseDNSEnricher(options, .testing("reverse_dns")) { _ in Oracle { _ in .none(ttl: nil) } }
        #expect(
            Questions.brokenPromises(
                of: enricher, with: [.init("10.0.0.1"), .init("10.0.0.2", isLocal: true), .init("203.0.113.5"), .init("2001:db8::1")]) == [])
        #expect(enricher.needs(for: enricher.writes) == [])
    }
}

@Suite("reverse_dns: what users write")
struct ReverseDNSOptionsTests {
    @Test("the sample decodes to exactly the defaults")
    func sample() { #expect(ReverseDNSOptions.reading(ReverseDNSPlugin.sample) == (ReverseDNSOptions(), [])) }

    @Test("each option is read, and two that differ are different")
    func each() {
        let lines = [
            "servers: [192.0.2.53, '[2001:db8::53]:5353']", "timeout: 1s", "tries: 3", "max_open: 8", "per_second: 5", "queue: 100",
            "cache_size: 10000",
            "min_ttl: 1m", "max_ttl: 2h", "negative_ttl: 10m", "serve_stale: 0s", "include: 10.0.0.0/8", "exclude: []", "hosts_file: ''",
        ]
        for line in lines {
            let (options, problems) = ReverseDNSOptions.reading(line)
            #expect(problems == [] && options != ReverseDNSOptions(), "\(line)")
        }
    }

    @Test(
        "what is wrong has a place and a sentence",
        arguments: [
            ("servers: [dns.example]", "weir.yaml:1:11: 'dns.example' is not a server such as 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353"),
            (
                "servers: [1.1.1.1, 1.1.1.2, 1.1.1.3, 1.1.1.4, 1.1.1.5, 1.1.1.6, 1.1.1.7, 1.1.1.8, 1.1.1.9]",
                "weir.yaml:1:10: servers has at most 8, found 9"
            ),
            ("per_second: 0", "weir.yaml:1:13: per_second is from 1 to 10000"),
            (
                "{ queue: 1000, cache_size: 1024 }",
                "weir.yaml:1:1: cache_size must be at least twice the queue (1000), or questions push each other out"
            ),
            ("{ min_ttl: 2h, max_ttl: 1h, negative_ttl: 3h }", "weir.yaml:1:1: max_ttl (1h) is shorter than min_ttl (2h)"),
            ("{ include: [10.0.0.0/8], exclude: [192.168.0.0/16, 10.0.0.0/8] }", "weir.yaml:1:52: 10.0.0.0/8 is in include as well"),
            ("include: 10.0.0.7/8", "weir.yaml:1:10: '10.0.0.7/8' is not an address or a range such as 10.0.0.0/8 whose host bits are zero"),
            ("hosts_file: /nowhere", "weir.yaml:1:13: '/nowhere' cannot be read here"),
            ("max_paralel: 1", "weir.yaml:1:1: unknown key 'max_paralel'"),
        ])
    func wrong(_ yaml: String, _ problem: String) { #expect(ReverseDNSOptions.reading(yaml).problems == [problem]) }
}
