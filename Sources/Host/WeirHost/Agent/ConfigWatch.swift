// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// `reload: watch`: looks at the configuration's files once a second.
final class ConfigWatch: Sendable {
    private static let pause = Duration.seconds(1)

    private struct State {
        var isOn = false
        /// Named by the configuration that runs.
        var referenced: [String] = []
        /// Named by one that was read since, and that does not run.
        var tried: [String] = []
        var tracker: ChangeTracker?

        var all: [String] { referenced + tried }

        mutating func settle(_ seen: WatchedFiles) -> WatchedFiles {
            let seen = seen.referencing(all)
            if tracker == nil { tracker = ChangeTracker(seen) } else { tracker?.settle(seen) }
            return seen
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
    func look() -> WatchedFiles { WatchedFiles(at: path, referenced: state.withLock { $0.all }) }

    /// This configuration runs; its files were like this before they were read.
    func follow(_ configuration: Configuration, _ seen: WatchedFiles) {
        let isOn = state.withLock { state in
            state.isOn = configuration.reload == .watch
            (state.referenced, state.tried) = (configuration.referencedFiles, [])
            _ = state.settle(seen)
            return state.isOn
        }
        if isOn { turnOn.yield() }
    }

    /// The files are read like this: not again until they change.
    func reading(_ seen: WatchedFiles) { state.withLock { _ = $0.settle(seen) } }

    /// They were read, and name these: until another configuration runs, a change of one of them is a reason to read again. Gives back how all
    /// of them were, those that were not looked at before as they are now.
    @discardableResult
    func tried(_ paths: some Collection<String>, _ seen: WatchedFiles) -> WatchedFiles {
        state.withLock { state in
            state.tried = Array(paths)
            return state.settle(seen)
        }
    }

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
