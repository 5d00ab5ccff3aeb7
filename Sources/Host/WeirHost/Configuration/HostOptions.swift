// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import WeirKit

/// `http:`, the host's own listener. Loopback by default: `/metrics` shows who talks to whom.
struct HTTPOptions: Sendable, Equatable {
    /// Nil for `http: off`.
    var listen: ListenAddress? = ListenAddress(configText: "127.0.0.1:9347")

    mutating func read(_ node: ConfigNode, problems: ConfigProblems, files: ConfigFiles) {
        if node.text == "off" {
            listen = nil
            return
        }
        guard node.text == nil || node.text == "" else {
            return problems.note(.badValue, "'\(node.text ?? "")' is not a mapping such as { listen: 127.0.0.1:9347 }, nor off", at: node.position)
        }
        guard var section = ConfigSection(node, problems: problems, files: files) else { return }
        section.read("listen", into: &listen)
        _ = section.finish()
    }
}

/// An address and a port, as users write them: `127.0.0.1:9347`, `[::1]:9347`.
struct ListenAddress: ConfigValue, Hashable, CustomStringConvertible {
    let host: IPAddress
    let port: Int

    init?(configText: String) {
        guard let colon = configText.lastIndex(of: ":") else { return nil }
        let digits = configText[configText.index(after: colon)...]
        var name = configText[..<colon]
        if name.hasPrefix("["), name.hasSuffix("]") {
            name = name.dropFirst().dropLast()
        } else if name.contains(":") {
            return nil
        }
        if name == "localhost" { name = "127.0.0.1" }
        guard digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let port = Int(digits), port <= 65_535, let host = IPAddress(name)
        else { return nil }
        self.host = host
        self.port = port
    }

    static var example: String { "an address and a port such as 127.0.0.1:9347 or [::1]:9347" }
    var configText: String { host.isIPv4 ? "\(host):\(port)" : "[\(host)]:\(port)" }
    var description: String { configText }
}

/// `log:`.
struct LogOptions: PluginOptions {
    var level = LogLevel.info

    init() {}

    mutating func read(_ section: inout ConfigSection) { section.read("level", into: &level) }
}

enum LogLevel: String, ConfigChoice {
    case trace, debug, info, notice, warning, error, critical

    var level: Logger.Level { Logger.Level(rawValue: rawValue) ?? .info }
}

/// `reload:`, what makes the agent read its configuration again.
enum ReloadChoice: String, ConfigChoice {
    case sighup
    /// Also when a file of it changed, and two seconds have been quiet since.
    case watch
}
