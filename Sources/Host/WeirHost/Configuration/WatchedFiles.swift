// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// The files of a configuration as they are at one moment: which are there, and which file each is. Two looks that are the same mean
/// that nothing changed.
///
/// Looked at rather than watched by inotify: a look follows every symbolic link by itself, as ConfigMaps need, and works on every file
/// system. It costs a system call per file.
package struct WatchedFiles: Sendable, Equatable {
    /// The configuration's own, by path; what is not there has none.
    private var own: [String: FileIdentity] = [:]
    /// Those that it names. One that is missing was looked at too: when it is there it is news.
    private var referenced: [String: FileIdentity?] = [:]

    /// `asked` is a file, or a folder with `weir.yaml` and `plugins.d`; nil is the standard place.
    package init(at asked: String?, referenced: [String] = []) {
        let path = asked ?? ConfigDirectory.standard
        if (try? FileStatus(of: path))?.kind == .folder {
            let items = FilePath.join(path, "plugins.d")
            let names = ((try? SystemFile.names(in: items)) ?? []).filter { $0.hasSuffix(".yaml") && !$0.hasPrefix(".") }
            own = Self.look(names.map { FilePath.join(items, $0) } + [FilePath.join(path, "weir.yaml")]).compactMapValues { $0 }
        } else {
            own = Self.look([path]).compactMapValues { $0 }
        }
        self.referenced = Self.look(referenced)
    }

    private static func look(_ paths: [String]) -> [String: FileIdentity?] {
        paths.reduce(into: [:]) { found, path in found.updateValue(try? FileIdentity(of: path), forKey: path) }
    }

    /// The same for a configuration that names these files: those that were looked at as they were, others as they are now.
    package func referencing(_ paths: [String]) -> WatchedFiles {
        var next = self
        next.referenced = Self.look(paths).merging(referenced.filter { paths.contains($0.key) }) { $1 }
        return next
    }
}

/// Tells when files that changed have been quiet for long enough.
package struct ChangeTracker {
    /// Who writes several files, or one in several pieces, is done by then.
    package static let quiet = Duration.seconds(2)

    private var known: WatchedFiles
    private var last: WatchedFiles
    /// When the last change was seen; nil while everything is as it was read.
    private var changed: ContinuousClock.Instant?

    package init(_ seen: WatchedFiles) { (known, last) = (seen, seen) }

    /// Takes a look; true when it is time to read again, once for each change.
    package mutating func take(_ look: WatchedFiles, at now: ContinuousClock.Instant) -> Bool {
        if look != last {
            last = look
            changed = look == known ? nil : now
            return false
        }
        guard let changed, now - changed >= Self.quiet else { return false }
        settle(look)
        return true
    }

    /// Everything was read as `seen`, whether it was right or wrong.
    package mutating func settle(_ seen: WatchedFiles) {
        known = seen
        if last == seen { changed = nil }
    }
}
