// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// One table file, by the path that the configuration names.
struct TableFile: Sendable {
    enum Format { case csv, json }

    /// The largest file that is read.
    static let maxBytes = 64 << 20

    let path: String
    /// Where the path is written: paths are relative to that file.
    let written: ConfigPosition
    let format: Format
    private let files: ConfigFiles

    /// Nil, with a problem noted, when the ending says neither CSV nor JSON.
    init?(path: String, written: ConfigPosition, section: ConfigSection) {
        if path.hasSuffix(".csv") {
            format = .csv
        } else if path.hasSuffix(".json") {
            format = .json
        } else {
            section.note(.badValue, "'\(path)' ends neither in .csv nor in .json, so its format is not known", at: written)
            return nil
        }
        self.path = path
        self.written = written
        files = section.files
    }

    enum Content {
        case bytes([UInt8])
        case failure(String)

        /// FNV-1a: tells contents apart, guards against nobody.
        var fingerprint: UInt64 {
            func hash(_ bytes: some Sequence<UInt8>, _ seed: UInt64) -> UInt64 {
                bytes.reduce(seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
            }
            switch self {
            case .bytes(let bytes): return hash(bytes, 0xcbf2_9ce4_8422_2325)
            case .failure(let text): return hash(text.utf8, 0)
            }
        }
    }

    func content() -> Content {
        do {
            return .bytes(try files.read(path, from: written))
        } catch {
            return .failure(error.description)
        }
    }

    func add(_ content: Content, to builder: inout TableBuilder) {
        switch content {
        case .failure(let text):
            builder.note(text, at: .node(written), .unreadable)
        case .bytes(let bytes):
            let source = SourceText(bytes, file: path)
            if bytes.count > Self.maxBytes {
                builder.note("a table file has at most \(ByteCount(Self.maxBytes).configText)", at: .byte(0, source))
            } else if let offset = source.firstInvalid {
                builder.note("the file is not UTF-8 text from here on", at: .byte(offset, source))
            } else {
                switch format {
                case .csv: CSVTable.add(source, to: &builder)
                case .json: JSONTable.add(source, to: &builder)
                }
            }
        }
    }
}

extension TableFile: Equatable {
    static func == (a: TableFile, b: TableFile) -> Bool { a.path == b.path && a.written == b.written }
}
