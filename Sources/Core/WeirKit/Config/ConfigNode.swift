// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Where a value stood. Lines and columns count from 1, columns in characters.
public struct ConfigPosition: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let file: String
    public let line: Int
    public let column: Int

    public init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    public static func < (a: ConfigPosition, b: ConfigPosition) -> Bool { (a.file, a.line, a.column) < (b.file, b.line, b.column) }
    public var description: String { "\(file):\(line):\(column)" }
}

/// A piece of configuration that remembers where it stood.
public struct ConfigNode: Sendable, Hashable {
    public indirect enum Content: Sendable, Hashable {
        /// The text after `${VAR}` was filled in.
        case scalar(String)
        case list([ConfigNode])
        case mapping([Entry])
    }

    public struct Entry: Sendable, Hashable {
        public var key: ConfigNode
        public var value: ConfigNode

        public init(key: ConfigNode, value: ConfigNode) {
            self.key = key
            self.value = value
        }
    }

    public var content: Content
    public var position: ConfigPosition

    public init(_ content: Content, at position: ConfigPosition) {
        self.content = content
        self.position = position
    }

    /// The text of a scalar.
    public var text: String? { if case .scalar(let text) = content { text } else { nil } }

    /// What it is, as an error message says it.
    public var kindName: String {
        switch content {
        case .scalar: "a value"
        case .list: "a list"
        case .mapping: "a mapping"
        }
    }
}
