// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

public struct StdoutOptions: PluginOptions {
    public enum ColorChoice: String, ConfigChoice { case auto, always, never }

    /// How many flows of a window get a line of their own.
    public var rows = 40
    public var color = ColorChoice.auto

    public init() {}

    public mutating func read(_ section: inout ConfigSection) {
        section.read("rows", into: &rows, in: 1...10_000)
        section.read("color", into: &color)
    }
}
