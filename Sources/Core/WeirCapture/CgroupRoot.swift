// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

private import Glibc

/// The root of the cgroup v2 hierarchy: the one place from where a program sees every socket of the host.
package struct CgroupRoot: Equatable {
    package var path: String

    package init(path: String) { self.path = path }

    /// The root has inode 1. Any other is what a private cgroup namespace shows, and would silently hide all but itself.
    package static let rootInode: UInt64 = 1

    package static func find() -> Result<CgroupRoot, CaptureError> {
        choose(mounts: systemText("/proc/self/mountinfo") ?? "") { path in
            var status = stat()
            return unsafe stat(path, &status) == 0 ? UInt64(status.st_ino) : nil
        }
    }

    /// The choice itself, over the text of `/proc/self/mountinfo`.
    package static func choose(mounts: String, inode: (String) -> UInt64?) -> Result<CgroupRoot, CaptureError> {
        // 34 23 0:30 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw
        var found: [String] = []
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count, fields[dash + 1] == "cgroup2", fields.count > 4 else {
                continue
            }
            let path = String(fields[4])
            if inode(path) == rootInode { return .success(CgroupRoot(path: path)) }
            found.append(path)
        }
        return .failure(
            CaptureError(
                "find the cgroup v2 root", needed: "a cgroup2 mount that shows the host's root (inode 1)",
                found: found.isEmpty ? "no cgroup2 mount" : "\(found.joined(separator: ", ")), which shows a part only",
                remedy: "mount the host's /sys/fs/cgroup (on hybrid hosts /sys/fs/cgroup/unified) into the container, "
                    + "run it in the host's cgroup namespace, or set capture.source: tc"))
    }

    package func open() -> Int32 { unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
}
