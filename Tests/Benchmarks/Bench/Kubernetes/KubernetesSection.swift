// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FakeKubernetes
internal import KubernetesClient
internal import WeirKit

/// What it costs to read what an API server sends.
struct KubernetesSection: Section {
    let name = "kubernetes"
    let abstract = "lists and watches of an API server → objects; pods of 6.5 KiB in pieces of 64 KiB, one core, from memory, CPU time"

    /// As the HTTP client hands it on.
    fileprivate static let pieceBytes = 64 << 10

    func run(_ setting: Setting, note: (Figure) -> Void) throws {
        let count = setting.isQuick ? 2000 : 10_000
        var list = Array(#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":["#.utf8)
        var events: [UInt8] = []
        for number in 0..<count {
            let pod = FakeObjects.pod(number, nodes: 1000).bytes
            if number > 0 { list.append(UInt8(ascii: ",")) }
            list += pod
            events += Array(#"{"type":"MODIFIED","object":"#.utf8) + pod + Array("}\n".utf8)
        }
        list += "]}".utf8

        let lists = try (0..<setting.runs).map { _ in try seconds(of: list, pods: count) { $0.events(of: list) } }
        note(Figure("list of pods", "bytes/s", lists.map { Double(list.count) / $0 }, target: .atLeast(100e6)))
        note(Figure("list of pods", "ns/pod", lists.map { $0 * 1e9 / Double(count) }))
        let watches = try (0..<setting.runs).map { _ in try seconds(of: events, pods: count) { $0.listed().events(of: events) } }
        note(Figure("events of a watch", "ns/event", watches.map { $0 * 1e9 / Double(count) }))
    }

    private func seconds(of bytes: [UInt8], pods: Int, _ read: (Reading) -> Int) throws -> Double {
        var found = 0
        let seconds = CPUTime.spent { found = read(Reading()) }
        guard found == pods else { throw WrongCount(expected: pods, found: found) }
        return seconds
    }

    /// A client without I/O.
    private struct Reading {
        var client: ListWatch<Pod>

        init() {
            client = ListWatch(
                .pods, labels: ["app.kubernetes.io/team"], machine: ListWatchMachine(),
                metrics: ReflectorMetrics(MetricRegistry(), resource: .pods))
        }

        /// One whose list was empty, so that a watch follows.
        func listed() -> Reading {
            var reading = self
            _ = reading.feed(Array(#"{"metadata":{"resourceVersion":"1"},"items":[]}"#.utf8))
            return reading
        }

        func events(of bytes: [UInt8]) -> Int {
            var reading = self
            return reading.feed(bytes)
        }

        /// How many objects came out.
        mutating func feed(_ bytes: [UInt8]) -> Int {
            var found = 0
            _ = client.answered(client.next(), status: 200, retryAfter: nil, at: .now)
            for start in stride(from: 0, to: bytes.count, by: KubernetesSection.pieceBytes) {
                for event in client.take(Array(bytes[start..<min(start + KubernetesSection.pieceBytes, bytes.count)]), at: .now).events {
                    if case .put = event { found += 1 }
                }
            }
            _ = client.end(nil, at: .now)
            return found
        }
    }

    private struct WrongCount: Error, CustomStringConvertible {
        let expected: Int
        let found: Int
        var description: String { "could not measure lists: \(found) pods were read instead of \(expected)" }
    }
}
