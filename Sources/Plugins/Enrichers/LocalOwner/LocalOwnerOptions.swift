// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

/// What users write for `local_owner`.
public struct LocalOwnerOptions: PluginOptions {
    /// Where the host's cgroup v2 tree is mounted; empty: where `/proc/self/mountinfo` says.
    public var cgroupRoot = ""

    public init() {}

    public mutating func read(_ section: inout ConfigSection) {
        guard let node = section.take("cgroup_root"), let path: String = section.scalar(node) else { return }
        guard path.isEmpty || path.hasPrefix("/") else {
            return section.note(.badValue, "'\(path)' is not a path that begins with /", at: node.position)
        }
        cgroupRoot = path
    }
}
