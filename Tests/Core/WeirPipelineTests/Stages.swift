// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization
import WeirKit
import WeirPipeline

/// Answers from a dictionary of addresses, which a test may change.
final class TableStage: EndpointEnricher {
    let table: Mutex<[String: [Attribute: Answer]]>
    let writes: Set<Attribute>
    let asked = Mutex<[String]>([])

    init(writes: Set<Attribute> = [.ownerName, .zone, .region, .zoneID, .scopeClaim, .covered], _ table: [String: [Attribute: Answer]]) {
        self.table = Mutex(table)
        self.writes = writes
    }

    func enrich(_ endpoints: inout EndpointBatch) {
        let answers = table.withLock { $0 }
        for row in endpoints.rows {
            let address = endpoints.address(row).description
            asked.withLock { $0.append(address) }
            for (attribute, answer) in answers[address] ?? [:] { endpoints.answer(attribute, row, answer) }
        }
    }

    var instance: EnricherInstance { instance(named: "table") }
    func instance(named name: String) -> EnricherInstance { EnricherInstance(name: name, stage: .endpoint(self)) }
}

/// Names every address anew: the worst that a stage can do to the symbols.
struct InventingStage: EndpointEnricher {
    let writes: Set<Attribute> = [.ownerName]

    func enrich(_ endpoints: inout EndpointBatch) {
        for row in endpoints.rows { endpoints.answer(.ownerName, row, .text("owner of \(endpoints.address(row))")) }
    }
}
