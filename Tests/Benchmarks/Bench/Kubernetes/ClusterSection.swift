// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// What `kubernetes` and `node_zone` cost the agent in a large cluster.
struct ClusterSection: Section {
    let name = "cluster"
    let abstract = """
        an agent with kubernetes and node_zone and an API server of 100 k pods, 5 k nodes, 5 k ReplicaSets and 5 k Services: until all is \
        known, and while pods are replaced; bytes charged to the agent's control group, its kernel maps included
        """

    private static let targets: [String: Figure.Target] = [
        "sync of 100 k pods, CPU": .atMost(20),
        "charged, 100 k pods, at most": .atMost(150 * 1_048_576),
        "charged, 100 k pods, after the changes": .atMost(150 * 1_048_576),
        "100 k pods, 100 pods replaced per second": .atMost(1),
    ]

    func run(_ setting: Setting, note: (Figure) -> Void) throws {
        let runs = setting.isQuick ? 1 : min(3, setting.runs)
        for figure in try Script.figures("cluster.sh", setting, ["\(runs)"], targets: Self.targets) { note(figure) }
    }
}
