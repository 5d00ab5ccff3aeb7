// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CloudInstanceEnricher
import FakeMetadata
import ScriptedServer
import Synchronization
import Testing
import WeirKit
import WeirTesting

/// A fake service that listens, and whose mind can be changed.
final class Service: Sendable {
    let server: ScriptedServer
    let provider: MetadataProvider
    private let fake: Shared

    private final class Shared: Sendable {
        let fake: Mutex<FakeMetadata>
        init(_ fake: FakeMetadata) { self.fake = Mutex(fake) }
    }

    init(_ cloud: String, fault: FakeMetadata.Fault? = nil) throws {
        let shared = Shared(try #require(FakeMetadata(cloud, fault: fault)))
        fake = shared
        provider = try #require(MetadataProvider.named(cloud))
        server = try ScriptedServer { request, connection in
            let handler = shared.fake.withLock { $0.handler }
            try handler(request, connection)
        }
    }

    func change(_ body: @Sendable (inout FakeMetadata) -> Void) { fake.fake.withLock { body(&$0) } }

    /// What it tells when it is well.
    var expected: [CloudField: String] {
        let values = fake.fake.withLock { $0.values }
        return values.reduce(into: [:]) { fields, entry in
            if let field = CloudField.named(entry.key) { fields[field] = entry.value }
        }
    }

    func ask(within limit: Duration = .seconds(2)) async -> MetadataReading {
        await MetadataService(provider, endpoint: server.url, limit: limit).ask()
    }
}

extension CloudField {
    static func named(_ key: String) -> CloudField? {
        switch key {
        case "host_name": .hostName
        case "image_id": .imageID
        default: settable.first { $0.rawValue == key }
        }
    }
}

/// What an enricher of a test said: invalidations and the resource.
final class Heard: Sendable {
    private let selections = Mutex<[EndpointSelection]>([])
    let metrics = MetricRegistry()
    let resource = ResourceFacts()

    var context: PluginContext {
        .testing(
            "cloud_instance", metrics: metrics, wallClock: { 1_700_000_000_000_000_000 }, resource: resource,
            invalidate: { [self] which in selections.withLock { $0.append(which) } })
    }

    var invalidations: Int { selections.withLock { $0.count } }

    func count(_ name: String) -> UInt64 { metrics.read().first { $0.name == name }?.cells.reduce(0) { $0 + $1.cell.current } ?? 0 }

    /// Waits until something holds; says whether it ever did.
    func wait(for seconds: Int = 10, until holds: () -> Bool) async -> Bool {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            if holds() { return true }
            try? await Task.sleep(for: .milliseconds(2))
        }
        return holds()
    }
}

extension CloudInstanceEnricher {
    /// `zone region zone.id provider account id type` of one endpoint: `-` is absent, `?` pending.
    func say(_ address: String, owner: UInt64 = 0, isLocal: Bool = false) -> String {
        let answers = Questions.ask(self, [.init(address, owner: owner, isLocal: isLocal)])[0]
        let attributes: [Attribute] = [
            .zone, .region, .zoneID, CloudField.cloudProvider, CloudField.cloudAccountID, CloudField.hostIDAttribute, CloudField.hostTypeAttribute,
        ]
        return attributes.map { attribute in
            switch answers[attribute] {
            case .text(let text): text
            case .pending: "?"
            default: "-"
            }
        }.joined(separator: " ")
    }
}
