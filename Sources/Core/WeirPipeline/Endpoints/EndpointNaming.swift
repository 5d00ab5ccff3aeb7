// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Turns the stages' answers about an endpoint into its columns and flags, and gives a stranger a name.
struct EndpointNaming {
    let scopeColumns: ScopeRules.Columns
    var covered = PrefixTable<Bool>()
    private var privateRanges = PrefixTable<Bool>()
    private let address: Int?
    private let name: Int?
    private let ownerName: Int?
    private let knownOwnerName: Int?
    /// Where stages say that an address is covered, and the symbol of "yes"; nil when none does.
    private let coveredClaim: (column: Int, yes: UInt32)?
    private let isClaimColumn: [Bool]
    /// The number of the pipeline itself among the stages.
    private static let pipelineStage: UInt8 = 255

    init(_ plan: Plan, _ symbols: inout SymbolTable) {
        let columns = plan.layout.endpoint
        // Without a plan that needs classes these columns do not exist, and nobody reads them.
        scopeColumns = ScopeRules.Columns(
            zone: columns[.zone] ?? 0, zoneID: columns[.zoneID] ?? 0, region: columns[.region] ?? 0, claim: columns[.scopeClaim] ?? 0)
        address = columns[.address]
        name = columns[.name]
        ownerName = columns[.ownerName]
        knownOwnerName = columns[.knownOwnerName]
        coveredClaim = columns[.covered].map { ($0, symbols.intern("true")) }
        isClaimColumn = plan.endpointAttributes.map { [.zone, .zoneID, .region, .scopeClaim].contains($0) }
        for cidr in plan.input.scope.private { privateRanges.insert(cidr, true) }
    }

    /// Once per endpoint that was asked.
    func settle(_ slot: UInt32, _ row: Int, _ answers: borrowing EndpointBatch, _ knowledge: inout Knowledge) {
        let ip = knowledge.endpoints.address(slot)
        var flags = knowledge.endpoints.flags(slot).intersection([.local, .referenced]).union(.known)
        var isClaimed = false
        let first = row * answers.columns.count
        for column in answers.columns.indices {
            let cell = answers.cells[first + column]
            if cell.isPending { flags.insert(.pending) }
            if cell.text != nil, isClaimColumn[column] { isClaimed = true }
            knowledge.endpoints.set(column, slot, text: cell.text, answeredBy: cell.stage, symbols: &knowledge.symbols)
        }
        let isPrivate = privateRanges.longest(ip) != nil
        if ip.isMulticastOrBroadcast {
            flags.insert(.multicast)
        } else if !isPrivate, !isClaimed {
            flags.insert(.outside)
        }
        if isCovered(slot, knowledge.endpoints) { flags.insert(.covered) }
        knowledge.endpoints.setFlags(flags, slot)
        fill(address, slot, &knowledge) { ip.description }
        fill(name, slot, &knowledge) { ip.description }
        if let knownOwnerName, let ownerName {
            let cell = answers.cells[first + ownerName]
            knowledge.endpoints.set(knownOwnerName, slot, text: cell.text, answeredBy: cell.stage, symbols: &knowledge.symbols)
        }
        fill(ownerName, slot, &knowledge) {
            if flags.contains(.multicast) { return "(multicast)" }
            if flags.contains(.outside), !flags.contains(.local) { return "(internet)" }
            return isPrivate ? "(private)" : "(unknown)"
        }
    }

    /// By the configured list, or by a stage.
    func isCovered(_ slot: UInt32, _ endpoints: borrowing EndpointTable) -> Bool {
        if let coveredClaim, endpoints.symbol(coveredClaim.column, slot) == coveredClaim.yes { return true }
        return covered.longest(endpoints.address(slot)) != nil
    }

    /// The pipeline's own answer, where no stage had one.
    private func fill(_ column: Int?, _ slot: UInt32, _ knowledge: inout Knowledge, _ text: () -> String) {
        guard let column, knowledge.endpoints.symbol(column, slot) == 0 else { return }
        knowledge.endpoints.set(column, slot, text: text(), answeredBy: Self.pipelineStage, symbols: &knowledge.symbols)
    }
}
