// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// A decoder of bytes from outside, and the laws that hold whatever the bytes are.
package struct FuzzTarget: Sendable {
    /// What `make fuzz TARGET=` and the folder of seeds are called.
    package let name: String
    /// What the format is made of: a mutation that inserts one gets further than random bytes.
    package let words: [String]
    /// Inputs are cut to this.
    package let maxBytes: Int
    private let laws: @Sendable ([UInt8]) throws(BrokenLaw) -> Void

    package init(_ name: String, words: [String], maxBytes: Int = 4096, _ laws: @escaping @Sendable ([UInt8]) throws(BrokenLaw) -> Void) {
        self.name = name
        self.words = words
        self.maxBytes = maxBytes
        self.laws = laws
    }

    /// Reads `bytes` and throws the first law that does not hold. A trap is a finding as well, and ends the process.
    package func check(_ bytes: [UInt8]) throws(BrokenLaw) { try laws(bytes.count > maxBytes ? Array(bytes.prefix(maxBytes)) : bytes) }
}

/// A law that an input broke, in a sentence.
package struct BrokenLaw: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// Throws `law`, which says what should have been, unless `condition` holds.
package func require(_ condition: Bool, _ law: @autoclosure () -> String) throws(BrokenLaw) {
    if !condition { throw BrokenLaw(law()) }
}

extension FuzzTarget {
    /// Every target, in the order in which they run.
    package static let all = [
        address, range, duration, size, glob, pattern, filter, yaml, fileSD, csv, json, flowLines, queries, configuration, packet, packetFile,
        metadata, jsonStream, kubernetesList, kubernetesWatch, kubernetesObjects, labelSelector, kubeconfig, otlpAnswer, gzip,
        dns, hosts, httpHead, httpLines, httpRedirect, tapRequest, tapLines, conntrack, links, sockets,
        socketText,
    ]
}
