// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import BuiltInPlugins
internal import WeirHost
internal import WeirKit

extension FuzzTarget {
    /// A whole configuration, as `weir check` reads it: every problem stands in the file, the report can be shown, and says the same twice.
    static let configuration = FuzzTarget(
        "configuration",
        words: [
            "capture: ", "source: ", "window: ", "5s", "max_flows: ", "interfaces: ", "include: ", "exclude: ", "count: ", "accounting: ",
            "covered: ",
            "cidrs: ", "observer: ", "scope: ", "private: ", "pipeline: ", "hold: ", "max_series: ", "max_values: ", "max_endpoints: ", "enrich: ",
            "- plugin: ", "cidr", "tables: ", "local_owner", "metrics: ", "network.flow.bytes: ", "measure: bytes", "filter: ", "attributes: ",
            "src.zone",
            "k8s.*", "export: ", "prometheus", "json_lines", "path: /var/log/a.jsonl", "stdout", "http: ", "listen: ", "127.0.0.1:9347", "log: ",
            "reload: ",
            "\n", "  ", ": ", "{", "}", "[", "]", ", ", "${NAME:-x}", "name: ", "enabled: false", "-1", "99999999999999999999", "*", "/(/",
        ]
    ) { (bytes) throws(BrokenLaw) in
        let path = try ScratchFile.write(bytes, ".yaml")
        defer { ScratchFile.remove(path) }

        let found = WeirHost.problems(at: path, plugins: builtInPlugins)
        let own = ConfigProblems()
        for problem in found.problems where problem.position.file == path { own.note(problem.kind, problem.message, at: problem.position) }
        try Places.check(own, in: bytes)
        try require(
            found.problems.isEmpty == found.report.isEmpty, "\(found.problems.count) problems in a report of \(found.report.utf8.count) bytes")
        let isShowable = found.report.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control }
        try require(isShowable, "the report would send control characters to a terminal")
        let again = WeirHost.problems(at: path, plugins: builtInPlugins)
        try require(again.report == found.report, "read twice, it has other problems")
    }
}
