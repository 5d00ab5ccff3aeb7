// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A counter or gauge of the agent itself. Cheap enough for any thread; not for once per packet.
public final class Cell: Sendable {
    private let value = Atomic<UInt64>(0)

    public func add(_ amount: UInt64 = 1) { value.wrappingAdd(amount, ordering: .relaxed) }
    /// For gauges, and for counters that mirror a counter kept elsewhere.
    public func set(_ amount: UInt64) { value.store(amount, ordering: .relaxed) }
    public var current: UInt64 { value.load(ordering: .relaxed) }
}

/// The agent's own counters and gauges, by name and labels; exporters show them beside the users' series.
public final class MetricRegistry: Sendable {
    public enum Kind: String, Sendable { case counter, gauge }
    /// What a cell counts in. Cells are whole numbers, so times are nanoseconds inside; exporters show seconds.
    public enum Scale: Sendable { case one, nanoseconds }

    /// All cells of one name.
    public struct Family: Sendable {
        public let name: String
        public let help: String
        public let kind: Kind
        public let scale: Scale
        public package(set) var cells: [(labels: [(name: String, value: String)], cell: Cell)]
    }

    /// When every counter was 0, in nanoseconds since 1970; 0 where nobody asked a clock.
    public let began: UInt64
    private let families: Mutex<[String: Family]>
    private let root: MetricRegistry?
    private let labels: [(name: String, value: String)]

    public init(began: UInt64 = 0) {
        self.began = began
        families = Mutex([:])
        root = nil
        labels = []
    }

    private init(root: MetricRegistry, labels: [(name: String, value: String)]) {
        began = root.began
        families = Mutex([:])
        self.root = root
        self.labels = labels
    }

    /// The same registry, with a label that everything made through it carries.
    public func labelled(_ name: String, _ value: String) -> MetricRegistry {
        MetricRegistry(root: root ?? self, labels: labels + [(name, value)])
    }

    /// The cell for this name and these labels; asking again gives the same cell. Counters' names end in `_total`.
    public func cell(
        _ kind: Kind, _ name: String, _ help: String, _ extra: [(name: String, value: String)] = [], scale: Scale = .one
    ) -> Cell {
        if let root { return root.cell(kind, name, help, labels + extra, scale: scale) }
        return families.withLock { families in
            var family = families[name] ?? Family(name: name, help: help, kind: kind, scale: scale, cells: [])
            precondition(family.kind == kind, "\(name) is both a counter and a gauge")
            if let known = family.cells.first(where: { $0.labels.elementsEqual(extra, by: ==) }) { return known.cell }
            let cell = Cell()
            family.cells.append((extra, cell))
            families[name] = family
            return cell
        }
    }

    public func counter(
        _ name: String, _ help: String, _ labels: [(name: String, value: String)] = [], scale: Scale = .one
    ) -> Cell {
        cell(.counter, name, help, labels, scale: scale)
    }

    public func gauge(_ name: String, _ help: String, _ labels: [(name: String, value: String)] = []) -> Cell {
        cell(.gauge, name, help, labels)
    }

    /// Takes away every cell that carries this label: what it spoke of is gone.
    public func forget(_ label: String, _ value: String) {
        if let root { return root.forget(label, value) }
        families.withLock { families in
            for name in Array(families.keys) {
                families[name]?.cells.removeAll { cell in cell.labels.contains { $0.name == label && $0.value == value } }
                if families[name]?.cells.isEmpty == true { families[name] = nil }
            }
        }
    }

    /// Everything there is, by name.
    public func read() -> [Family] {
        if let root { return root.read() }
        return families.withLock { Array($0.values) }.sorted { $0.name < $1.name }
    }
}
