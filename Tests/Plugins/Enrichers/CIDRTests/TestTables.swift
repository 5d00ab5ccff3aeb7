// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CIDREnricher
import Logging
import Synchronization
import WeirKit
import YAMLSource

/// Files that exist only in a test, and can change.
final class Shelf: Sendable {
    private let contents = Mutex<[String: String]>([:])

    subscript(path: String) -> String? {
        get { contents.withLock { $0[path] } }
        set { contents.withLock { $0[path] = newValue } }
    }

    var files: ConfigFiles {
        ConfigFiles { (path, _) throws(ConfigFileError) in
            guard let text = self[path] else { throw ConfigFileError("could not open \(path)") }
            return Array(text.utf8)
        }
    }
}

/// What a configuration of `cidr` gives: its options, or its problems as `kind file:line:column: message`.
func options(_ yaml: String, _ shelf: Shelf = Shelf()) -> (options: CIDROptions, problems: [String]) {
    let problems = ConfigProblems()
    var options = CIDROptions()
    if let node = YAMLSource.parse(Array(yaml.utf8), file: "weir.yaml", problems: problems),
        var section = ConfigSection(node, problems: problems, files: shelf.files)
    {
        _ = section.take("plugin")
        options.read(&section)
        _ = section.finish()
    }
    return (options, problems.all.map { "\($0.kind) \($0.position): \($0.message)" })
}

/// A context, and what was invalidated through it.
func context(_ invalidated: @escaping @Sendable (EndpointSelection) -> Void = { _ in }, _ metrics: MetricRegistry = MetricRegistry()) -> PluginContext
{
    PluginContext(
        instance: "cidr", log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, metrics: metrics, routes: HTTPRoutes(), hostName: "host",
        invalidate: invalidated)
}

/// What an enricher answers for one address, as `attribute=text` in the order asked.
func answers(_ enricher: CIDREnricher, _ address: String, _ attributes: [Attribute] = [.zone, .region, .name, .cidr, .endpoint("team")]) -> [String] {
    var batch = EndpointBatch(columns: attributes)
    guard let address = IPAddress(address) else { return ["no address"] }
    batch.append(address, owner: 0, isLocal: false)
    enricher.enrich(&batch)
    return attributes.compactMap { attribute in batch[attribute, 0].map { "\(attribute.name)=\($0)" } }
}
