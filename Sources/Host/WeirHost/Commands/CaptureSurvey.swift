// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Netlink
internal import WeirCapture

/// Which source this host would get and why not another, found out without loading anything: any user may ask.
enum CaptureSurvey {
    static func lines(_ plan: CapturePlan) -> [String] {
        let links: LinkTable
        do { links = try LinkWatch().table } catch {
            return ["source: \(plan.source.rawValue); this host's interfaces could not be listed: \(error)"]
        }
        do throws(CaptureError) {
            let choice = try SourceChoice(plan, HostFacts.read(links))
            var lines = ["source: \(choice.source.rawValue), since \(choice.because)"]
            lines += choice.notTaken.map { "not \($0.source.rawValue): \($0.reason)" }
            if choice.source.isAtDevices { lines.append("interfaces: \(interfaces(links, plan))") }
            if choice.source.isAtDevices { lines += tunnelPaths(links, plan.interfaces, plan.tunnels).map { "tunnel \($0)" } }
            lines += translation(plan, links)
            if plan.initiator { lines.append(initiator(plan)) }
            lines += unseenPaths(links).map { "not seen by any source: \($0)" }
            return lines
        } catch {
            return ["source: none; \(error)"]
        }
    }

    /// Whether the real ends of translated connections are looked up, what it adds to the key, and who translates unseen.
    private static func translation(_ plan: CapturePlan, _ links: LinkTable) -> [String] {
        let choice = TranslationChoice(plan.nat, .here)
        var lines = ["nat: \(choice.isOn ? "on" : "off"), since \(choice.because)"]
        if choice.isOn {
            let isAdded = !plan.ports && !plan.initiator
            lines.append(
                "nat asks connection tracking once for each new pair of address and port"
                    + (isAdded ? ", and puts ports into the key, which nothing else here needs; accounting.nat: off leaves them out" : ""))
        }
        return lines + foreignTranslators(links)
    }

    /// Where the initiator comes from here, in falling order of trust.
    private static func initiator(_ plan: CapturePlan) -> String {
        let conntrack =
            TranslationChoice(plan.nat, .here).isOn ? "else by connection tracking" : "not by connection tracking, since nat is off"
        let (namespaces, sockets) = ListenerWatch().look()
        let others =
            switch namespaces {
            case 0: "no others, since /proc shows no process in one"
            case 1: "1 other that /proc shows"
            default: "\(namespaces) others that /proc shows"
            }
        return "initiator: by handshakes that were seen; \(conntrack); else by who listens (sockets now: \(sockets), of this network namespace and "
            + "\(others)); else by the lower port"
    }

    /// The source that this host would get; where that cannot be said, the one that the kernel charges most for.
    static func source(_ plan: CapturePlan) -> CaptureSource {
        guard let links = try? LinkWatch().table, let choice = try? SourceChoice(plan, HostFacts.read(links)) else { return .tc }
        return choice.source
    }

    private static func interfaces(_ links: LinkTable, _ plan: CapturePlan) -> String {
        let names = DevicePlan(links, plan.interfaces, plan.tunnels).attached.keys.compactMap { links.links[$0]?.name }.sorted()
        return names.isEmpty ? "none is there now" : names.joined(separator: ", ")
    }
}
