// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import Synchronization

/// Says each kind of trouble at most once a minute, and how often it was kept quiet.
final class Talk: Sendable {
    enum Kind: Hashable { case failure, partial, lost }

    private static let pause = Duration.seconds(60)
    private let log: Logger
    private let said = Mutex<[Kind: (last: ContinuousClock.Instant, unsaid: Int)]>([:])

    init(_ log: Logger) { self.log = log }

    func warn(_ kind: Kind, _ message: Logger.Message, _ metadata: Logger.Metadata) {
        let now = ContinuousClock.now
        let unsaid: Int? = said.withLock { said in
            if let before = said[kind], now - before.last < Self.pause {
                said[kind] = (before.last, before.unsaid + 1)
                return nil
            }
            defer { said[kind] = (now, 0) }
            return said[kind]?.unsaid ?? 0
        }
        guard let unsaid else { return }
        log.warning(message, metadata: metadata.merging(["unsaid": "\(unsaid)"]) { $1 })
    }
}
