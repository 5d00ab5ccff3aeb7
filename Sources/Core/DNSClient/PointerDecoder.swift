// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Reads the answer to a PTR question out of the message that a server sent.
package enum PointerDecoder {
    /// A delegation of a part of an address block (RFC 2317) is one alias or two; more than these lead nowhere.
    private static let maxAliases = 8

    /// `question` is the name that was asked for, as `PointerName` makes it.
    package static func answer(in bytes: [UInt8], to question: String) -> PointerAnswer {
        let message = DNSMessage(bytes: bytes)
        guard bytes.count >= DNSMessage.headerBytes, bytes[2] & 0x80 != 0 else { return .failed(.malformed) }
        switch bytes[3] & 0x0f {
        case 0: return read(message, question, exists: true) ?? .failed(.malformed)
        case 3: return read(message, question, exists: false) ?? .failed(.malformed)
        case 4, 5: return .failed(.refused)
        default: return .failed(.servfail)
        }
    }

    private static func read(_ message: DNSMessage, _ question: String, exists: Bool) -> PointerAnswer? {
        var asked = DNSMessage.Name()
        for label in question.utf8.split(separator: UInt8(ascii: ".")) { guard asked.append(ArraySlice(label)) else { return nil } }
        guard message.number16(4) == 1, let (name, end) = message.name(at: DNSMessage.headerBytes), name == asked,
            message.number16(end) == DNSMessage.RecordType.pointer, message.number16(end + 2) == DNSMessage.internet,
            let answers = message.number16(6), let authorities = message.number16(8)
        else { return nil }

        var position = end + 4
        var found = Findings()
        for _ in 0..<answers {
            guard let (record, end) = message.record(at: position), found.take(record, of: message) else { return nil }
            position = end
        }
        if exists, let names = found.names(of: asked, maxAliases: maxAliases) { return names }
        for _ in 0..<authorities {
            guard let (record, end) = message.record(at: position) else { return nil }
            position = end
            guard record.type == DNSMessage.RecordType.soa, record.recordClass == DNSMessage.internet else { continue }
            guard let seconds = message.negativeTTL(in: record) else { return nil }
            return PointerAnswer.none(ttl: .seconds(Int64(seconds)))
        }
        return PointerAnswer.none(ttl: nil)
    }

    /// The answer section, sorted by what matters here.
    private struct Findings {
        /// The first alias of a name stands: it can have only one.
        private var aliases: [DNSMessage.Name: (target: DNSMessage.Name, ttl: UInt32)] = [:]
        private var pointers: [DNSMessage.Name: (targets: [DNSMessage.Name], ttl: UInt32)] = [:]

        /// False when a record that matters cannot be read.
        mutating func take(_ record: DNSMessage.Record, of message: DNSMessage) -> Bool {
            let isAlias = record.type == DNSMessage.RecordType.cname
            guard record.recordClass == DNSMessage.internet, isAlias || record.type == DNSMessage.RecordType.pointer else { return true }
            guard let target = message.name(in: record) else { return false }
            if isAlias {
                if aliases[record.name] == nil { aliases[record.name] = (target, record.ttl) }
            } else {
                let ttl = min(pointers[record.name]?.ttl ?? .max, record.ttl)
                pointers[record.name, default: ([], .max)].targets.append(target)
                pointers[record.name]?.ttl = ttl
            }
            return true
        }

        /// Follows the aliases; nil when they do not lead to a pointer. The shortest time on the way counts.
        func names(of asked: DNSMessage.Name, maxAliases: Int) -> PointerAnswer? {
            var name = asked
            var ttl = UInt32.max
            for _ in 0...maxAliases {
                if let found = pointers[name] {
                    let texts = found.targets.map { HostName.normalized($0.labels) }
                    return .names(
                        Set(texts.compactMap { $0 }).sorted(), refused: texts.count { $0 == nil }, ttl: .seconds(Int64(min(ttl, found.ttl))))
                }
                guard let alias = aliases[name] else { return nil }
                ttl = min(ttl, alias.ttl)
                name = alias.target
            }
            return nil
        }
    }
}
