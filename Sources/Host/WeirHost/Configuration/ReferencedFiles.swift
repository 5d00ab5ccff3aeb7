// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// How the files are read that a configuration names: tables, lists. A relative path stands beside the
/// configuration file that names it, whatever folder the process was started in.
enum ReferencedFiles {
    static let limit = 64 << 20

    static func full(_ path: String, from position: ConfigPosition) -> String { FilePath.join(FilePath.folder(of: position.file), path) }

    static func reader(trust: FileTrust?, texts: SourceTexts) -> ConfigFiles {
        ConfigFiles { (path, position) throws(ConfigFileError) in
            let full = full(path, from: position)
            texts.ask(for: full)
            if let objection = trust?.objection(to: full) { throw ConfigFileError(objection) }
            do {
                let bytes = try SystemFile.read(full, limit: limit)
                // Problems in a table carry its name as written or in full.
                texts.keep(bytes, as: path)
                texts.keep(bytes, as: full)
                return bytes
            } catch {
                throw ConfigFileError("'\(path)' could not be read: \(error)")
            }
        }
    }
}
