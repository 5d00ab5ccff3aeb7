// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// A table while its rows are being checked, wherever they come from.
struct TableBuilder {
    static let maxRows = 1_000_000
    static let maxAttributes = 64
    static let maxValueBytes = 256
    /// A file of the wrong kind has a problem in every row; the first say enough.
    static let maxProblems = 20

    /// One cell and where it stood.
    struct Field {
        var key: String
        var value: String
        var keyPlace: Place
        var valuePlace: Place
    }

    private(set) var table = AttributeTable()
    private(set) var isFull = false
    private let problems: ConfigProblems
    private var places: [Place] = []
    private var problemCount = 0
    private var attributes: [String: Attribute] = [:]

    init(_ problems: ConfigProblems) { self.problems = problems }

    mutating func note(_ message: String, at place: Place, _ kind: ConfigProblem.Kind = .badTable) {
        guard !isFull else { return }
        problemCount += 1
        isFull = problemCount == Self.maxProblems
        problems.note(kind, isFull ? message + " (problems behind this one are not shown)" : message, at: place.position)
    }

    /// Checks a row and adds it; `place` is where it begins. An empty value says nothing.
    mutating func add(_ fields: [Field], at place: Place) {
        var cidr: CIDR?
        var cidrPlace: Place?
        var values: [(attribute: Attribute, text: String)] = []
        for field in fields {
            if field.key == "cidr" {
                cidrPlace = field.valuePlace
                cidr = range(field)
            } else if let attribute = attribute(field.key, at: field.keyPlace), !field.value.isEmpty, isGood(field, attribute) {
                if values.contains(where: { $0.attribute == attribute }) {
                    note(Self.twice(attribute.name), at: field.keyPlace)
                } else {
                    values.append((attribute, field.value))
                }
            }
        }
        guard let cidrPlace else { return note("the row has no 'cidr'", at: place) }
        guard let cidr else { return }
        guard table.count < Self.maxRows else {
            isFull = true
            return problems.note(.badTable, "more than \(Self.maxRows) rows", at: place.position)
        }
        if let twin = table.add(cidr, values) { note("\(cidr) stands twice; the first is at \(places[twin].position)", at: cidrPlace) }
        places.append(cidrPlace)
        if table.attributes.count > Self.maxAttributes {
            isFull = true
            problems.note(.badTable, "more than \(Self.maxAttributes) different attributes", at: place.position)
        }
    }

    /// The attribute that a key or a column's head names; nil, with a problem noted, when it names none.
    mutating func attribute(_ key: String, at place: Place) -> Attribute? {
        if let known = attributes[key] { return known }
        switch UserAttribute.named(key, of: "a table", "From a table of address ranges.") {
        case .success(let attribute):
            // Only the user's own: a built-in is the same attribute however it is written.
            if let twin = attributes.values.first(where: { $0 != attribute && UserAttribute.normal($0.name) == UserAttribute.normal(key) }) {
                note("'\(key)' is '\(twin.name)' to metrics and filters, where '_' and '.' are one: write it one way", at: place)
                return nil
            }
            attributes[key] = attribute
            return attribute
        case .failure(let problem):
            note(problem.message, at: place)
            return nil
        }
    }

    /// What to say of a row that has a name two times, `_` and `.` being one.
    static func twice(_ name: String) -> String { "'\(name)' stands here twice; '_' and '.' make no difference in a name" }

    private mutating func range(_ field: Field) -> CIDR? {
        if let cidr = CIDR(field.value) { return cidr }
        let parts = field.value.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count == 2, let address = IPAddress(parts[0]), let length = Int(parts[1]), let meant = CIDR(address, prefixLength: length) {
            note("'\(field.value)' has bits set behind its prefix; did you mean '\(meant)'?", at: field.valuePlace)
        } else {
            note("'\(field.value)' is not \(CIDR.example)", at: field.valuePlace)
        }
        return nil
    }

    private mutating func isGood(_ field: Field, _ attribute: Attribute) -> Bool {
        if field.value.utf8.count > Self.maxValueBytes {
            note("a value has at most \(Self.maxValueBytes) bytes, this one \(field.value.utf8.count)", at: field.valuePlace)
        } else if field.value.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
            note("a value holds no control characters", at: field.valuePlace)
        } else if attribute == .scopeClaim, !["private", "cloud_service"].contains(field.value) {
            note("'\(field.value)' is not one of private, cloud_service, which is what a table may say of 'scope'", at: field.valuePlace)
        } else {
            return true
        }
        return false
    }
}
