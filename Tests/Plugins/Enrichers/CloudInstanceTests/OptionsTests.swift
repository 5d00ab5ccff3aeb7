// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CloudInstanceEnricher
import Testing
import WeirKit
import WeirTesting

@Suite("cloud_instance: what users write")
struct CloudInstanceOptionsTests {
    @Test("the sample decodes to exactly the defaults")
    func sample() { #expect(CloudInstanceOptions.reading(CloudInstancePlugin.sample) == (CloudInstanceOptions(), [])) }

    private static let words =
        "auto, none, aws, gcp, azure, oracle_cloud, alibaba_cloud, digitalocean, hetzner, scaleway_cloud, vultr, openstack"

    @Test(
        "what is wrong is said with its place",
        arguments: [
            ("provider: amazon", "weir.yaml:1:11: 'amazon' is not one of \(words)"),
            ("provider: azur", "weir.yaml:1:11: 'azur' is not one of \(words); did you mean 'azure'?"),
            ("refresh: 1m", "weir.yaml:1:10: refresh is from 5m to 24h"),
            ("sys_root: sys", "weir.yaml:1:11: 'sys' is not a path that begins with /"),
            ("local: [172.17.0.1/16]", "weir.yaml:1:9: '172.17.0.1/16' is not an address or a range such as 10.0.0.0/8 whose host bits are zero"),
            ("zones: a", "weir.yaml:1:1: unknown key 'zones'; did you mean 'zone'?"),
            (#"zone: "a\tb""#, "weir.yaml:1:7: zone has at most 256 bytes and no control characters"),
        ] as [(String, String)])
    func wrong(yaml: String, problem: String) { #expect(CloudInstanceOptions.reading(yaml).problems == [problem]) }

    @Test(
        "an endpoint is the address of a service, and no more",
        arguments: ["localhost:80", "ftp://a", "http://", "http:///x", "http://u@h", "http://h/?q", "http://h#f", "http://a b", "http://é"])
    func badEndpoint(text: String) {
        let problems = CloudInstanceOptions.reading("endpoint: '\(text)'").problems
        #expect(problems.count == 1 && problems.first?.contains("is not the address of a service such as http://127.0.0.1:1338") == true)
    }

    @Test("a slash at the end of an endpoint makes no difference", arguments: ["http://127.0.0.1:1338", "https://[fd00:ec2::254]", "http://mock/v1"])
    func endpoint(text: String) {
        #expect(CloudInstanceOptions.reading("endpoint: '\(text)/'").options.endpoint == text)
        #expect(CloudInstanceOptions.reading("endpoint: '\(text)'").problems == [])
    }
}
