// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// A container or virtual machine as one component of a cgroup path names it.
struct ContainerName: Equatable {
    var id: String
    var shortName: String
    var type = "container"

    /// Runtimes whose kubelet was set up for systemd while they were not make one component of three:
    /// `kubepods-burstable-pod<uid>.slice:cri-containerd:<id>`.
    static func pieces(of component: Substring) -> [Substring] {
        let pieces = component.split(separator: ":")
        return pieces.count == 3 && isHexadecimal(pieces[2], 64) ? [pieces[0], pieces[2]] : [component]
    }

    /// The container that `component` names, `above` being the path that leads to it.
    ///
    ///     docker-<64 hex>.scope, cri-containerd-…, crio-…, libpod-…, nerdctl-…     systemd driver
    ///     <64 hex>, crio-<64 hex>, libpod-payload-<64 hex>                         cgroupfs driver
    ///     ecs/<task>/<32 hex>-<number>                                             Amazon ECS
    ///     lxc/<name>, lxc.payload.<name>                                           LXC, Incus
    ///     machine-<name>.scope, systemd-nspawn@<name>.service                      systemd-machined, libvirt
    static func id(_ component: Substring, under above: ArraySlice<Substring>) -> ContainerName? {
        let stem = component.hasSuffix(".scope") ? component.dropLast(6) : component
        let digits = stem.suffix(64)
        if isHexadecimal(digits, 64) {
            let runtime = stem.dropLast(64)
            // The monitor of a container is no part of it.
            guard runtime.isEmpty || runtime.hasSuffix("-"), !runtime.contains("conmon") else { return nil }
            return ContainerName(id: String(digits), shortName: String(digits.prefix(12)))
        }
        if above.dropLast().last == "ecs", isHexadecimal(component.prefix(32), 32), component.dropFirst(32).first == "-" {
            return ContainerName(id: String(component), shortName: String(component.prefix(12)))
        }
        if component.hasPrefix("lxc.payload.") { return named(component.dropFirst(12)) }
        if above.last == "lxc", above.count == 1 { return named(component) }
        if component.hasPrefix("machine-"), component.hasSuffix(".scope") {
            let name = UnitName.unescaped(stem.dropFirst(8))
            // libvirt writes machine-qemu-<number>-<name>; the number grows with every start.
            let parts = name.split(separator: "-", maxSplits: 2)
            if parts.count == 3, ["qemu", "lxc", "xen"].contains(parts[0]), parts[1].utf8.allSatisfy(isDigit) {
                return ContainerName(id: String(name), shortName: String(parts[2]), type: parts[0] == "lxc" ? "container" : "virtual_machine")
            }
            return named(name[...])
        }
        if component.hasPrefix("systemd-nspawn@"), component.hasSuffix(".service") {
            return named(UnitName.unescaped(component.dropFirst(15).dropLast(8))[...])
        }
        return nil
    }

    /// The uid of the pod that `component` names: `pod<uid>` below `kubepods`, or `kubepods-burstable-pod<uid>.slice`,
    /// where systemd's driver writes `_` for `-`. A static pod's uid has no hyphens at all.
    static func podUID(_ component: Substring, under above: ArraySlice<Substring>) -> String? {
        let stem = component.hasSuffix(".slice") ? component.dropLast(6) : component
        guard stem.contains("kubepods") || above.contains(where: { $0.contains("kubepods") }) else { return nil }
        for length in [36, 32] {
            let uid = stem.suffix(length)
            let head = stem.dropLast(length)
            guard uid.count == length, head == "pod" || head.hasSuffix("-pod"),
                uid.utf8.allSatisfy({ isHexadecimal($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") })
            else { continue }
            return String(uid.map { $0 == "_" ? "-" : $0 })
        }
        return nil
    }

    private static func named(_ name: Substring) -> ContainerName { ContainerName(id: String(name), shortName: String(name)) }
}

func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
func isHexadecimal(_ byte: UInt8) -> Bool { isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte) }
func isHexadecimal(_ text: Substring, _ length: Int) -> Bool { text.utf8.count == length && text.utf8.allSatisfy { isHexadecimal($0) } }
