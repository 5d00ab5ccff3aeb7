// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FakeMetadata
internal import Glibc
internal import ScriptedServer

/// A line at once, whoever reads it.
func say(_ line: String, to descriptor: Int32) {
    let text = line + "\n"
    // The text lives during the call.
    _ = unsafe write(descriptor, text, text.utf8.count)
}

/// Says why it cannot go on, and leaves as for a user's mistake.
func refuse(_ sentence: String) -> Never {
    say("fake-metadata: \(sentence)", to: 2)
    exit(1)
}

var arguments = CommandLine.arguments.dropFirst()
guard let cloud = arguments.popFirst(), var fake = FakeMetadata(cloud) else {
    refuse("usage: fake-metadata CLOUD [--listen ADDRESS:PORT] [--fault FAULT] [KEY=VALUE…]; clouds: \(FakeMetadata.clouds.joined(separator: ", "))")
}
var place = ScriptedServer.Place.tcp("169.254.169.254", port: 80)
while let argument = arguments.popFirst() {
    switch argument {
    case "--listen":
        let text = arguments.popFirst() ?? ""
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            refuse("'\(text)' is not an ADDRESS:PORT")
        }
        place = .tcp(String(text[..<colon]), port: port)
    case "--fault":
        let text = arguments.popFirst() ?? ""
        guard let fault = FakeMetadata.Fault(rawValue: text) else {
            refuse("'\(text)' is not one of \(FakeMetadata.Fault.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        fake.fault = fault
    default:
        let halves = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count == 2 else { refuse("'\(argument)' is not KEY=VALUE") }
        fake.values[String(halves[0])] = halves[1].isEmpty ? nil : String(halves[1])
    }
}
do {
    let server = try ScriptedServer(on: place, fake.handler)
    say("ready \(server.url)", to: 1)
    server.serve()
} catch { refuse("could not listen: \(error)") }
