// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import DNSClient
public import WeirKit

/// What users write for `reverse_dns`.
public struct ReverseDNSOptions: PluginOptions {
    /// Whom to ask; empty: whom this host asks (`/etc/resolv.conf`).
    public var servers: [DNSServer] = []
    /// How long each message waits for its answer.
    public var timeout: Duration = .seconds(2)
    /// Messages per question at most, over all servers.
    public var tries = 2
    /// Questions open at once.
    public var maxOpen = 32
    /// Messages per second.
    public var perSecond = 100
    /// Questions that may wait for their turn: so many of new addresses, and so many of known names.
    public var queue = 4096
    /// Addresses that are remembered, with a name or without.
    public var cacheSize = 65_536
    /// How long a name or its absence is kept at least and at most, whatever the server says.
    public var minTTL: Duration = .seconds(300)
    public var maxTTL: Duration = .seconds(86_400)
    public var negativeTTL: Duration = .seconds(3600)
    /// How long a name stands after its time while no server confirms it.
    public var serveStale: Duration = .seconds(86_400)
    /// Which addresses are asked about.
    package var ranges = AskedRanges()
    /// Names that need no question.
    var hosts = HostsSource()
    /// What the hosts file held when the configuration was read, if it names one.
    package var loadedHosts = HostsFile()

    public init() {}

    public mutating func read(_ section: inout ConfigSection) {
        readServers(&section)
        section.read("timeout", into: &timeout, in: .milliseconds(100) ... .seconds(30))
        section.read("tries", into: &tries, in: 1...5)
        section.read("max_open", into: &maxOpen, in: 1...256)
        section.read("per_second", into: &perSecond, in: 1...10_000)
        readSizes(&section)
        readTimes(&section)
        readRanges(&section)
        readHosts(&section)
    }

    private mutating func readServers(_ section: inout ConfigSection) {
        guard let node = section.take("servers") else { return }
        let items = section.list(node)
        servers = items.compactMap { section.scalar($0) }
        if items.count > DNSClientOptions.maxServers {
            section.note(.outOfRange, "servers has at most \(DNSClientOptions.maxServers), found \(items.count)", at: node.position)
        }
    }

    private mutating func readSizes(_ section: inout ConfigSection) {
        let position = section.position
        section.read("queue", into: &queue, in: 16...65_536)
        section.read("cache_size", into: &cacheSize, in: 1024...1_048_576)
        if cacheSize < 2 * queue {
            section.note(.outOfRange, "cache_size must be at least twice the queue (\(queue)), or questions push each other out", at: position)
        }
    }

    private mutating func readTimes(_ section: inout ConfigSection) {
        let position = section.position
        section.read("min_ttl", into: &minTTL, in: .seconds(1) ... .seconds(86_400))
        section.read("max_ttl", into: &maxTTL, in: .seconds(1) ... .seconds(604_800))
        section.read("negative_ttl", into: &negativeTTL, in: .seconds(1) ... .seconds(86_400))
        section.read("serve_stale", into: &serveStale, in: .zero ... .seconds(604_800))
        for (name, longest) in [("max_ttl", maxTTL), ("negative_ttl", negativeTTL)] where longest < minTTL {
            section.note(.outOfRange, "\(name) (\(longest.configText)) is shorter than min_ttl (\(minTTL.configText))", at: position)
        }
    }

    private mutating func readRanges(_ section: inout ConfigSection) {
        let included = ranges(section.take("include"), section)
        let excluded = ranges(section.take("exclude"), section)
        if let included { ranges.include = included.map(\.range) }
        guard let excluded else { return }
        ranges.exclude = excluded.map(\.range)
        for (range, position) in excluded where ranges.include.contains(range) {
            section.note(.badValue, "\(range) is in include as well", at: position)
        }
    }

    private func ranges(_ node: ConfigNode?, _ section: ConfigSection) -> [(range: CIDR, position: ConfigPosition)]? {
        guard let node else { return nil }
        return section.list(node).compactMap { item in section.scalar(item).map { ($0, item.position) } }
    }

    /// A file of the user's is read and checked with the rest. The system's own is no configuration: it is read when the stage runs.
    private mutating func readHosts(_ section: inout ConfigSection) {
        let node = section.take("hosts_file")
        guard let node, let path: String = section.scalar(node), path != HostsSource.systemPath else { return hosts.take(section) }
        hosts.take(section, path: path, written: node.position)
        do throws(ConfigFileError) {
            loadedHosts = try hosts.read() ?? HostsFile()
        } catch {
            section.note(.unreadable, error.description, at: node.position)
        }
    }

    /// The same when the same was written; what the hosts file held does not count.
    public static func == (a: ReverseDNSOptions, b: ReverseDNSOptions) -> Bool {
        a.servers == b.servers && a.client == b.client && a.hosts == b.hosts && a.ranges == b.ranges && a.sizes == b.sizes && a.times == b.times
    }

    private var sizes: [Int] { [maxOpen, perSecond, queue, cacheSize] }
    private var times: [Duration] { [minTTL, maxTTL, negativeTTL, serveStale] }

    var client: DNSClientOptions {
        var client = DNSClientOptions()
        client.servers = servers
        client.timeout = timeout
        client.tries = tries
        client.maxOpen = maxOpen
        return client
    }

    var limits: NameBook.Limits {
        var limits = NameBook.Limits()
        limits.entries = cacheSize
        limits.queued = queue
        limits.inFlight = maxOpen
        limits.perSecond = perSecond
        limits.tries = tries
        limits.minTTL = minTTL
        limits.maxTTL = maxTTL
        limits.negativeTTL = negativeTTL
        limits.serveStale = serveStale
        return limits
    }
}
