// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Hands the pieces of a body from the task that makes them to the one that sends them, one at a time: a slow reader
/// slows the maker down, and a `/metrics` of any size costs one piece of memory.
final class BodyPipe: Sendable {
    private enum State {
        case empty
        /// A piece, and its maker, who waits until it is taken.
        case full([UInt8], CheckedContinuation<Bool, Never>)
        case reading(CheckedContinuation<[UInt8]?, Never>)
        case closed
    }
    private let state = Mutex(State.empty)

    struct Closed: Error {}

    /// Waits until the piece is taken; throws when nobody reads any more.
    func write(_ piece: [UInt8]) async throws {
        let isTaken = await withCheckedContinuation { (maker: CheckedContinuation<Bool, Never>) in
            // Nil: the piece waits, and whoever takes it resumes the maker.
            let outcome: (reader: CheckedContinuation<[UInt8]?, Never>?, isTaken: Bool)? = state.withLock { state in
                switch state {
                case .empty:
                    state = .full(piece, maker)
                    return nil
                case .reading(let reader):
                    state = .empty
                    return (reader, true)
                case .closed: return (nil, false)
                case .full: preconditionFailure("a body has one maker")
                }
            }
            guard let outcome else { return }
            outcome.reader?.resume(returning: piece)
            maker.resume(returning: outcome.isTaken)
        }
        if !isTaken { throw Closed() }
    }

    /// The next piece; nil after `close()`.
    func next() async -> [UInt8]? {
        await withCheckedContinuation { reader in
            let found: (piece: [UInt8]?, maker: CheckedContinuation<Bool, Never>?)? = state.withLock { state in
                switch state {
                case .empty:
                    state = .reading(reader)
                    return nil
                case .full(let piece, let maker):
                    state = .empty
                    return (piece, maker)
                case .closed: return (nil, nil)
                case .reading: preconditionFailure("a body has one reader")
                }
            }
            guard let found else { return }
            found.maker?.resume(returning: true)
            reader.resume(returning: found.piece)
        }
    }

    /// Ends both sides.
    func close() {
        let before = state.withLock { state in
            defer { state = .closed }
            return state
        }
        switch before {
        case .full(_, let maker): maker.resume(returning: false)
        case .reading(let reader): reader.resume(returning: nil)
        case .empty, .closed: break
        }
    }
}
