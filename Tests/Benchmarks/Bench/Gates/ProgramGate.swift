// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

private import CKernelTests
private import Glibc
internal import WeirCapture

/// Instructions of each hook's program by plan: what the verifier walked through, and what is left of the program after it.
///
/// Both depend on the compiler and the kernel as well, so the tolerance is wide; what they guard is a loop or a branch that came in.
struct ProgramGate: Gate {
    let name = "programs"

    func measure() throws -> [Gauge] {
        guard geteuid() == 0 else { throw Skipped("needs root, to load eBPF") }
        let refusal = test_can_load()
        guard refusal == 0 else { throw Skipped("this machine does not let root load eBPF (errno \(refusal))", isForGood: true) }
        var gauges: [Gauge] = []
        for (plan, wanted) in Self.plans {
            for (source, programs) in [(CaptureSource.tc, Self.devices), (.cgroup, Self.sockets), (.socket, Self.packets)] {
                var wanted = wanted
                wanted.maxFlows = 1024
                let object = try FlowObject.load(wanted, source: source)
                for program in programs {
                    var verified: UInt32 = 0
                    var left: UInt32 = 0
                    // Both are written before the call returns.
                    let error = unsafe test_program_size(object.program(program), &verified, &left)
                    guard error == 0 else { throw Unreadable(description: "\(program): could not be asked for its size (errno \(error))") }
                    let figure = "programs.\(program.dropFirst("weir_".count)).\(plan)"
                    gauges.append(Gauge(figure: "\(figure).verified", value: Double(verified), unit: "instructions", tolerance: 50))
                    gauges.append(Gauge(figure: "\(figure).size", value: Double(left), unit: "instructions", tolerance: 10))
                }
            }
        }
        return gauges
    }

    private static let devices = ["weir_uplink_eth", "weir_uplink_raw", "weir_port_eth", "weir_port_raw", "weir_out_eth", "weir_out_raw"]
    private static let sockets = ["weir_socket_in", "weir_socket_out"]
    private static let packets = ["uplink_eth", "uplink_raw", "port_eth", "port_raw", "loopback_eth"].map { "weir_packet_\($0)" }

    private static var plans: [(name: String, plan: CapturePlan)] {
        var zones = CapturePlan()
        zones.ports = false
        zones.transport = false
        var byDefault = zones
        byDefault.owner = true
        var everything = CapturePlan()
        everything.owner = true
        everything.interface = true
        everything.initiator = true
        return [("zones", zones), ("default", byDefault), ("everything", everything)]
    }
}
