// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import KubernetesClient
internal import WeirKit

/// What a plugin does with events, at its simplest: a table by uid, and a generation that a list sweeps by.
struct Receiver<Object: KubernetesObject>: Sendable {
    private(set) var objects: [String: Object] = [:]
    private var generations: [String: Int] = [:]
    private var generation = 0
    private var isListing = false
    private(set) var lists = 0
    private(set) var caughtUp = 0
    private(set) var puts = 0
    /// What no reflector should say.
    private(set) var wrongs: [String] = []

    mutating func apply(_ events: [ReflectorEvent<Object>]) {
        for event in events {
            switch event {
            case .beginList:
                generation += 1
                isListing = true
            case .put(let object):
                puts += 1
                objects[object.meta.uid] = object
                generations[object.meta.uid] = generation
            case .delete(let identity):
                if isListing { wrongs.append("a delete within a list") }
                objects[identity.uid] = nil
                generations[identity.uid] = nil
            case .endList:
                if !isListing { wrongs.append("an end without a beginning") }
                isListing = false
                lists += 1
                for (uid, last) in generations where last != generation {
                    objects[uid] = nil
                    generations[uid] = nil
                }
            case .caughtUp:
                if isListing { wrongs.append("caught up within a list") }
                caughtUp += 1
            }
        }
    }
}
