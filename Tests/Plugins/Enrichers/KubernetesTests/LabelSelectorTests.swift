// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import KubernetesEnricher
import Testing
import WeirTesting

@Suite("label selectors as kubectl takes them")
struct LabelSelectorTests {
    private static let objects: [(name: String, labels: Labels)] = [
        ("bare", [:]), ("worker", ["role": "worker", "zone": "a"]), ("edge", ["role": "edge", "zone": "b", "example.com/virtual": ""]),
        ("none", ["role": ""]),
    ]

    @Test(
        "matches what Kubernetes matches",
        arguments: [
            ("", "bare worker edge none"), ("  ", "bare worker edge none"), ("role=worker", "worker"), ("role == worker", "worker"),
            ("role!=worker", "bare edge none"), ("role in (worker, edge)", "worker edge"), ("role notin (worker)", "bare edge none"),
            ("zone", "worker edge"), ("!zone", "bare none"), ("! zone", "bare none"), ("role=worker,zone=b", ""),
            ("zone,role!=worker", "edge"), ("example.com/virtual", "edge"), ("example.com/virtual=", "edge"), ("role=", "none"),
            ("role in ()", "none"), ("in=1", ""), ("inside", ""), ("notin notin (x)", "bare worker edge none"),
        ])
    func matches(_ text: String, _ expected: String) throws {
        let selector = try LabelSelector(text)
        #expect(Self.objects.filter { selector.matches($0.labels) }.map(\.name).joined(separator: " ") == expected)
    }

    @Test(
        "says what is wrong, and where",
        arguments: [
            ("role=", nil), ("=x", "0: expected a label such as topology.kubernetes.io/zone"),
            ("role=a,", "7: expected a label such as topology.kubernetes.io/zone"), ("role a", "5: expected ',' or the end"),
            ("role in a", "8: expected '(' and values such as (a, b)"), ("role in (a", "10: expected ',' or ')'"),
            ("role=-a", "5: '-a' is no label's value: at most 63 letters, digits, '-', '_' and '.', a letter or digit at both ends"),
            ("a/b/c", "0: 'a/b/c' is no label's name"), ("Example.com/x", "0: 'Example.com/x' is no label's name"),
            ("role>1", "4: expected ',' or the end"), ("ü", "0: expected a label such as topology.kubernetes.io/zone"),
            (String(repeating: "a,", count: 64) + "a", "128: more than 64 parts"),
        ])
    func problems(_ text: String, _ expected: String?) {
        do throws(LabelSelector.Problem) {
            _ = try LabelSelector(text)
            #expect(expected == nil, "\(text)")
        } catch {
            #expect("\(error.offset): \(error)" == expected)
        }
    }

    @Test("looks at each label once, and only at those")
    func keys() throws {
        #expect(try LabelSelector("a=1,b in (x),!a,c").keys == ["a", "b", "c"])
        #expect(try LabelSelector(" ").matchesAll)
    }
}
