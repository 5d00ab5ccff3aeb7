// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import DNSClient
internal import Logging
internal import Synchronization
public import WeirKit

/// Who answers PTR questions: DNS, or a test.
package protocol PointerSource: Sendable {
    func pointer(of address: IPAddress) async -> PointerReply
}

extension DNSClient: PointerSource {}

/// Answers from what `run()` was told by DNS servers; an address that nobody knows makes `run()` ask, within its limits.
public final class ReverseDNSEnricher: EndpointEnricher {
    public static let dnsName = Attribute.endpoint("dns.name", "The name that reverse DNS or the hosts file gives to the address.")

    public let writes: Set<Attribute> = [.name, dnsName]

    private let options: ReverseDNSOptions
    private let context: PluginContext
    private let metrics: Metrics
    private let ranges: AskedRanges.Test
    private let hosts: Mutex<[IPAddress: String]>
    private let book: Mutex<NameBook>
    /// Wakes the `run()` that is running.
    private let wish = Mutex<AsyncStream<Void>.Continuation?>(nil)
    private let source: Mutex<any PointerSource>
    private let makeSource: @Sendable (DNSClientOptions) -> any PointerSource
    private let start = ContinuousClock.now
    /// While messages are to be had only later: a question that ends meanwhile may let the next go sooner.
    private static let longestWait: Duration = .milliseconds(100)

    package convenience init(_ options: ReverseDNSOptions, _ context: PluginContext) {
        self.init(options, context) { DNSClient($0) }
    }

    package init(_ options: ReverseDNSOptions, _ context: PluginContext, _ makeSource: @escaping @Sendable (DNSClientOptions) -> any PointerSource) {
        self.options = options
        self.context = context
        self.makeSource = makeSource
        metrics = Metrics(context.metrics)
        ranges = AskedRanges.Test(options.ranges)
        hosts = Mutex(options.loadedHosts.names)
        book = Mutex(NameBook(options.limits, metrics, at: 0))
        source = Mutex(makeSource(options.client))
    }

    /// The clock of the book: nanoseconds since this stage was made.
    private var now: UInt64 { (ContinuousClock.now - start).monotonic }

    public func enrich(_ endpoints: inout EndpointBatch) {
        let hosts = hosts.withLock { $0 }  // one snapshot per batch
        let wantsOwn = endpoints.wants(Self.dnsName)
        guard wantsOwn || endpoints.wants(.name) else { return }
        let now = now
        // Whoever holds the lock besides holds it for a look-up, an answer, or a quarter of a sweep: microseconds.
        let isAsking = book.withLock { book in
            var isAsking = false
            for row in endpoints.rows {
                let address = endpoints.address(row)
                if let name = hosts[address] {
                    Self.answer(.text(name), row, &endpoints)
                    continue
                }
                // Who has a name from a stage of more trust needs no question, unless the name in DNS itself is wanted.
                guard wantsOwn || endpoints[.name, row] == nil else { continue }
                switch book.look(up: address, at: now, isAllowed: ranges.asks(about: address)) {
                case .name(let name): Self.answer(.text(name), row, &endpoints)
                case .pending: Self.answer(.pending, row, &endpoints)
                case .absent: break
                }
                isAsking = true
            }
            return isAsking
        }
        if isAsking { wish.withLock { _ = $0?.yield() } }
    }

    private static func answer(_ answer: Answer, _ row: Int, _ endpoints: inout EndpointBatch) {
        endpoints.answer(.name, row, answer)
        endpoints.answer(dnsName, row, answer)
    }

    /// Asks what `enrich` wants to know, and keeps house.
    public func run() async throws {
        book.withLock { $0.begin() }
        // One wish is as good as many.
        let (wishes, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        wish.withLock { $0 = continuation }
        try await withThrowingTaskGroup { group in
            group.addTask { try await self.ask(wishes) }
            group.addTask { try await self.keepHouse() }
            // Whichever ends first, by an error or because the run was cancelled, takes the other along.
            try await group.next()
            group.cancelAll()
        }
    }

    private func ask(_ wishes: AsyncStream<Void>) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            var wishes = wishes.makeAsyncIterator()
            while true {
                try Task.checkCancellation()
                let now = now
                switch book.withLock({ $0.next(at: now) }) {
                case .ask(let address):
                    let source = source.withLock { $0 }
                    group.addTask { self.learn(address, await source.pointer(of: address)) }
                case .wait(let until): try await Task.sleep(for: min(.nanoseconds(until - min(until, now)), Self.longestWait))
                case .idle: _ = await wishes.next()
                }
            }
        }
    }

    private func learn(_ address: IPAddress, _ reply: PointerReply) {
        let now = now
        if book.withLock({ $0.learn(address, reply, at: now) }) { context.invalidate(.address(address)) }
        wish.withLock { _ = $0?.yield() }
    }

    /// Once a second what is late; every ten seconds what may have changed on this host.
    private func keepHouse() async throws {
        var files = HouseFiles(options, context.log, metrics)
        var seconds = 0
        while true {
            if seconds % 10 == 0 {
                if let fresh = files.changedHosts() { replaceHosts(fresh) }
                if let servers = files.changedServers() { ask(servers) }
            }
            let now = now
            let due = book.withLock { $0.sweep(at: now) }
            for address in due { context.invalidate(.address(address)) }
            files.say(isAnswering: book.withLock { $0.isAnswering })
            seconds += 1
            try await Task.sleep(for: .seconds(1))
        }
    }

    private func replaceHosts(_ fresh: HostsFile) {
        let before = hosts.withLock { hosts in
            defer { hosts = fresh.names }
            return hosts
        }
        // Outside of the lock, which the data thread takes for each batch.
        let changed = Set(before.keys).union(fresh.names.keys).filter { before[$0] != fresh.names[$0] }
        for address in changed { context.invalidate(.address(address)) }
    }

    /// Questions that are open end with the servers that they were sent to.
    private func ask(_ servers: [DNSServer]) {
        var client = options.client
        client.servers = servers
        let fresh = makeSource(client)
        source.withLock { $0 = fresh }
    }
}
