// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import HTTPClient
internal import WeirKit

/// Asks one cloud's metadata service everything that its row says, within one limit for all of it.
package struct MetadataService: Sendable {
    /// What a single answer may hold; real ones have some kilobytes.
    package static let maxBodyBytes = 65_536
    /// The largest instances have fewer interfaces.
    package static let maxInterfaces = 64
    /// The same range counts once; more than this would make look-ups slow.
    package static let maxSubnets = 64
    /// Questions that are open at once. Clouds refuse hosts that ask much at a time.
    private static let sideBySide = 4

    private let provider: MetadataProvider
    private let address: String
    private let limit: Duration

    /// `endpoint` stands in for the provider's own address unless it is empty.
    package init(_ provider: MetadataProvider, endpoint: String = "", limit: Duration = .seconds(2)) {
        self.provider = provider
        self.address = endpoint.isEmpty ? provider.address : endpoint
        self.limit = limit
    }

    /// Returns within the limit, whatever the service does.
    package func ask() async -> MetadataReading {
        var reading = MetadataReading()
        var exchange = MetadataExchange(address, headers: provider.headers, signature: provider.signature, limit: limit)
        if let token = provider.token {
            switch await exchange.token(token) {
            case .success(let text): exchange.headers.append(MetadataProvider.Header(token.header, text))
            case .failure(let problem):
                reading.problems = [problem]
                return reading
            }
        }
        await fields(exchange, &reading)
        if let source = provider.subnets, !reading.values.isEmpty { await subnets(source, exchange, &reading) }
        if reading.values.isEmpty, reading.problems.isEmpty {
            let reason = reading.refused > 0 ? "content" : "nothing"
            reading.problems = [MetadataProblem(reason: reason, "learn anything from \(address), which does not speak as \(provider.name) does")]
        }
        return reading
    }

    private func fields(_ exchange: MetadataExchange, _ reading: inout MetadataReading) async {
        let results = await Self.each(provider.requests) { await exchange.get($0.path) }
        for (request, result) in zip(provider.requests, results) {
            switch result {
            case .success(nil): break
            case .success(let body?):
                if let answer = MetadataAnswer(body, to: request) {
                    reading.values.merge(answer.values) { earlier, _ in earlier }
                    reading.refused += answer.refused
                } else {
                    reading.problems.append(MetadataProblem(reason: "content", "read \(address)\(request.path): it is no JSON"))
                }
            case .failure(let problem): reading.problems.append(problem)
            }
        }
        reading.values = provider.completed(reading.values)
    }

    private func subnets(_ source: MetadataProvider.Subnets, _ exchange: MetadataExchange, _ reading: inout MetadataReading) async {
        switch await exchange.get(source.interfaces) {
        case .success(let body):
            let interfaces = MetadataAnswer.interfaces(body ?? []).prefix(Self.maxInterfaces)
            let paths = interfaces.flatMap { interface in source.ranges.map { "\(source.interfaces)\(interface)/\($0)" } }
            var subnets: [CIDR]? = []
            for result in await Self.each(paths, { await exchange.get($0) }) {
                switch result {
                case .success(let body):
                    let (ranges, refused) = MetadataAnswer.ranges(body ?? [])
                    reading.refused += refused
                    for range in ranges where subnets?.contains(range) == false && (subnets?.count ?? 0) < Self.maxSubnets { subnets?.append(range) }
                case .failure(let problem):
                    // A part of them would look as if the others were gone.
                    subnets = nil
                    reading.problems.append(problem)
                }
            }
            reading.subnets = subnets
        case .failure(let problem): reading.problems.append(problem)
        }
    }

    /// `body` of every item, a few at once, the results in the order of the items.
    private static func each<Item: Sendable, Result: Sendable>(
        _ items: [Item], _ body: @escaping @Sendable (Item) async -> Result
    ) async -> [Result] {
        await withTaskGroup(of: (Int, Result).self) { group in
            var results: [Int: Result] = [:]
            for (index, item) in items.enumerated() {
                if index >= sideBySide, let (done, result) = await group.next() { results[done] = result }
                group.addTask { (index, await body(item)) }
            }
            for await (done, result) in group { results[done] = result }
            return items.indices.compactMap { results[$0] }
        }
    }
}
