// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit
internal import Synchronization

/// What stages said has changed since the last batch: coalesced, and bounded, since "everything" is always a
/// right answer.
package final class InvalidationQueue: Sendable {
    package struct Changes: Sendable {
        package var all = false
        var addresses: Set<IPAddress> = []
        var owners: Set<UInt64> = []
        var prefixes: Set<CIDR> = []
        var values: Set<Value> = []

        struct Value: Hashable { let attribute: Attribute; let text: String }

        package var isEmpty: Bool { !all && addresses.isEmpty && owners.isEmpty && prefixes.isEmpty && values.isEmpty }
    }

    /// Past this many single addresses or owners a pass over the table for all is as cheap.
    private static let maxKeys = 65_536
    /// Prefixes and values are compared with every endpoint, so few may wait.
    private static let maxPatterns = 64

    private let waiting = Mutex(Changes())
    private let changed = Atomic(false)

    package init() {}

    package func add(_ selection: EndpointSelection) {
        waiting.withLock { changes in
            guard !changes.all else { return }
            switch selection {
            case .address(let address): changes.addresses.insert(address)
            case .owner(let owner): changes.owners.insert(owner)
            case .prefix(let cidr): changes.prefixes.insert(cidr)
            case .value(let attribute, let text): changes.values.insert(.init(attribute: attribute, text: text))
            case .all: changes.all = true
            }
            if changes.addresses.count > Self.maxKeys || changes.owners.count > Self.maxKeys
                || changes.prefixes.count > Self.maxPatterns || changes.values.count > Self.maxPatterns
            {
                changes = Changes(all: true)
            }
        }
        changed.store(true, ordering: .releasing)
    }

    /// Everything said since the last call; nil (without a lock) when nothing was.
    package func take() -> Changes? {
        guard changed.exchange(false, ordering: .acquiring) else { return nil }
        let changes = waiting.withLock { waiting in
            defer { waiting = Changes() }
            return waiting
        }
        return changes.isEmpty ? nil : changes
    }
}
