// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// "Configuration is code": before `weir run` obeys a file, nobody but root or its own user may be able to change it.
///
/// `check` and `explain` only look, so they read what they are given.
package struct FileTrust: Sendable {
    /// The user the process runs as; root's files are trusted too.
    let user: UInt32

    package init(user: UInt32) { self.user = user }

    /// Why `path` must not be obeyed; nil when it may. Looks at the file and every folder up to `/`, on the path
    /// as written and on the one behind its symbolic links.
    package func objection(to path: String) -> String? {
        let written = path.hasPrefix("/") ? path : "\(SystemFacts.currentFolder)/\(path)"
        var seen: Set<String> = []
        do {
            for start in [try SystemFile.realPath(path), written] {
                var next = start
                while true {
                    if seen.insert(next).inserted, let objection = objection(to: try FileStatus(of: next), at: next) { return objection }
                    guard next != "/" else { break }
                    next = FilePath.folder(of: next)
                }
            }
        } catch { return "'\(path)' could not be checked: \(error)" }
        return nil
    }

    func objection(to status: FileStatus, at path: String) -> String? {
        let what = status.kind == .folder ? "folder" : "file"
        if status.owner != 0, status.owner != user {
            return "the \(what) '\(path)' belongs to user \(status.owner), who could change it; only root and user \(user) may"
        }
        // A ConfigMap's folder is writable for all where kubelet made it, below a folder that only root may enter; here it is mounted
        // read-only. Its files are not: one that others may write is refused wherever it is, for they may have another way to it.
        if status.kind == .folder, status.isReadOnly { return nil }
        // In a sticky folder such as /tmp everyone may add, but nobody may replace another's files.
        if status.kind == .folder, status.mode & 0o1000 != 0 { return nil }
        if status.mode & 0o022 != 0 {
            let who = status.mode & 0o002 != 0 ? "everyone" : "its group"
            return "the \(what) '\(path)' is writable by \(who), so others could change what runs here; try: chmod go-w '\(path)'"
        }
        return nil
    }
}

/// Paths as texts.
enum FilePath {
    /// `/etc` for `/etc/weir`, `/` for `/etc`, `.` for `weir.yaml`.
    static func folder(of path: String) -> String {
        var path = path[...]
        while path.count > 1, path.last == "/" { path = path.dropLast() }
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// `name` in `folder`; the folder `.` is not shown, an absolute name stands alone.
    static func join(_ folder: String, _ name: String) -> String {
        if name.hasPrefix("/") || folder == "." { return name }
        return folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
    }

    static func name(of path: String) -> String {
        String(path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...])
    }
}
