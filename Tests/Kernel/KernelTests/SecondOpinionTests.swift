// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import PacketFrames
import PacketParser
import Testing
import WeirKit

/// What tshark says of the same made-up packets, where it says anything.
struct Dissection {
    /// As its fields are asked for below; empty where it has no answer.
    let fields: [String]

    /// Of tunnels and of quoted packets the outermost.
    static let names =
        ["ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "ip.len", "ipv6.plen"] + ports.flatMap { ["\($0.value).srcport", "\($0.value).dstport"] }
    /// Names of protocols with ports, by number. UDP-Lite goes by UDP's fields.
    static let ports: KeyValuePairs<UInt8, String> = [6: "tcp", 17: "udp", 33: "dccp", 132: "sctp"]

    static func of(_ samples: [Sample]) throws -> [Dissection] {
        var file = CaptureFile()
        for (second, sample) in samples.enumerated() { file.add(sample.packet.ethernet(sample.etherType).bytes, at: UInt64(second) * 1_000_000_000) }
        let path = "/tmp/weir-t-samples-\(getpid()).pcap"
        let bytes = file.bytes
        // Path and array are read before each call returns.
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        let written = unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
        try #require(written == bytes.count)
        defer { shell("rm -f \(path)") }
        let list = names.map { "-e \($0)" }.joined(separator: " ")
        // The output is longer than what `shell` keeps: in pieces, of which none has more than 200 lines.
        return try stride(from: 1, through: samples.count, by: 200).flatMap { first in
            let (status, output) = shell(
                "tshark -n -r \(path) -Y 'frame.number >= \(first) && frame.number < \(first + 200)' -o ip.defragment:FALSE -o ipv6.defragment:FALSE "
                    + "-T fields -E occurrence=f -E separator=, \(list) 2>/dev/null")
            try #require(status == 0, "\(output)")
            return output.split(separator: "\n").map {
                Dissection(fields: $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init))
            }
        }
    }

    subscript(name: String) -> String? {
        let text = fields[Self.names.firstIndex(of: name)!]
        return text.isEmpty ? nil : text
    }
}

extension KernelTests {
    @Suite(.serialized)
    struct SecondOpinion {
        @Test("tshark reads addresses, ports and lengths as we do, where it has an answer")
        func tshark() throws {
            let samples = Sample.all.filter { $0.gsoSize == 0 }
            let dissections = try Dissection.of(samples)
            try #require(dissections.count == samples.count)
            let parser = PacketParser()
            var compared: [String: Int] = [:]
            for (sample, theirs) in zip(samples, dissections) {
                let bytes = sample.packet.bytes
                let ours = parser.parse(
                    bytes.span, PacketShape(wireLength: UInt32(bytes.count), linkHeader: 0, etherType: sample.etherType))
                guard ours.verdict == .counted else { continue }
                func expect(_ name: String, _ mine: String) {
                    guard let text = theirs[name] else { return }
                    compared[name, default: 0] += 1
                    #expect(text == mine, "\(sample.name): \(name)")
                }
                let isIPv4 = sample.etherType == 0x800
                expect(isIPv4 ? "ip.src" : "ipv6.src", "\(ours.source)")
                expect(isIPv4 ? "ip.dst" : "ipv6.dst", "\(ours.destination)")
                // Lengths that lie, and none at all, are bounded by what is there: no opinion of tshark's.
                let said = isIPv4 ? theirs["ip.len"].flatMap { Int($0) } : theirs["ipv6.plen"].flatMap { Int($0) }.map { $0 == 0 ? 0 : $0 + 40 }
                if let said, said > 0, said <= bytes.count {
                    compared["length", default: 0] += 1
                    #expect(Int(ours.bytes) == said, "\(sample.name)")
                }
                guard let protocolName = Dissection.ports.first(where: { $0.key == (ours.transport == 136 ? 17 : ours.transport) })?.value else {
                    // What has no ports here must not have any there, but for what is inside of others, and behind the ninth extension.
                    let isOuter = [4, 41, 47, 1, 58, 60, 0, 43, 51, 135, 139, 140].contains(ours.transport)
                    if !isOuter { for name in Dissection.ports { #expect(theirs["\(name.value).srcport"] == nil, "\(sample.name)") } }
                    continue
                }
                expect("\(protocolName).srcport", "\(ours.sourcePort)")
                expect("\(protocolName).dstport", "\(ours.destinationPort)")
            }
            for name in Dissection.names where !name.hasSuffix("len") {
                #expect(compared[name, default: 0] >= 10, "\(name) was hardly compared: \(compared)")
            }
            #expect(compared["length", default: 0] > 300)
        }
    }
}
