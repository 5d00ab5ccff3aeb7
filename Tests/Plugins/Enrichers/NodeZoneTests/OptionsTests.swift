// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import NodeZoneEnricher
import Testing
import WeirKit
import WeirTesting

@Suite("node_zone: what users write")
struct OptionsTests {
    @Test("the sample holds every option at its default")
    func sample() {
        let (options, problems) = NodeZoneOptions.reading(NodeZonePlugin.sample)
        #expect(problems == [])
        #expect(options == NodeZoneOptions())
    }

    @Test(
        "what is wrong is said at its place",
        arguments: [
            ("context: blue", "weir.yaml:1:10: 'context' chooses among those of a kubeconfig: write 'kubeconfig' too"),
            ("kubeconfig: a\nobjects: b", "weir.yaml:2:10: 'objects' stands in place of an API server: write it or 'kubeconfig', not both"),
            ("object: b", "weir.yaml:1:1: unknown key 'object'; did you mean 'objects'?"),
        ])
    func problems(_ yaml: String, _ expected: String) {
        let files = ConfigFiles { (_, _) throws(ConfigFileError) in Array("{}".utf8) }
        #expect(NodeZoneOptions.reading(yaml, files: files).problems == [expected])
    }
}
