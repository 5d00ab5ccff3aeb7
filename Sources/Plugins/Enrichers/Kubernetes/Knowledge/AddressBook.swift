// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit
internal import DequeModule

/// Who holds an address: a kind of object and its slot, in four bytes.
package struct Holder: Hashable, Sendable {
    package enum Kind: UInt32, Sendable {
        /// The order is that of preference: an address that two hold at once is the later one's. A Service may be given a node's
        /// address (`externalIPs`, load balancers of small clusters), and then it is the node that sends.
        case service = 0, node, pod
    }

    private let word: UInt32

    package init(_ kind: Kind, _ slot: UInt32) { word = kind.rawValue << 30 | slot }

    package var kind: Kind { Kind(rawValue: word >> 30) ?? .service }
    package var slot: UInt32 { word & 0x3fff_ffff }
}

/// Who holds which address, and who held it: an address that moves follows time.
///
///     10.1.0.7   [ api-1  12:00:00 … 12:10:31 )  [ batch-9  12:10:33 …
///
/// A question names a time. Of those who hold the address then a pod is preferred to a node and a node to a Service, then who
/// holds it for the shortest time; else it is who held it last, for the grace period; else who will hold it first, since news
/// of a birth come late.
package struct AddressBook: Sendable {
    /// More holders of one address at once have no meaning; those beyond are left out and counted. Who held it of late is forgotten first.
    package static let maxHolders = 64

    private struct Claim: Sendable {
        var holder: Holder
        /// The next claim of the same address; `last` for none.
        var next: UInt32
        /// Seconds since 1970.
        var from: Double
        var until = Double.infinity
        /// Decides between claims that begin at once, so that the order of events does not.
        var tie: UInt64
    }

    private static let last = UInt32.max

    private var first: [IPAddress: UInt32] = [:]
    private var claims: [Claim] = []
    private var free: [UInt32] = []
    /// Claims that ended, the oldest first, by a clock that nobody sets.
    private var ended: Deque<(address: IPAddress, holder: Holder, until: Double, at: Double)> = []
    /// Claims that found no room.
    package private(set) var refused: UInt64 = 0
    private let grace: Double

    /// `grace` in seconds.
    package init(grace: Double) { self.grace = grace }

    /// Addresses that somebody holds or held of late.
    package var count: Int { first.count }

    /// `holder` has the address from that time on, unless it is known to have it. Whether that is news.
    package mutating func begin(_ address: IPAddress, _ holder: Holder, from: Double, tie: UInt64) -> Bool {
        var length = 0
        var index = first[address] ?? Self.last
        var oldest: Claim?
        while index != Self.last {
            if claims[Int(index)].holder == holder {
                guard claims[Int(index)].until != .infinity else { return false }
                claims[Int(index)].until = .infinity
                return true
            }
            if claims[Int(index)].until < oldest?.until ?? .infinity { oldest = claims[Int(index)] }
            length += 1
            index = claims[Int(index)].next
        }
        if length >= Self.maxHolders {
            guard let oldest, remove(address, oldest.holder, until: oldest.until) else {
                refused += 1
                return false
            }
        }
        let claim = Claim(holder: holder, next: first[address] ?? Self.last, from: from, tie: tie)
        if let vacant = free.popLast() {
            claims[Int(vacant)] = claim
            first[address] = vacant
        } else {
            first[address] = UInt32(claims.count)
            claims.append(claim)
        }
        return true
    }

    /// `holder` has the address no longer. `at` is the same moment by the clock that nobody sets. Whether that is news.
    package mutating func end(_ address: IPAddress, _ holder: Holder, until: Double, at: Double) -> Bool {
        var index = first[address] ?? Self.last
        while index != Self.last {
            if claims[Int(index)].holder == holder {
                guard claims[Int(index)].until == .infinity else { return false }
                claims[Int(index)].until = until
                ended.append((address, holder, until, at))
                return true
            }
            index = claims[Int(index)].next
        }
        return false
    }

    /// Forgets claims that ended before `time`; `changed` is told their addresses.
    package mutating func forget(endedBefore time: Double, _ changed: (IPAddress) -> Void) {
        while let oldest = ended.first, oldest.at < time {
            ended.removeFirst()
            // Else it began again meanwhile, or made room.
            if remove(oldest.address, oldest.holder, until: oldest.until) { changed(oldest.address) }
        }
    }

    /// Addresses that somebody held within the grace period and then lost, some more than once.
    package func formerAddresses(of isMeant: (Holder) -> Bool, _ found: (IPAddress) -> Void) {
        for claim in ended where isMeant(claim.holder) { found(claim.address) }
    }

    private mutating func remove(_ address: IPAddress, _ holder: Holder, until: Double) -> Bool {
        var before = Self.last
        var index = first[address] ?? Self.last
        while index != Self.last {
            let claim = claims[Int(index)]
            if claim.holder == holder, claim.until == until {
                if before != Self.last {
                    claims[Int(before)].next = claim.next
                } else {
                    first[address] = claim.next == Self.last ? nil : claim.next
                }
                free.append(index)
                return true
            }
            before = index
            index = claim.next
        }
        return false
    }

    /// Who held the address at `time`, in seconds since 1970.
    package func holder(of address: IPAddress, at time: Double) -> Holder? {
        var index = first[address] ?? Self.last
        var best: Claim?
        while index != Self.last {
            let claim = claims[Int(index)]
            if claim.until.isInfinite || claim.until > time || time - claim.until <= grace {
                if let known = best { best = better(claim, known, at: time) } else { best = claim }
            }
            index = claim.next
        }
        return best?.holder
    }

    private func better(_ a: Claim, _ b: Claim, at time: Double) -> Claim {
        let (phaseA, phaseB) = (phase(a, time), phase(b, time))
        if phaseA != phaseB { return phaseA < phaseB ? a : b }
        if phaseA == 0, a.holder.kind != b.holder.kind { return a.holder.kind.rawValue > b.holder.kind.rawValue ? a : b }
        let (whenA, whenB) = phaseA == 1 ? (a.until, b.until) : (a.from, b.from)
        if whenA != whenB { return (whenA > whenB) == (phaseA < 2) ? a : b }
        return a.tie > b.tie ? a : b
    }

    /// 0 for a claim that holds, 1 for one that is over, 2 for one that is yet to begin.
    private func phase(_ claim: Claim, _ time: Double) -> Int { claim.from > time ? 2 : claim.until <= time ? 1 : 0 }
}
