// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import WeirKit

/// An inventory's file, by the path that the configuration names.
public struct InventoryFile: Sendable, Equatable {
    let path: String
    /// Where the path is written: a relative one stands beside that file.
    let written: ConfigPosition
    /// Reads as the host does, with its rules for paths and for who may write a file.
    private let files: ConfigFiles

    init(path: String, written: ConfigPosition, files: ConfigFiles) {
        self.path = path
        self.written = written
        self.files = files
    }

    /// What the file says now. What is wrong is noted; nil when it cannot be read at all.
    func read(_ problems: ConfigProblems) -> Inventory? {
        do {
            return Inventory(csv: try files.read(path, from: written), file: path, problems: problems)
        } catch {
            problems.note(.unreadable, error.description, at: written)
            return nil
        }
    }

    public static func == (a: InventoryFile, b: InventoryFile) -> Bool { a.path == b.path && a.written == b.written }
}
