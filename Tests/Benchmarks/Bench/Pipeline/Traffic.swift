// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CWeirCapture
internal import WeirCapture
internal import WeirKit
internal import WeirPipeline
internal import WeirTesting

/// How much of everything a made-up host has.
struct TrafficSizes {
    var flows = 100_000
    var endpoints = 50_000
    var series = 10_000
    var prefixes = 10_000
    /// Which hooks of the kernel saw the packets: those of devices, or those of sockets.
    var source = CaptureSource.tc
}

/// Rows of the kernel's map as `capture_read` hands them over, the same in every run, in the order of a hash map: none.
///
/// A flow belongs to one of `series` pairs of owners; its ends are any two endpoints of these owners. An endpoint's zone and
/// region follow from its prefix, its owner from its address, so that a pair of owners is exactly one series.
struct Traffic {
    let sizes: TrafficSizes
    private let owners: Int
    private let receivers: Int
    private let prefixLength: Int

    init(_ sizes: TrafficSizes) {
        self.sizes = sizes
        receivers = min(sizes.series, 100)
        owners = max(receivers, sizes.series / receivers)
        precondition(sizes.endpoints >= owners && sizes.prefixes % owners == 0, "every owner needs an endpoint and a prefix")
        prefixLength = 8 + Int.bitWidth - (sizes.prefixes - 1).leadingZeroBitCount
    }

    /// Prefix by prefix through 10.0.0.0/8, so that every prefix is asked for.
    func address(_ endpoint: Int) -> IPAddress {
        let (host, prefix) = endpoint.quotientAndRemainder(dividingBy: sizes.prefixes)
        return IPAddress(ipv4: 0x0a00_0000 | UInt32(prefix) << UInt32(32 - prefixLength) | UInt32(host + 1))
    }

    func rows() -> [capture_row] {
        var random = SplitMix64(seed: 42)
        let perOwner = sizes.endpoints / owners
        return (0..<sizes.flows).map { _ in
            let series = random.below(sizes.series)
            let source = address(series / receivers + owners * random.below(perOwner))
            let destination = address(series % receivers + owners * random.below(perOwner))
            var row = capture_row()
            (row.src_high, row.src_low) = (source.high, source.low)
            (row.dst_high, row.dst_low) = (destination.high, destination.low)
            (row.src_port, row.dst_port) = (UInt16(32_768 + random.below(28_000)), series % 3 == 0 ? 443 : 8080)
            row.packets = UInt64(1 + random.below(20))
            row.bytes = row.packets * UInt64(60 + random.below(1400))
            if sizes.source == .cgroup {
                // Of the owners every other one runs on this host: what these send is seen when they send it.
                let owner = series / receivers
                row.hook = UInt8(owner % 2 == 0 ? FLOW_SOCKET_OUT.rawValue : FLOW_SOCKET_IN.rawValue)
                row.cgroup = UInt64(1 + (owner % 2 == 0 ? owner : series % receivers))
            } else {
                row.hook = UInt8(series % 2 == 0 ? FLOW_MADE.rawValue : FLOW_UPLINK_IN.rawValue)
            }
            row.protocol = 6
            return row
        }
    }

    /// One ready flow per series, so that all of them exist after one window.
    func everySeries() -> [CapturedFlow] {
        (0..<sizes.series).map { series in
            CapturedFlow(
                source: address(series / receivers), destination: address(series % receivers), bytes: UInt64(1000 + series), packets: 1,
                observer: .source)
        }
    }

    /// A table of prefixes, as the `cidr` plugin keeps it, and a stage with an answer per address.
    func stages() -> [EnricherInstance] {
        var table = PrefixTable<Place>()
        for prefix in 0..<sizes.prefixes {
            let base = IPAddress(ipv4: 0x0a00_0000 | UInt32(prefix) << UInt32(32 - prefixLength))
            table.insert(CIDR("\(base)/\(prefixLength)")!, Place(region: "eu-west-1", zone: "eu-west-1\(["a", "b", "c"][prefix % owners % 3])"))
        }
        var names: [IPAddress: String] = [:]
        for endpoint in 0..<sizes.endpoints { names[address(endpoint)] = "service-\(endpoint % owners)" }
        return [
            EnricherInstance(name: "places", stage: .endpoint(PlaceStage(table: table))),
            EnricherInstance(name: "names", stage: .endpoint(NameStage(names: names))),
        ]
    }
}

/// What a table says of a prefix.
private struct Place: Sendable {
    let region: String
    let zone: String
}

private struct PlaceStage: EndpointEnricher {
    let table: PrefixTable<Place>
    let reads: Set<Attribute> = []
    let writes: Set<Attribute> = [.region, .zone]

    func enrich(_ endpoints: inout EndpointBatch) {
        for row in endpoints.rows {
            let place = table.longest(endpoints.address(row))
            endpoints.answer(.region, row, place.map { .text($0.region) } ?? .absent)
            endpoints.answer(.zone, row, place.map { .text($0.zone) } ?? .absent)
        }
    }
}

private struct NameStage: EndpointEnricher {
    let names: [IPAddress: String]
    let reads: Set<Attribute> = []
    let writes: Set<Attribute> = [.ownerName]

    func enrich(_ endpoints: inout EndpointBatch) {
        for row in endpoints.rows { endpoints.answer(.ownerName, row, names[endpoints.address(row)].map { .text($0) } ?? .absent) }
    }
}
