// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import DNSClient
internal import Logging
internal import WeirKit

/// What `reverse_dns` looks at again on this host, and what it says of it in the log.
struct HouseFiles {
    private static let pauseOfTalk: Duration = .seconds(60)

    private let options: ReverseDNSOptions
    private let log: Logger
    private let metrics: Metrics
    private var hosts: HostsFile
    /// What is wrong with the hosts file now; said when it changes.
    private var complaint: String?
    private var servers: [DNSServer]
    private var saidSilence: ContinuousClock.Instant?

    init(_ options: ReverseDNSOptions, _ log: Logger, _ metrics: Metrics) {
        self.options = options
        self.log = log
        self.metrics = metrics
        hosts = options.loadedHosts
        servers = options.servers.isEmpty ? DNSClient.systemServers : []
        show()
    }

    /// The hosts file when it has changed since the last call; one that cannot be read leaves the last good one standing.
    mutating func changedHosts() -> HostsFile? {
        do throws(ConfigFileError) {
            guard let fresh = try options.hosts.read() else { return nil }
            complaint = nil
            guard fresh != hosts else { return nil }
            hosts = fresh
            show()
            return fresh
        } catch {
            metrics.hostsFailed.add()
            if complaint != error.description {
                complaint = error.description
                log.warning("hosts file not read", metadata: ["reverse_dns.problem": "\(error.description)"])
            }
            return nil
        }
    }

    private func show() {
        metrics.hostsEntries.set(UInt64(hosts.names.count))
        metrics.hostsSkipped.set(UInt64(hosts.skipped))
    }

    /// The system's servers when they have changed since the last call, and nobody configured others.
    mutating func changedServers() -> [DNSServer]? {
        guard options.servers.isEmpty else { return nil }
        let fresh = DNSClient.systemServers
        guard fresh != servers, !fresh.isEmpty else { return nil }
        servers = fresh
        log.info("other dns servers", metadata: ["reverse_dns.servers": "\(fresh.map(\.description).joined(separator: " "))"])
        return fresh
    }

    /// Says at most once a minute that nobody answers.
    mutating func say(isAnswering: Bool) {
        guard !isAnswering else { return }
        let now = ContinuousClock.now
        if let saidSilence, now - saidSilence < Self.pauseOfTalk { return }
        saidSilence = now
        let asked = options.servers.isEmpty ? servers : options.servers
        log.warning(
            "no dns server answers, known names go on", metadata: ["reverse_dns.servers": "\(asked.map(\.description).joined(separator: " "))"])
    }
}
