// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import Logging
package import WeirKit

/// Reads the configuration as often as it is asked to: once to start, again for every reload.
package struct ConfigurationLoader: Sendable {
    /// What reading led to.
    package enum Outcome: Sendable {
        case good(Configuration, ConfigFiles)
        /// In the order of files and lines, with the texts to show them by.
        case bad([ConfigProblem], SourceTexts)
    }

    /// As the user gave it; nil for `/etc/weir`, which may be missing.
    let path: String?
    let plugins: [PluginEntry]
    /// Set for `run` alone.
    let trust: FileTrust?
    let surroundings: ConfigurationReader.Surroundings

    init(path: String?, plugins: [PluginEntry], trust: FileTrust?, surroundings: ConfigurationReader.Surroundings) {
        self.path = path
        self.plugins = plugins
        self.trust = trust
        self.surroundings = surroundings
    }

    /// For tests: as `run` reads, without asking who may write the files.
    package init(path: String, plugins: [PluginEntry], registry: MetricRegistry, routes: HTTPRoutes, log: Logger) {
        self.init(
            path: path, plugins: plugins, trust: nil,
            surroundings: ConfigurationReader.Surroundings(log: log, registry: registry, routes: routes, hostName: "test", isOutputTerminal: false))
    }

    /// `previous` runs: instances of it that did not change are those of the new one too.
    package func load(after previous: Configuration? = nil) -> Outcome {
        let problems = ConfigProblems()
        let texts = SourceTexts()
        let directory = ConfigDirectory(path, trust: trust, problems: problems, texts: texts)
        var surroundings = surroundings
        surroundings.routes = surroundings.routes.successor()
        let configuration = ConfigurationReader.read(directory, plugins: plugins, surroundings, after: previous)
        guard let configuration else { return .bad(Self.withoutEchoes(problems.all), texts) }
        texts.drop()
        return .good(configuration, ReferencedFiles.reader(trust: trust, texts: texts))
    }

    /// A value whose variable is not set is then also no address, no duration, …: one mistake, said once.
    private static func withoutEchoes(_ problems: [ConfigProblem]) -> [ConfigProblem] {
        let causes = Set(problems.filter { $0.kind == .unsetVariable || $0.kind == .badVariable }.map(\.position))
        return problems.filter { $0.kind == .unsetVariable || $0.kind == .badVariable || !causes.contains($0.position) }
    }
}

extension ConfigurationLoader {
    /// For what is built and never started.
    static var silent: Logger { Logger(label: "weir") { _ in SwiftLogNoOpLogHandler() } }

    /// For commands that only look: nothing they build is ever started.
    static func forLooking(_ path: String?, _ plugins: [PluginEntry]) -> ConfigurationLoader {
        ConfigurationLoader(
            path: path, plugins: plugins, trust: nil,
            surroundings: ConfigurationReader.Surroundings(
                log: silent, registry: MetricRegistry(), routes: HTTPRoutes(reserved: HTTPListener.ownPaths),
                hostName: SystemFacts.hostName, isOutputTerminal: SystemFacts.isOutputTerminal, readsTests: true))
    }
}
