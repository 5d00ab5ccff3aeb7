// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

/// What users write for `otlp`. What is `auto` the environment may say; see `Settings`.
public struct OTLPOptions: PluginOptions {
    /// The base, to which `v1/metrics` is added.
    public var endpoint = Auto<ReceiverURL>.auto
    /// The whole URL; stands above `endpoint`.
    public var metricsEndpoint = Auto<ReceiverURL>.auto
    public var wireProtocol = Auto<WireProtocol>.auto
    public var headers: [Header] = []
    /// A file of further headers, for secrets.
    public var headersFile: HeaderFile?
    public var compression = Auto<Compression>.auto
    /// Of one request.
    public var timeout = Auto<Duration>.auto
    public var interval = Auto<Duration>.auto
    public var temporality = Auto<Temporality>.auto
    /// Of the resource; stand above everything else that is known of it.
    public var resource: [Header] = []
    /// Whether the agent's own counters are sent too.
    public var ownMetrics = false
    public var maxBatchPoints = 5000
    /// Before compression.
    public var maxBatchBytes = ByteCount(2 << 20)
    /// Series that expired before the receiver took their last value.
    public var maxGoneSeries = 10_000
    public var caFile = Auto<String>.auto
    public var certificateFile = Auto<String>.auto
    public var keyFile = Auto<String>.auto
    public var insecureSkipVerify = false

    /// A name and its value: a header, or an attribute of the resource.
    public typealias Header = NamedText

    public init() {}

    public mutating func read(_ section: inout ConfigSection) {
        section.read("endpoint", into: &endpoint)
        let endpointIsWritten = endpoint != .auto
        if let node = section.take("metrics_endpoint"), let found: Auto<ReceiverURL> = section.scalar(node) {
            metricsEndpoint = found
            if found != .auto, endpointIsWritten {
                section.note(
                    .conflict, "metrics_endpoint is the whole URL, so that endpoint would mean nothing: write one of them", at: node.position)
            }
        }
        readProtocol(&section)
        readHeaders(&section)
        section.read("compression", into: &compression)
        section.read("timeout", into: &timeout, in: .milliseconds(100) ... .seconds(600))
        section.read("interval", into: &interval, in: .milliseconds(100) ... .seconds(86_400))
        section.read("temporality", into: &temporality)
        if let node = section.take("resource") {
            resource = NamedText.readAll(node, section) { name, value in NamedText.attributeProblem(name, value) }
        }
        section.read("own_metrics", into: &ownMetrics)
        section.read("max_batch_points", into: &maxBatchPoints, in: 1...1_000_000)
        section.read("max_batch_bytes", into: &maxBatchBytes, in: ByteCount(16 << 10)...ByteCount(64 << 20))
        section.read("max_gone_series", into: &maxGoneSeries, in: 0...1_000_000)
        readTLS(&section)
    }

    private mutating func readProtocol(_ section: inout ConfigSection) {
        guard let node = section.take("protocol"), let text: String = section.scalar(node) else { return }
        if let found = Auto<WireProtocol>(configText: text) {
            wireProtocol = found
        } else {
            section.note(.badValue, WireProtocol.refusal(of: text), at: node.position)
        }
    }

    private mutating func readHeaders(_ section: inout ConfigSection) {
        if let node = section.take("headers") { headers = NamedText.readAll(node, section) { name, value in NamedText.headerProblem(name, value) } }
        guard let node = section.take("headers_file"), let path: String = section.scalar(node), !path.isEmpty else { return }
        let file = HeaderFile(path: path, written: node.position, files: section.files.followed)
        do {
            // Whether it can be read, and is right, is for `check` to say; the values wait for `run`.
            _ = try file.read()
            headersFile = file
        } catch {
            section.note(.unreadable, error.description, at: node.position)
        }
    }

    private mutating func readTLS(_ section: inout ConfigSection) {
        readFile("ca_file", &section, into: &caFile)
        readFile("certificate_file", &section, into: &certificateFile)
        readFile("key_file", &section, into: &keyFile)
        if (certificateFile == .auto) != (keyFile == .auto) {
            section.note(.conflict, "certificate_file and key_file belong together: write both or neither", at: section.position)
        }
        section.read("insecure_skip_verify", into: &insecureSkipVerify)
    }

    /// The files are opened for each new connection; here is only seen that this can be.
    private func readFile(_ key: String, _ section: inout ConfigSection, into path: inout Auto<String>) {
        guard let node = section.take(key), let found: Auto<String> = section.scalar(node) else { return }
        path = found
        guard let text = found.value else { return }
        guard text.hasPrefix("/") else { return section.note(.badValue, "'\(text)' is not a path that begins with /", at: node.position) }
        do { _ = try section.files.followed.read(text, from: node.position) } catch {
            section.note(.unreadable, error.description, at: node.position)
        }
    }
}
