// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

/// The program around the plugins: an agent of one's own is a list of plugins and one call.
public enum WeirHost {
    /// The plugins of this program while a command runs.
    @TaskLocal static var plugins: [PluginEntry] = []

    /// Reads the command line and does what it says. Called first thing on the main thread: `run` blocks signals
    /// before any other thread exists.
    public static func run(_ plugins: [PluginEntry]) -> Never {
        let names = plugins.map(\.name)
        Signals.ignoreClosedPipes()
        precondition(Set(names).count == names.count, "two plugins have one name")
        $plugins.withValue(plugins) { WeirCommand.main() }
        leave(.fine)
    }
}
