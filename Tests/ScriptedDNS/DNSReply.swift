// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// DNS messages made by hand, right or wrong.
package struct DNSReply: Sendable {
    /// One record of a section; `name` nil means the name that was asked for.
    package struct Record: Sendable {
        package var name: String?
        package var type: UInt16
        package var recordClass: UInt16 = 1
        package var ttl: UInt32
        package var data: [UInt8]

        package init(name: String? = nil, type: UInt16, ttl: UInt32, data: [UInt8]) {
            self.name = name
            self.type = type
            self.ttl = ttl
            self.data = data
        }

        package static func pointer(_ target: String, ttl: UInt32 = 600, name: String? = nil) -> Record {
            Record(name: name, type: 12, ttl: ttl, data: DNSReply.wire(target))
        }

        package static func alias(_ target: String, ttl: UInt32 = 600, name: String? = nil) -> Record {
            Record(name: name, type: 5, ttl: ttl, data: DNSReply.wire(target))
        }

        /// A zone's own record, whose last number is how long "no such name" holds.
        package static func authority(ttl: UInt32, minimum: UInt32, name: String = "in-addr.arpa") -> Record {
            let numbers: [UInt32] = [2024, 7200, 3600, 1_209_600, minimum]
            return Record(
                name: name, type: 6, ttl: ttl, data: DNSReply.wire("ns.example") + DNSReply.wire("admin.example") + numbers.flatMap { $0.wire })
        }
    }

    package var code: UInt8 = 0
    package var isTruncated = false
    package var answers: [Record] = []
    package var authorities: [Record] = []

    package init(code: UInt8 = 0, isTruncated: Bool = false, answers: [Record] = [], authorities: [Record] = []) {
        self.code = code
        self.isTruncated = isTruncated
        self.answers = answers
        self.authorities = authorities
    }

    package static func names(_ names: String..., ttl: UInt32 = 600) -> DNSReply { DNSReply(answers: names.map { .pointer($0, ttl: ttl) }) }

    /// The message that answers `question`, which is one as it came.
    package func message(to question: [UInt8]) -> [UInt8] {
        var bytes = Array(question[0..<2])
        bytes += [0x81 | (isTruncated ? 0x02 : 0), 0x80 | code]
        bytes += [0, 1] + UInt16(answers.count).wire + UInt16(authorities.count).wire + [0, 0]
        bytes += question[12...]
        for record in answers + authorities {
            // A pointer to the question's name, as every server writes it.
            bytes += record.name.map(Self.wire) ?? [0xc0, 12]
            bytes += record.type.wire + record.recordClass.wire + record.ttl.wire + UInt16(record.data.count).wire + record.data
        }
        return bytes
    }

    /// A name as labels: `a.b` is 1 a 1 b 0.
    package static func wire(_ name: String) -> [UInt8] {
        name.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
    }

    /// A PTR question as a client would send it.
    package static func question(_ name: String, id: UInt16 = 7) -> [UInt8] {
        id.wire + [1, 0, 0, 1, 0, 0, 0, 0, 0, 0] + wire(name) + [0, 12, 0, 1]
    }
}

extension FixedWidthInteger {
    /// In network order.
    fileprivate var wire: [UInt8] { (0..<Self.bitWidth / 8).reversed().map { UInt8(truncatingIfNeeded: self >> ($0 * 8)) } }
}
