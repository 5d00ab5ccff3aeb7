// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import KubernetesClient
public import WeirKit

/// What users write for `node_zone`.
public struct NodeZoneOptions: PluginOptions {
    /// A kubeconfig file; empty: the service account of the pod that Weir runs in.
    public var kubeconfig = ""
    /// A context of that file; empty: its current one.
    public var context = ""
    /// A file of objects in place of an API server.
    public var objects = ""
    /// What it held when the configuration was read.
    var recorded: [RecordedObject] = []

    public init() {}

    public mutating func read(_ section: inout ConfigSection) {
        section.read("kubeconfig", into: &kubeconfig)
        // It is read by `run`. What it holds belongs to the instance all the same: another server, or other rights.
        if kubeconfig.hasPrefix("/") { _ = try? section.files.read(kubeconfig, from: section.position) }
        if let node = section.take("context"), let name: String = section.scalar(node) {
            context = name
            if !name.isEmpty, kubeconfig.isEmpty {
                section.note(.conflict, "'context' chooses among those of a kubeconfig: write 'kubeconfig' too", at: node.position)
            }
        }
        guard let node = section.take("objects"), let path: String = section.scalar(node), !path.isEmpty else { return }
        objects = path
        if !kubeconfig.isEmpty {
            section.note(.conflict, "'objects' stands in place of an API server: write it or 'kubeconfig', not both", at: node.position)
        }
        do throws(ConfigFileError) {
            let bytes = try section.files.read(path, from: node.position)
            do throws(RecordedObjects.Problem) {
                recorded = try RecordedObjects.read(bytes, labels: NodePlaces.labels)
            } catch {
                section.note(.badValue, "\(path): \(error)", at: node.position)
            }
        } catch {
            section.note(.unreadable, "\(error)", at: node.position)
        }
    }

    /// The same when the same was written; what the file held does not count.
    public static func == (a: NodeZoneOptions, b: NodeZoneOptions) -> Bool {
        a.kubeconfig == b.kubeconfig && a.context == b.context && a.objects == b.objects
    }
}
