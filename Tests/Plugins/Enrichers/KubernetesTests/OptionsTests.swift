// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import KubernetesEnricher
import Testing
import WeirKit
import WeirTesting

@Suite("kubernetes: what users write")
struct OptionsTests {
    @Test("the sample holds every option at its default")
    func sample() {
        let (options, problems) = KubernetesOptions.reading(KubernetesPlugin.sample)
        #expect(problems == [])
        #expect(options == KubernetesOptions())
    }

    @Test("everything can be written")
    func everything() {
        let (options, problems) = KubernetesOptions.reading(
            """
            kubeconfig: /etc/weir/kubeconfig
            context: blue
            cluster_name: prod-1
            labels: { team: app.kubernetes.io/team, owner.name: app.kubernetes.io/name }
            node_labels: { pool: karpenter.sh/nodepool, team: team }
            namespace_labels: { team: team }
            node_selector: agent!=no, kubernetes.io/os in (linux)
            covered: none
            grace: 5m
            """)
        #expect(problems == [])
        #expect(options.kubeconfig == "/etc/weir/kubeconfig" && options.context == "blue" && options.clusterName == "prod-1")
        #expect(options.nodeSelector == "agent!=no, kubernetes.io/os in (linux)" && options.covered == .none && options.grace == .seconds(300))
        let writes = KubernetesEnricher(options, .testing("kubernetes")).writes
        #expect(writes.isSuperset(of: [.endpoint("team"), .endpoint("pool"), .ownerName]))
        #expect(!writes.contains(.covered))
    }

    @Test(
        "the Service that was dialled leaves its name to a label of that name, and to whoever else when that is said",
        arguments: [
            ("cluster_name: a", true), ("dialled_services: false", false), ("labels: { service.name: app }", false),
            ("namespace_labels: { service_namespace: team }", false),
        ])
    func dialled(_ yaml: String, _ isNamed: Bool) {
        let (options, problems) = KubernetesOptions.reading(yaml)
        #expect(problems == [])
        let stage = KubernetesEnricher(options, .testing("kubernetes"))
        #expect(stage.writes.contains { $0.name == "dst.service.name" } == isNamed)
        // What was dialled is looked at for that alone.
        #expect(stage.reads(for: [.ownerName]).isEmpty)
        #expect(stage.reads(for: stage.writes).contains(.destinationService) == isNamed)
    }

    @Test(
        "what is wrong is said at its place",
        arguments: [
            ("labels: { src.team: a }", "weir.yaml:1:11: a pod's label describes one end, whichever it is: write 'team' instead of 'src.team'"),
            ("labels: { team: a b }", "weir.yaml:1:17: 'a b' is no label's name such as app.kubernetes.io/team"),
            (
                "node_labels: { k8s_node_name: x }",
                "weir.yaml:1:16: 'k8s_node_name' is filled from the API itself: give the label's attribute another name"
            ),
            ("labels: { covered: x }", "weir.yaml:1:11: 'covered' is filled from the API itself: give the label's attribute another name"),
            (
                "labels: { my_team: a }\nnode_labels: { my.team: b }",
                "weir.yaml:2:16: 'my.team' is 'my_team' to metrics and filters, where '_' and '.' are one: write it one way"
            ),
            ("labels: [team]", "weir.yaml:1:9: expected a mapping of keys to values, found a list"),
            (
                "labels: { port: x }",
                "weir.yaml:1:11: 'port' would be 'src.port' to metrics and filters, which is Weir's own: a pod's label cannot fill it"
            ),
            ("node_selector: a in b", "weir.yaml:1:16: in the label selector, at character 6: expected '(' and values such as (a, b)"),
            ("context: blue", "weir.yaml:1:10: 'context' chooses among those of a kubeconfig: write 'kubeconfig' too"),
            ("covered: yes", "weir.yaml:1:10: 'yes' is not one of nodes, none"),
            ("grace: 2h", "weir.yaml:1:8: grace is from 1s to 1h"),
            ("kubeconfig: a\nobjects: b", "weir.yaml:2:10: 'objects' stands in place of an API server: write it or 'kubeconfig', not both"),
            ("label: {}", "weir.yaml:1:1: unknown key 'label'; did you mean 'labels'?"),
        ])
    func problems(_ yaml: String, _ expected: String) {
        let files = ConfigFiles { (_, _) throws(ConfigFileError) in Array("{}".utf8) }
        #expect(KubernetesOptions.reading(yaml, files: files).problems == [expected])
    }

    @Test(
        "a file of objects that cannot be read is an error",
        arguments: [
            ("{", "weir.yaml:1:10: o.json: the file ends in the middle of an object"),
            ("nonsense", "weir.yaml:1:10: o.json: the file ends in the middle of an object"),
            ("{]", "weir.yaml:1:10: o.json: no objects in JSON at byte 1: expected a key in double quotes"),
            (
                #"{"type":"ADDED","time":"today","object":{}}"#,
                "weir.yaml:1:10: o.json: no objects in JSON at byte 43: a time that is not such as 2026-01-02T03:04:05Z"
            ),
        ])
    func objects(_ text: String, _ expected: String) {
        let files = ConfigFiles { (_, _) throws(ConfigFileError) in Array(text.utf8) }
        #expect(KubernetesOptions.reading("objects: o.json", files: files).problems == [expected])
    }
}
