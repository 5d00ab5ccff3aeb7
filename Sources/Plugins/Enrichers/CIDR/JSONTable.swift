// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PlainJSON

/// Rows from a JSON list of flat objects: `[{"cidr": "10.0.0.0/20", "zone": "eu-west-1a"}]`. Numbers and booleans
/// are taken as they are written, `null` says nothing.
enum JSONTable {
    static func add(_ source: SourceText, to builder: inout TableBuilder) {
        var reader = JSONReader(source.bytes, from: source.start)
        do {
            try reader.list(orSay: "expected '[': a table is a list of objects") { (reader) throws(JSONReader.Problem) in
                let place = Place.byte(reader.offset, source)
                var fields: [TableBuilder.Field] = []
                try reader.object(orSay: "expected '{': a row is an object such as {\"cidr\": \"10.0.0.0/20\"}") {
                    (reader, key) throws(JSONReader.Problem) in
                    let keyPlace = Place.byte(key.offset, source)
                    let value = try reader.value()
                    if fields.contains(where: { $0.key == key.text }) { return builder.note("'\(key.text)' stands here twice", at: keyPlace) }
                    fields.append(
                        TableBuilder.Field(key: key.text, value: value.text, keyPlace: keyPlace, valuePlace: .byte(value.offset, source)))
                }
                builder.add(fields, at: place)
                return !builder.isFull
            }
        } catch {
            builder.note(error.message, at: .byte(error.offset, source))
        }
    }
}
