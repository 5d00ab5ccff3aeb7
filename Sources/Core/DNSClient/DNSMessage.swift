// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// The bytes of a DNS message (RFC 1035, 4.1), read with bounds. Names are in lower case.
///
/// ```
/// 0        2     4        6        8        10       12
/// id       flags questions answers  authority additional   then the records
/// ```
struct DNSMessage {
    enum RecordType {
        static let cname: UInt16 = 5
        static let soa: UInt16 = 6
        static let pointer: UInt16 = 12
    }

    /// The class that is the Internet's.
    static let internet: UInt16 = 1
    static let headerBytes = 12

    /// A name: its labels, each behind its length, without the root. Equal names have equal bytes.
    struct Name: Hashable {
        /// The root counts one more.
        static let maxBytes = 254
        /// A name has no more labels than these, and a pointer between two of them is all that can be needed.
        static let maxPointers = 127
        private(set) var bytes: [UInt8] = []

        /// False when it would be too long.
        mutating func append(_ label: ArraySlice<UInt8>) -> Bool {
            guard bytes.count + 1 + label.count <= Self.maxBytes else { return false }
            bytes.append(UInt8(label.count))
            for byte in label { bytes.append((UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte) }
            return true
        }

        var labels: [ArraySlice<UInt8>] {
            var labels: [ArraySlice<UInt8>] = []
            var start = 0
            while start < bytes.count {
                let end = start + 1 + Int(bytes[start])
                labels.append(bytes[start + 1..<end])
                start = end
            }
            return labels
        }
    }

    /// The fixed part of a record, and where its data lies.
    struct Record {
        var name: Name
        var type: UInt16
        var recordClass: UInt16
        /// Seconds; as RFC 2181, 8 has it, a value of 2^31 or more is none.
        var ttl: UInt32
        var data: Range<Int>
    }

    let bytes: [UInt8]

    func number16(_ offset: Int) -> UInt16? {
        guard offset >= 0, offset + 2 <= bytes.count else { return nil }
        return UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
    }

    func number32(_ offset: Int) -> UInt32? {
        guard let high = number16(offset), let low = number16(offset + 2) else { return nil }
        return UInt32(high) << 16 | UInt32(low)
    }

    /// The name at `offset` and where it ends; nil when it does not stay within the message or the limits of names.
    func name(at offset: Int) -> (name: Name, end: Int)? {
        var name = Name()
        var position = offset
        var end: Int?
        // A pointer leads to before the part it stands in, so each is nearer to the start than the last: no circles. The header is no name.
        var limit = offset
        var pointers = 0
        while true {
            guard position < bytes.count else { return nil }
            let length = Int(bytes[position])
            switch length >> 6 {
            case 0:
                if length == 0 { return (name, end ?? position + 1) }
                guard position + 1 + length <= bytes.count, name.append(bytes[position + 1..<position + 1 + length]) else { return nil }
                position += 1 + length
            case 3:
                pointers += 1
                guard pointers <= Name.maxPointers, let pointer = number16(position), case let target = Int(pointer & 0x3fff), target < limit,
                    target >= Self.headerBytes
                else { return nil }
                end = end ?? position + 2
                limit = target
                position = target
            default: return nil
            }
        }
    }

    /// The record at `offset` and where it ends.
    func record(at offset: Int) -> (record: Record, end: Int)? {
        guard let (name, start) = name(at: offset), let type = number16(start), let recordClass = number16(start + 2),
            let ttl = number32(start + 4), let length = number16(start + 8), start + 10 + Int(length) <= bytes.count
        else { return nil }
        let data = start + 10..<start + 10 + Int(length)
        return (Record(name: name, type: type, recordClass: recordClass, ttl: ttl >> 31 == 0 ? ttl : 0, data: data), data.upperBound)
    }

    /// The name that is all of a record's data.
    func name(in record: Record) -> Name? {
        guard let (name, end) = name(at: record.data.lowerBound), end == record.data.upperBound else { return nil }
        return name
    }

    /// For how many seconds a name that does not exist will not exist (RFC 2308, 5): what the SOA record says, or its own time.
    func negativeTTL(in record: Record) -> UInt32? {
        guard let (_, mailbox) = name(at: record.data.lowerBound), let (_, numbers) = name(at: mailbox), numbers + 20 == record.data.upperBound,
            let minimum = number32(numbers + 16)
        else { return nil }
        return min(record.ttl, minimum >> 31 == 0 ? minimum : 0)
    }
}
