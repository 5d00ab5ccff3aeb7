// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// What a cgroup's path says of who runs in it.
package struct CgroupOwner: Equatable, Sendable {
    package var name: String
    package var type: String
    package var unit: String?
    package var container: String?
    package var pod: String?

    package init(name: String, type: String, unit: String? = nil, container: String? = nil, pod: String? = nil) {
        self.name = name
        self.type = type
        self.unit = unit
        self.container = container
        self.pod = pod
    }

    /// The owner of a cgroup by its path under the cgroup root; nil for the root itself, which is the host.
    ///
    /// Read from the root on, so that the outermost container wins: what runs in it is its own affair. Names are
    /// chosen so that they stay few: a login session is its user, a transient unit is `run`.
    package init?(path: String) {
        let components = path.split(separator: "/").map { $0.hasPrefix("_") ? $0.dropFirst() : $0 }
        guard let last = components.last else { return nil }
        var units = UnitPath()
        var pod: String?
        for (index, component) in components.enumerated() {
            for piece in ContainerName.pieces(of: component) {
                pod = pod ?? ContainerName.podUID(piece, under: components[..<index])
                guard let container = ContainerName.id(piece, under: components[..<index]) else { continue }
                self.init(container: container, pod: pod, unit: units.service)
                return
            }
            units.descend(component)
        }
        if let pod {
            self.init(name: pod, type: "pod", pod: pod)
        } else {
            self = units.owner ?? CgroupOwner(name: String(last), type: "cgroup")
        }
    }

    private init(container: ContainerName, pod: String?, unit: String?) {
        if let pod {
            self.init(name: pod, type: "pod", unit: unit, container: container.id, pod: pod)
        } else {
            self.init(name: container.shortName, type: container.type, unit: unit, container: container.id)
        }
    }
}
