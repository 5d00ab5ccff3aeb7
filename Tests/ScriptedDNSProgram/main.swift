// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

// A DNS server for network namespaces that knows the names of 10.100.0.0/24, `host-N.pool.example`, and tells them late, or lies.
//
//   scripted-dns slow     every answer takes 50 to 650 ms, the same for the same address
//   scripted-dns lies     by the last number of the address, see `lies`
//
// Prints `ready PORT` when 127.0.0.1:PORT can be asked.

internal import Glibc
internal import ScriptedDNS

func say(_ line: String) {
    print(line)
    // Whoever waits for it is to see it at once.
    fflush(nil)
}

/// The last number of the address, and its name.
func host(_ question: ScriptedDNS.Question) -> (number: Int, name: String)? {
    guard question.name.hasSuffix(".0.100.10.in-addr.arpa"), let number = Int(question.name.prefix { $0 != "." }) else { return nil }
    return (number, "host-\(number).pool.example")
}

let nobody = DNSReply(code: 3)

func slow(_ question: ScriptedDNS.Question) -> [ScriptedDNS.Act] {
    guard let host = host(question) else { return [.reply(nobody, to: question)] }
    return [.wait(.milliseconds(50 + host.number * 307 % 601)), .reply(.names(host.name), to: question)]
}

func lies(_ question: ScriptedDNS.Question) -> [ScriptedDNS.Act] {
    guard let host = host(question) else { return [.reply(nobody, to: question)] }
    let truth = ScriptedDNS.Act.reply(.names(host.name), to: question)
    let liar = DNSReply.names("liar.example")
    switch host.number % 8 {
    case 0: return [truth]
    case 1:
        var bytes = liar.message(to: question.bytes)
        bytes[0] ^= 0xff
        return [.send(bytes), .wait(.milliseconds(20)), truth]
    case 2:
        let id = UInt16(question.bytes[0]) << 8 | UInt16(question.bytes[1])
        return [.send(liar.message(to: DNSReply.question("9.9.9.9.in-addr.arpa", id: id))), .wait(.milliseconds(20)), truth]
    // No host names.
    case 3: return [.reply(.names("liar liar.example", "\u{1b}[2Jliar.example", "10.77.0.1"), to: question)]
    // One that is.
    case 4: return [.reply(.names("liar\".example", host.name), to: question)]
    // A record of another address.
    case 5: return [.reply(DNSReply(answers: [.pointer("liar.example", name: "1.0.77.10.in-addr.arpa")]), to: question)]
    // 136 years, which RFC 2181 takes for none.
    case 6: return [.reply(.names(host.name, ttl: .max), to: question)]
    default: return [.send(Array(liar.message(to: question.bytes).dropLast(3)))]
    }
}

let scripts: [String: ScriptedDNS.Script] = ["slow": { slow($0) }, "lies": { lies($0) }]
guard let script = scripts[CommandLine.arguments.dropFirst().first ?? ""] else {
    say("usage: scripted-dns slow|lies")
    exit(1)
}
let server = try await ScriptedDNS(script)
say("ready \(server.port)")
while true { try await Task.sleep(for: .seconds(3600)) }
