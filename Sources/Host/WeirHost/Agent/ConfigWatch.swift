// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// `reload: watch`: looks at the configuration's files once a second.
final class ConfigWatch: Sendable {
    private static let pause = Duration.seconds(1)

    private struct State {
        var isOn = false
        var referenced: [String] = []
        var tracker: ChangeTracker?

        mutating func settle(_ seen: WatchedFiles) {
            let seen = seen.referencing(referenced)
            if tracker == nil { tracker = ChangeTracker(seen) } else { tracker?.settle(seen) }
        }
    }

    private let path: String?
    private let state = Mutex(State())
    private let turnedOn: AsyncStream<Void>
    private let turnOn: AsyncStream<Void>.Continuation

    init(_ path: String?) {
        self.path = path
        (turnedOn, turnOn) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// How the files are now.
    func look() -> WatchedFiles { WatchedFiles(at: path, referenced: state.withLock { $0.referenced }) }

    /// This configuration runs; its files were like this before they were read.
    func follow(_ configuration: Configuration, _ seen: WatchedFiles) {
        let isOn = state.withLock { state in
            state.isOn = configuration.reload == .watch
            state.referenced = configuration.referencedFiles
            state.settle(seen)
            return state.isOn
        }
        if isOn { turnOn.yield() }
    }

    /// The files were read like this, and refused: not again until they change.
    func refuse(_ seen: WatchedFiles) { state.withLock { $0.settle(seen) } }

    /// Calls `changed` for each change, until it is cancelled.
    func run(_ changed: () -> Void) async {
        while !Task.isCancelled {
            guard state.withLock({ $0.isOn }) else {
                for await _ in turnedOn { break }
                continue
            }
            guard (try? await Task.sleep(for: Self.pause)) != nil else { return }
            let look = look()
            if state.withLock({ $0.isOn && $0.tracker?.take(look, at: .now) == true }) { changed() }
        }
    }
}
