// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit
internal import YAMLSource

/// Where the configuration stands, and what was read there.
///
/// A file is read alone. A folder is `weir.yaml` and, beside it, `plugins.d/*.yaml` in the order of their names, each
/// one more item of `enrich` or `export`.
struct ConfigDirectory: Sendable {
    /// One file of `plugins.d`.
    struct Item: Sendable {
        let node: ConfigNode
        /// The instance's name unless the file says another: `30-reverse-dns.yaml` is `reverse_dns`.
        let name: String
    }

    static let standard = "/etc/weir"
    static let fileLimit = 1 << 20

    /// What the user asked for; nil when nobody did and `/etc/weir` may be missing.
    let asked: String?
    /// Set for `weir run`.
    let trust: FileTrust?
    let problems: ConfigProblems
    let texts: SourceTexts

    private(set) var main: ConfigNode?
    private(set) var items: [Item] = []
    /// Every configuration file there is, as positions name it.
    private(set) var files: [String] = []
    /// Files in `plugins.d` that are not read, for a warning: a `.yml` is more often a slip than a wish.
    private(set) var ignored: [String] = []

    init(_ asked: String?, trust: FileTrust?, problems: ConfigProblems, texts: SourceTexts) {
        self.asked = asked
        self.trust = trust
        self.problems = problems
        self.texts = texts
        let path = asked ?? Self.standard
        do throws(SystemError) {
            if try FileStatus(of: path).kind == .folder {
                readFolder(path)
            } else {
                main = read(path)
            }
        } catch {
            // ENOENT: without a configuration the defaults run.
            if asked == nil, error.code == 2 { return }
            problems.note(.unreadable, "the configuration could not be read: \(error)", at: ConfigPosition(file: path, line: 1, column: 1))
        }
    }

    private mutating func readFolder(_ folder: String) {
        guard let names = names(in: folder) else { return }
        if names.contains("weir.yaml") { main = read(FilePath.join(folder, "weir.yaml")) }
        if names.contains("plugins.d") { readItems(FilePath.join(folder, "plugins.d")) }
        if files.isEmpty, asked != nil {
            let hint = names.first { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }.map { "; it has '\($0)'" } ?? ""
            let message = "the folder '\(folder)' has neither weir.yaml nor a plugins.d with *.yaml files\(hint)"
            problems.note(.unreadable, message, at: ConfigPosition(file: folder, line: 1, column: 1))
        }
    }

    /// Nil, with a problem noted, where the folder may not be read: a configuration that cannot be seen is not one that is not there.
    private func names(in folder: String) -> [String]? {
        do { return try SystemFile.names(in: folder) } catch {
            problems.note(.unreadable, "the folder could not be read: \(error)", at: ConfigPosition(file: folder, line: 1, column: 1))
            return nil
        }
    }

    private mutating func readItems(_ folder: String) {
        for name in names(in: folder) ?? [] where !name.hasPrefix(".") {
            let path = FilePath.join(folder, name)
            guard name.hasSuffix(".yaml") else {
                ignored.append(path)
                continue
            }
            // A file whose lines are all commented out is a way of turning it off.
            guard let node = read(path), node.content != .mapping([]) else { continue }
            items.append(Item(node: node, name: Self.instanceName(name)))
        }
    }

    /// The tree of one file with its `${VAR}` filled in; nil when it is empty or wrong, with the problem noted.
    private mutating func read(_ path: String) -> ConfigNode? {
        files.append(path)
        let start = ConfigPosition(file: path, line: 1, column: 1)
        if let objection = trust?.objection(to: path) {
            problems.note(.unreadable, objection, at: start)
            return nil
        }
        let bytes: [UInt8]
        do { bytes = try SystemFile.read(path, limit: Self.fileLimit) } catch .tooLarge(let size, _) {
            problems.note(.tooLarge, "the file has \(size) bytes; a configuration file may have \(ByteCount(Self.fileLimit).configText)", at: start)
            return nil
        } catch {
            problems.note(.unreadable, "the file could not be read: \(error)", at: start)
            return nil
        }
        texts.keep(bytes, as: path)
        guard let node = YAMLSource.parse(bytes, file: path, problems: problems) else { return nil }
        return YAMLSource.expand(node, environment: SystemFacts.environment, problems: problems)
    }

    /// `30-reverse-dns.yaml` → `reverse_dns`.
    static func instanceName(_ file: String) -> String {
        var name = file[...]
        if name.hasSuffix(".yaml") { name = name.dropLast(5) }
        let digits = name.prefix { ("0"..."9").contains($0) }
        if !digits.isEmpty, name.dropFirst(digits.count).first == "-" { name = name.dropFirst(digits.count + 1) }
        return String(name.map { $0 == "-" ? "_" : $0 })
    }
}
