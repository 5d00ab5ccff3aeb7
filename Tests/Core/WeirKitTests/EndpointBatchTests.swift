// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Testing
import WeirKit

@Suite("The first answer of the most trusted stage stands")
struct EndpointBatchTests {
    private func batch() -> EndpointBatch {
        var batch = EndpointBatch(columns: [.zone, .ownerName])
        batch.append(IPAddress(ipv4: 0x0a00_0001), owner: 7, isLocal: true)
        batch.append(IPAddress(ipv4: 0x0a00_0002), owner: 0, isLocal: false)
        return batch
    }

    @Test("a text stands, a later one does not replace it")
    func firstTextStands() {
        var batch = batch()
        batch.answer(.zone, 0, .text("a"))
        batch.stage = 2
        batch.answer(.zone, 0, .text("b"))
        batch.answer(.zone, 1, .text("c"))
        #expect(batch[.zone, 0] == "a" && batch[.zone, 1] == "c")
        #expect(batch.cells[0].stage == 1 && batch.cells[2].stage == 2)
    }

    @Test("absent leaves the question to the next stage")
    func absent() {
        var batch = batch()
        batch.answer(.zone, 0, .absent)
        batch.stage = 2
        batch.answer(.zone, 0, .text("b"))
        #expect(batch[.zone, 0] == "b")
        #expect(batch.cells[0].stage == 2 && !batch.cells[0].isPending)
    }

    @Test("pending lets a later stage answer, and is remembered")
    func pending() {
        var batch = batch()
        batch.answer(.zone, 0, .pending)
        batch.stage = 2
        batch.answer(.zone, 0, .text("b"))
        #expect(batch.cells[0].text == "b" && batch.cells[0].stage == 2 && batch.cells[0].isPending)
        batch.answer(.zone, 1, .text("c"))
        batch.stage = 3
        batch.answer(.zone, 1, .pending)
        #expect(!batch.cells[2].isPending)
    }

    @Test("attributes that nobody wants cost nothing and are nil")
    func unwanted() {
        var batch = batch()
        #expect(!batch.wants(.region) && batch.wants(.zone))
        batch.answer(.region, 0, .text("eu"))
        #expect(batch[.region, 0] == nil)
    }

    @Test("texts lose control characters and what is beyond 256 bytes, never half a character")
    func cleaned() {
        var batch = batch()
        batch.answer(.zone, 0, .text("a\u{1b}[31m\nb\u{85}c"))
        #expect(batch[.zone, 0] == "a[31mbc")
        batch.answer(.zone, 1, .text("x" + String(repeating: "é", count: 200)))
        #expect(batch[.zone, 1] == "x" + String(repeating: "é", count: 127))
    }

    @Test("what an endpoint is can be read row by row")
    func rows() {
        let batch = batch()
        #expect(batch.rows == 0..<2)
        #expect(batch.address(0).description == "10.0.0.1" && batch.owner(0) == 7 && batch.isLocal(0) && !batch.isLocal(1))
    }
}

@Suite("Attributes are named as users select them")
struct AttributeTests {
    @Test("the end stands in front, behind k8s. for Kubernetes, and nowhere for a flow's")
    func names() {
        #expect(SelectedAttribute(.zone, .source).name == "src.zone")
        #expect(SelectedAttribute(.endpoint("k8s.namespace"), .destination).name == "k8s.dst.namespace")
        #expect(SelectedAttribute(.trafficScope).name == "traffic.scope")
    }

    @Test("two attributes of one name and subject are one, whatever their help")
    func equality() {
        #expect(Attribute.zone == .endpoint("zone", "another help", needs: .ports))
        #expect(Attribute.endpoint("transport") != .transport)
    }

    @Test("built-in names are distinct")
    func distinct() { #expect(Set(Attribute.builtIn).count == Attribute.builtIn.count) }
}
