// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// The hosts file of one instance: where it is, and how it is read again.
struct HostsSource: Sendable {
    static let systemPath = "/etc/hosts"

    /// As written; empty for none.
    var path = HostsSource.systemPath
    /// Where the path is written: a relative one is relative to that file. Nil while it is not written.
    private(set) var written: ConfigPosition?
    private var files: ConfigFiles?

    init() {}

    /// `section` is where the instance stands, whether it names a file or not.
    mutating func take(_ section: ConfigSection, path: String? = nil, written: ConfigPosition? = nil) {
        files = section.files.followed
        self.written = written ?? section.position
        if let path { self.path = path }
    }

    /// Nil when there is none to be read.
    func read() throws(ConfigFileError) -> HostsFile? {
        guard !path.isEmpty, let files, let written else { return nil }
        let bytes = try files.read(path, from: written)
        guard bytes.count <= HostsFile.maxBytes else {
            throw ConfigFileError("'\(path)' has more than \(ByteCount(HostsFile.maxBytes).configText)")
        }
        return HostsFile(bytes)
    }
}

extension HostsSource: Equatable {
    static func == (a: HostsSource, b: HostsSource) -> Bool { a.path == b.path }
}
