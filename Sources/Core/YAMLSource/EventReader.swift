// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CLibYAML
internal import WeirKit

/// libyaml's parser over bytes that it owns, as a sequence of plain events.
// Safe, because no pointer leaves: events are copies.
@safe struct EventReader: ~Copyable {
    struct Event {
        enum Kind { case streamEnd, documentStart, scalar, listStart, listEnd, mappingStart, mappingEnd, alias, other }

        var kind: Kind
        var line: Int
        var column: Int
        /// Of a scalar.
        var text = ""
        var isPlain = false
        var hasAnchor = false
        var hasTag = false
        var hasDirective = false
    }

    /// What libyaml says when it cannot go on.
    struct Failure: Error {
        enum Place {
            case mark(line: Int, column: Int)
            case byte(Int)
        }

        var problem: String
        /// What libyaml was doing, and where that began.
        var context: String?
        var contextLine: Int
        var contextColumn: Int
        var place: Place
    }

    private let lines: LineStarts
    private let bytes: UnsafeMutableBufferPointer<UInt8>
    private let parser: OpaquePointer

    init(_ source: [UInt8]) {
        lines = LineStarts(source)
        // libyaml keeps the address of its input, so the input must not move: a copy, freed with the parser.
        unsafe bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(source.count, 1))
        _ = unsafe bytes.initialize(from: source)
        guard let made = unsafe CLibYAML_open(bytes.baseAddress, source.count) else { fatalError("out of memory for the YAML parser") }
        unsafe parser = made
    }

    deinit {
        unsafe CLibYAML_close(parser)
        unsafe bytes.deallocate()
    }

    mutating func next() throws(Failure) -> Event {
        // The event's pointers live until the next call; all they point to is copied here.
        let raw = unsafe CLibYAML_next(parser)
        let kind: Event.Kind
        switch unsafe raw.kind {
        case CLibYAML_error: throw unsafe failure(raw)
        case CLibYAML_stream_end: kind = .streamEnd
        case CLibYAML_document_start: kind = .documentStart
        case CLibYAML_scalar: kind = .scalar
        case CLibYAML_sequence_start: kind = .listStart
        case CLibYAML_sequence_end: kind = .listEnd
        case CLibYAML_mapping_start: kind = .mappingStart
        case CLibYAML_mapping_end: kind = .mappingEnd
        case CLibYAML_alias: kind = .alias
        default: kind = .other
        }
        let (line, column) = unsafe lines.place(of: Int(raw.start))
        var event = Event(kind: kind, line: line, column: column)
        if kind == .scalar {
            event.text = unsafe String(decoding: UnsafeBufferPointer(start: raw.text, count: raw.length), as: UTF8.self)
        }
        unsafe (event.isPlain, event.hasAnchor, event.hasTag, event.hasDirective) = (raw.is_plain, raw.has_anchor, raw.has_tag, raw.has_directive)
        return event
    }

    private func failure(_ raw: CLibYAML_Event) -> Failure {
        let (line, column) = unsafe lines.place(of: Int(raw.start))
        let began = unsafe raw.context == nil ? (line: 0, column: 0) : lines.place(of: Int(raw.context_start))
        // Both texts are literals inside libyaml.
        return unsafe Failure(
            problem: raw.problem.map { unsafe String(cString: $0) } ?? "cannot be read",
            context: raw.context.map { unsafe String(cString: $0) },
            contextLine: began.line, contextColumn: began.column,
            place: raw.is_byte_error ? .byte(Int(raw.offset)) : .mark(line: line, column: column))
    }
}
