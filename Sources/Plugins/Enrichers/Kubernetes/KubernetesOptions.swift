// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import KubernetesClient
public import WeirKit

/// What users write for `kubernetes`.
public struct KubernetesOptions: PluginOptions {
    /// Whose sending an agent counts.
    public enum Covered: String, ConfigChoice {
        /// The nodes that `node_selector` matches, and their pods.
        case nodes
        case none
    }

    /// A kubeconfig file; empty: the service account of the pod that Weir runs in.
    public var kubeconfig = ""
    /// A context of that file; empty: its current one.
    public var context = ""
    /// Empty: as the nodes' labels say, else the uid of kube-system.
    public var clusterName = ""
    /// Labels of pods, nodes and namespaces as attributes.
    var labels = LabelAttributes()
    /// Which nodes have an agent.
    public var nodeSelector = ""
    var selector = LabelSelector()
    public var covered = Covered.nodes
    /// Whether the Services that were dialled have the names `src.service.name` and `dst.service.name`. False leaves these to whoever
    /// else knows a `service.name`, such as a table.
    public var dialledServices = true
    /// The same; a label that is called so has its name.
    var namesDialled: Bool {
        dialledServices && !labels.attributes.contains { ["service.name", "service.namespace"].contains(UserAttribute.normal($0.name)) }
    }
    /// How long what is gone is remembered.
    public var grace: Duration = .seconds(120)
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
        section.read("cluster_name", into: &clusterName)
        labels.read(&section)
        if let node = section.take("node_selector"), let text: String = section.scalar(node) {
            do throws(LabelSelector.Problem) {
                selector = try LabelSelector(text)
                nodeSelector = text
            } catch {
                section.note(.badValue, "in the label selector, at character \(error.offset + 1): \(error)", at: node.position)
            }
        }
        section.read("covered", into: &covered)
        section.read("dialled_services", into: &dialledServices)
        section.read("grace", into: &grace, in: .seconds(1) ... .seconds(3600))
        readObjects(&section)
    }

    private mutating func readObjects(_ section: inout ConfigSection) {
        guard let node = section.take("objects"), let path: String = section.scalar(node), !path.isEmpty else { return }
        objects = path
        if !kubeconfig.isEmpty {
            section.note(.conflict, "'objects' stands in place of an API server: write it or 'kubeconfig', not both", at: node.position)
        }
        do throws(ConfigFileError) {
            let bytes = try section.files.read(path, from: node.position)
            do throws(RecordedObjects.Problem) {
                recorded = try RecordedObjects.read(bytes, labels: labels.names + selector.keys + ClusterName.nodeLabels)
            } catch {
                section.note(.badValue, "\(path): \(error)", at: node.position)
            }
        } catch {
            section.note(.unreadable, "\(error)", at: node.position)
        }
    }

    /// The same when the same was written; what the file held does not count.
    public static func == (a: KubernetesOptions, b: KubernetesOptions) -> Bool {
        a.kubeconfig == b.kubeconfig && a.context == b.context && a.clusterName == b.clusterName && a.labels == b.labels
            && a.nodeSelector == b.nodeSelector && a.covered == b.covered && a.dialledServices == b.dialledServices && a.grace == b.grace
            && a.objects == b.objects
    }
}
