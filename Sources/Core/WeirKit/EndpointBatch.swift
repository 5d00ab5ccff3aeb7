// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// What an enricher says of one attribute of one endpoint.
public enum Answer: Sendable, Equatable {
    /// A value. At most 256 bytes are kept, control characters are dropped.
    case text(String)
    /// A value for want of a better one: it stands until a later stage answers with a text, and the first of several stands.
    case fallback(String)
    /// This stage does not know and is not finding out; the next stage may.
    case absent
    /// `run()` is finding out and will call `invalidate`. Flows may wait for it once, for `pipeline.hold`.
    case pending
}

/// Endpoints that are new or whose knowledge changed, waiting for the enrichers' answers.
///
/// Each enricher in turn sees the same rows. An answered text stands; what a stage leaves open the next may answer.
public struct EndpointBatch: ~Copyable {
    /// When the answers must hold, in seconds since 1970: the end of the window whose flows are being named.
    public package(set) var time: Double = 0
    package var addresses: [IPAddress] = []
    package var owners: [UInt64] = []
    package var locals: [Bool] = []
    /// The attributes that the plan wants, each a column of `cells`.
    package let columns: [Attribute]
    /// Row-major: `row * columns.count + column`.
    package var cells: [Cell] = []
    /// The number of the stage now answering, from 1; set by the pipeline.
    package var stage: UInt8 = 1
    private let columnOf: [Attribute: Int]

    /// One attribute of one endpoint as far as it is known.
    package struct Cell: Sendable, Equatable {
        package var text: String?
        /// Which stage answered; 0 for nobody.
        package var stage: UInt8 = 0
        /// A later stage may put its text in this one's place.
        package var isFallback = false
        /// A stage of more trust than the one that answered is still finding out.
        package var isPending = false
    }

    package init(columns: [Attribute]) {
        self.columns = columns
        columnOf = Dictionary(uniqueKeysWithValues: columns.enumerated().map { ($1, $0) })
    }

    public var rows: Range<Int> { addresses.indices }

    public func address(_ row: Int) -> IPAddress { addresses[row] }

    /// The cgroup id of the local socket, or 0 where the capture knows none.
    public func owner(_ row: Int) -> UInt64 { owners[row] }

    /// Whether the address belongs to this host's own interfaces.
    public func isLocal(_ row: Int) -> Bool { locals[row] }

    /// What earlier stages answered; nil for attributes that are absent or that the plan does not want.
    public subscript(attribute: Attribute, row: Int) -> String? {
        guard let column = columnOf[attribute] else { return nil }
        return cells[row * columns.count + column].text
    }

    /// Whether the plan wants `attribute`; a stage may skip work for what it does not.
    public func wants(_ attribute: Attribute) -> Bool { columnOf[attribute] != nil }

    /// Notes this stage's answer, unless a stage of more trust has given a text. A fallback is no such text.
    public mutating func answer(_ attribute: Attribute, _ row: Int, _ answer: Answer) {
        guard let column = columnOf[attribute] else { return }
        let cell = row * columns.count + column
        guard cells[cell].text == nil || cells[cell].isFallback else { return }
        switch answer {
        case .text(let text): fill(cell, text, isFallback: false)
        case .fallback(let text): if cells[cell].text == nil { fill(cell, text, isFallback: true) }
        case .absent: break
        case .pending: cells[cell].isPending = true
        }
    }

    private mutating func fill(_ cell: Int, _ text: String, isFallback: Bool) {
        // The empty text is how absence is stored and shown.
        let kept = text.cleaned
        guard !kept.isEmpty else { return }
        cells[cell].text = kept
        cells[cell].stage = stage
        cells[cell].isFallback = isFallback
    }

    package mutating func append(_ address: IPAddress, owner: UInt64, isLocal: Bool) {
        addresses.append(address)
        owners.append(owner)
        locals.append(isLocal)
        for _ in columns { cells.append(Cell()) }
    }

    package mutating func removeAll() {
        addresses.removeAll(keepingCapacity: true)
        owners.removeAll(keepingCapacity: true)
        locals.removeAll(keepingCapacity: true)
        cells.removeAll(keepingCapacity: true)
        stage = 1
    }
}

extension String {
    /// Bytes of UTF-8 of the longest value that is kept.
    package static let longestValue = 256

    /// A value as it may be stored: at most 256 bytes of UTF-8, no control characters. Most texts pass untouched.
    package var cleaned: String {
        func isControl(_ scalar: Unicode.Scalar) -> Bool { scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) }
        if utf8.count <= Self.longestValue, !unicodeScalars.contains(where: isControl) { return self }
        var kept = String.UnicodeScalarView()
        var bytes = 0
        for scalar in unicodeScalars where !isControl(scalar) {
            bytes += scalar.utf8.count
            if bytes > Self.longestValue { break }
            kept.append(scalar)
        }
        return String(kept)
    }
}
