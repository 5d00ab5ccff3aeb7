// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// `accounting:`: which of two agents counts a flow that both see.
package struct AccountingOptions: PluginOptions {
    package enum Side: String, ConfigChoice {
        /// The agent at the sender counts; the receiver's only where the sender has none.
        case source
        /// The other way round.
        case destination
        /// Every agent exports what it sees.
        case both
    }

    /// Whether connections that this host translates are shown with their real ends.
    package enum NAT: String, ConfigChoice {
        /// Where it tracks connections.
        case auto
        case on
        /// Ends are shown as they were seen.
        case off
    }

    /// A file that another program keeps: Prometheus' list of targets is the list of hosts with an agent.
    package struct FileSD: Sendable, Equatable {
        package let path: String
        package let position: ConfigPosition
    }

    /// Which of two packets counts, one inside of the other.
    package enum Tunnels: String, ConfigChoice {
        /// The one that a tunnel carries: who talks to whom.
        case inner
        /// The one that carries it: what the network sees.
        case outer
    }

    package var observer = Side.source
    package var tunnels = Tunnels.inner
    package var nat = NAT.auto
    /// Addresses whose sending is counted by an agent of their own. Empty: a lone agent counts both directions.
    package var covered: [CIDR] = []
    package var fileSD: [FileSD] = []
    /// How often `file_sd` is read again.
    package var refresh = Duration.seconds(10)

    package init() {}

    package mutating func read(_ section: inout ConfigSection) {
        section.read("observer", into: &observer)
        section.read("tunnels", into: &tunnels)
        section.read("nat", into: &nat)
        guard let node = section.take("covered") else { return }
        guard case .mapping = node.content else {
            covered = section.list(node).compactMap { section.scalar($0) }
            return
        }
        guard var inner = ConfigSection(node, problems: section.problems, files: section.files) else { return }
        inner.read("cidrs", into: &covered)
        if let files = inner.take("file_sd") {
            for file in inner.list(files) {
                guard let path: String = inner.scalar(file) else { continue }
                fileSD.append(FileSD(path: path, position: file.position))
                do {
                    _ = try FileSDList.read(inner.files.read(path, from: file.position), file: path, problems: section.problems)
                } catch {
                    section.note(.unreadable, "file_sd: \(error)", at: file.position)
                }
            }
        }
        inner.read("refresh", into: &refresh, in: .seconds(1) ... .seconds(3600))
        _ = inner.finish()
    }
}
