// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FileTree

/// The host's cgroup v2 tree, where a folder's inode is the id that the kernel gives with a socket.
package struct CgroupTree {
    /// The most folders that one scan looks at.
    package static let maxFolders = 65_536

    let root: String

    /// The tree at `path`, or at the mount point that the kernel lists.
    init(at path: String) throws(LocalOwnerError) {
        if !path.isEmpty {
            root = path
            return
        }
        do {
            let text = String(decoding: try FileTree.read("/proc/self/mountinfo", limit: 4 << 20), as: UTF8.self)
            guard let found = Self.mountPoint(in: text) else { throw LocalOwnerError("find a cgroup v2 mount; is one mounted? else set cgroup_root") }
            root = found
        } catch let error as LocalOwnerError {
            throw error
        } catch {
            throw LocalOwnerError("\(error)")
        }
    }

    /// Paths under the root by inode; `isWhole` is false when there were more than the limit.
    func scan() throws(LocalOwnerError) -> (paths: [UInt64: String], isWhole: Bool) {
        var paths: [UInt64: String] = [:]
        do { paths[try FileTree.inode(of: root)] = "/" } catch { throw LocalOwnerError(error.description) }
        // Breadth first, so that a limit leaves out the deepest. A folder that goes meanwhile is simply not there.
        var level = [""]
        while !level.isEmpty {
            var next: [String] = []
            for path in level {
                guard let folders = try? FileTree.folders(in: root + path) else { continue }
                for folder in folders {
                    guard paths.count < Self.maxFolders else { return (paths, false) }
                    let child = "\(path)/\(folder.name)"
                    paths[folder.inode] = child
                    next.append(child)
                }
            }
            level = next
        }
        return (paths, true)
    }

    /// Of `/proc/self/mountinfo`: `41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw`. A mount of the tree's own
    /// root is taken before one of a part.
    package static func mountPoint(in mountinfo: String) -> String? {
        var part: String?
        for line in mountinfo.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash >= 5, fields.count > dash + 1, fields[dash + 1] == "cgroup2" else { continue }
            let path = unescaped(fields[4])
            if fields[3] == "/" { return path }
            part = part ?? path
        }
        return part
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
struct LocalOwnerError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
