// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FileTree

/// The host's cgroup v2 tree, where a folder's inode is the id that the kernel gives with a socket.
package struct CgroupTree {
    /// The most folders that one scan looks at.
    package static let maxFolders = 65_536

    private let root: String
    private let limit: Int

    /// The tree at `path`, or at the mount point that the kernel lists.
    package init(at path: String, limit: Int = maxFolders) throws(LocalOwnerError) {
        self.limit = limit
        if !path.isEmpty {
            root = path
            return
        }
        do {
            let text = String(decoding: try FileTree.read("/proc/self/mountinfo", limit: 4 << 20), as: UTF8.self)
            let isHostRoot = { (path: String) in (try? FileTree.inode(of: path)) == Self.rootInode }
            guard let found = Self.mountPoint(in: text, isHostRoot: isHostRoot) else {
                throw LocalOwnerError("find a cgroup v2 mount; is one mounted? else set cgroup_root")
            }
            root = found
        } catch let error as LocalOwnerError {
            throw error
        } catch {
            throw LocalOwnerError("\(error)")
        }
    }

    /// Paths under the root by inode; `isWhole` is false when there were more than the limit, or a folder could not
    /// be read though it is there.
    package func scan() throws(LocalOwnerError) -> (paths: [UInt64: String], isWhole: Bool) {
        var paths: [UInt64: String] = [:]
        do { paths[try FileTree.inode(of: root)] = "/" } catch { throw LocalOwnerError(error.description) }
        // Breadth first, so that a limit leaves out the deepest. A folder that goes meanwhile is simply not there.
        var level = [""]
        var isWhole = true
        while !level.isEmpty {
            var next: [String] = []
            for path in level {
                let folders: [FileTree.Folder]
                do {
                    folders = try FileTree.folders(in: root + path)
                } catch {
                    if !error.isGone { isWhole = false }
                    continue
                }
                for folder in folders {
                    guard paths.count < limit else { return (paths, false) }
                    let child = "\(path)/\(folder.name)"
                    paths[folder.inode] = child
                    next.append(child)
                }
            }
            level = next
        }
        return (paths, isWhole)
    }

    /// The inode of the root of all. In a container with a cgroup namespace of its own the mount that says `/` has another, and the host's
    /// tree, where it is mounted, says `/../..`.
    private static let rootInode: UInt64 = 1

    /// Of `/proc/self/mountinfo`: `41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw`. The host's tree is taken before one that says it is
    /// the root, and that before one that says it is a part.
    package static func mountPoint(in mountinfo: String, isHostRoot: (String) -> Bool = { _ in false }) -> String? {
        var root: String?
        var part: String?
        for line in mountinfo.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash >= 5, fields.count > dash + 1, fields[dash + 1] == "cgroup2" else { continue }
            let path = unescaped(fields[4])
            if isHostRoot(path) { return path }
            if fields[3] == "/" { root = root ?? path } else { part = part ?? path }
        }
        return root ?? part
    }

    /// The kernel writes blanks and backslashes of a path as `\040`.
    private static func unescaped(_ text: Substring) -> String {
        let pieces = text.split(separator: "\\", omittingEmptySubsequences: false)
        return pieces.dropFirst().reduce(String(pieces[0])) { done, piece in
            guard let byte = UInt8(piece.prefix(3), radix: 8) else { return done + "\\" + piece }
            return done + String(Unicode.Scalar(byte)) + piece.dropFirst(3)
        }
    }
}

/// Why the owners cannot be learned; finishes "could not …".
package struct LocalOwnerError: Error, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}
