// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import FileTree

/// What this process holds, by the kernel's word.
enum Resources {
    static func threads(named name: String) throws -> Int {
        try FileTree.folders(in: "/proc/self/task").count { thread in
            // A thread may end meanwhile.
            guard let bytes = try? FileTree.read("/proc/self/task/\(thread.name)/comm", limit: 64) else { return false }
            return String(decoding: bytes, as: UTF8.self) == name + "\n"
        }
    }
}
