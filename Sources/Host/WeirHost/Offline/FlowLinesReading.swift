// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit
package import WeirPipeline

/// What the reader of JSON lines makes of a file, for tests that hold it against its laws.
package struct FlowLinesReading: Sendable {
    package struct Flow: Sendable {
        /// The end of its window, nanoseconds since 1970.
        package let time: UInt64
        /// Its owners are cgroups as they were written; names are in `source` and `destination`.
        package let flow: CapturedFlow
        /// Empty where the line named none.
        package let interface: String
        /// What was recorded of each end.
        package let source: [Attribute: String]
        package let destination: [Attribute: String]
    }

    /// Those of the lines before the first problem.
    package fileprivate(set) var flows: [Flow] = []
    package fileprivate(set) var problems: [ConfigProblem] = []
    /// Names that nothing in the catalog has, as they would be shown.
    package fileprivate(set) var unused: [String] = []
    /// Ends that went without their names.
    package fileprivate(set) var turnedAway = 0
}

extension WeirHost {
    /// Reads the JSON lines at `path` as `weir replay` does. `limit` is what the bytes and the packets of a file may not add up to,
    /// `namesLimit` the memory for recorded names, in bytes.
    package static func flowLines(
        at path: String, catalog: Catalog, local: [CIDR] = [], limit: UInt64? = nil, namesLimit: Int? = nil
    ) throws -> FlowLinesReading {
        let names = RecordedNames(limit: namesLimit ?? RecordedNames.limit)
        var lines = FlowLines(
            try InputFile.open(path), file: path, catalog: catalog, names: names, window: .seconds(5), local: local,
            limit: limit ?? FlowTotal.limit)
        var reading = FlowLinesReading()
        var interfaces: [UInt32: String] = [:]
        while let window = try lines.next() {
            interfaces.merge(window.interfaceNames) { first, _ in first }
            for var flow in window.flows {
                let known = (names.known(flow.sourceOwner), names.known(flow.destinationOwner))
                flow.sourceOwner = known.0?.cgroup ?? flow.sourceOwner
                flow.destinationOwner = known.1?.cgroup ?? flow.destinationOwner
                reading.flows.append(
                    FlowLinesReading.Flow(
                        time: window.range.upperBound, flow: flow, interface: interfaces[flow.interfaceIndex] ?? "",
                        source: known.0?.texts ?? [:], destination: known.1?.texts ?? [:]))
            }
        }
        if lines.problemCount > 0 { try lines.readOn() }
        reading.problems = lines.problems
        reading.unused = lines.unused.keys.sorted()
        reading.turnedAway = names.turnedAway
        return reading
    }
}
