// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Testing

@Suite("examples")
struct ExampleTests {
    @Test("the cases of the example hold, as its reader would run them")
    func zones() throws {
        let outcome = try Fixtures.weir("test", "--config", Fixtures.repository.appendingPathComponent("examples/zones").path)
        #expect(outcome.status == 0 && outcome.output.hasSuffix("3 cases: 3 passed, 0 failed\n"), "\(outcome)")
    }

    @Test("a fleet of VMs: the configuration is fine, and so are its cases")
    func vmFleet() throws {
        let folder = Fixtures.repository.appendingPathComponent("examples/vm-fleet").path
        let check = try Fixtures.weir("check", "--config", folder)
        #expect(check.status == 0 && check.output.contains("is fine: 3 enrichers, 1 exporter, 4 tests"), "\(check)")
        let outcome = try Fixtures.weir("test", "--config", folder)
        #expect(outcome.status == 0 && outcome.output.hasSuffix("4 cases: 4 passed, 0 failed\n"), "\(outcome)")
    }
}
