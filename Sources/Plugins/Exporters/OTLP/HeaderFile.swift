// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// A file of headers, one `Name: value` a line: where secrets stand. Read when the configuration is, and again while the exporter
/// runs, so that a new secret needs no reload.
public struct HeaderFile: Sendable, Equatable {
    let path: String
    let written: ConfigPosition
    private let files: ConfigFiles

    static let maxBytes = 64 << 10

    init(path: String, written: ConfigPosition, files: ConfigFiles) {
        self.path = path
        self.written = written
        self.files = files
    }

    public static func == (a: HeaderFile, b: HeaderFile) -> Bool { a.path == b.path && a.written == b.written }

    /// What is wrong never has a value in it.
    func read() throws(TextProblem) -> [NamedText] {
        let bytes: [UInt8]
        do { bytes = try files.read(path, from: written) } catch { throw TextProblem(error.description) }
        guard bytes.count <= Self.maxBytes, let text = String(validating: bytes, as: UTF8.self) else {
            throw TextProblem("'\(path)' is not a text of at most \(ByteCount(Self.maxBytes).configText)")
        }
        var headers: [NamedText] = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let line = line.trimmed
            if line.isEmpty || line.hasPrefix("#") { continue }
            guard let colon = line.firstIndex(of: ":") else {
                throw TextProblem("\(path):\(index + 1): not a header such as Authorization: Bearer …")
            }
            let name = String(line[..<colon])
            let value = String(line[line.index(after: colon)...].trimmed)
            if let problem = NamedText.headerProblem(name, value) { throw TextProblem("\(path):\(index + 1): \(problem)") }
            headers.append(NamedText(name: name, value: value))
        }
        guard headers.count <= NamedText.maxNumber else { throw TextProblem("'\(path)' has more than \(NamedText.maxNumber) headers") }
        return headers
    }
}
