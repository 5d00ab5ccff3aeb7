// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import ByteOutput
internal import Glibc
internal import JSONLinesExporter
internal import Synchronization
internal import WeirTesting

extension FileCalls {
    /// A disk that takes so many bytes and is full then: once, or for good. What happens meanwhile, `meanwhile` does.
    static func failing(afterBytes limit: Int, recovers: Bool = true, meanwhile: @escaping @Sendable () -> Void = {}) -> FileCalls {
        final class Disk: Sendable {
            let room: Mutex<Int?>
            init(_ room: Int) { self.room = Mutex(room) }
        }
        let disk = Disk(limit)
        var calls = FileCalls.system
        calls.write = { file, bytes, from throws(FileError) in
            guard let room = disk.room.withLock({ $0 }) else { return try FileCalls.system.write(file, bytes, from) }
            if room == 0 {
                if recovers { disk.room.withLock { $0 = nil } }
                meanwhile()
                throw .refused(OutputError(code: ENOSPC))
            }
            let count = try FileCalls.system.write(file, Array(bytes[..<min(bytes.count, from + room)]), from)
            disk.room.withLock { $0 = room - count }
            return count
        }
        return calls
    }

    /// A disk where everything fails by chance, and a clock that somebody sets; no try waits.
    static func chaotic(_ random: Chance) -> FileCalls {
        var calls = FileCalls.system
        calls.sleep = { _ in await Task.yield() }
        calls.write = { file, bytes, from throws(FileError) in
            if random.isHit(4) { throw .refused(OutputError(code: [ENOSPC, EIO, EROFS, EDQUOT].randomElement(using: random))) }
            guard random.isHit(2) else { return try FileCalls.system.write(file, bytes, from) }
            return try FileCalls.system.write(file, Array(bytes[..<(from + 1 + random.number(below: bytes.count - from))]), from)
        }
        calls.open = { path throws(FileError) in
            if random.isHit(4) { throw .refused(OutputError(code: [ENOSPC, EACCES, EROFS, EMFILE].randomElement(using: random))) }
            return try FileCalls.system.open(path)
        }
        calls.rename = { path, target throws(FileError) in
            if random.isHit(4) { throw .refused(OutputError(code: EACCES)) }
            try FileCalls.system.rename(path, target)
        }
        calls.names = { folder throws(FileError) in
            if random.isHit(6) { throw .refused(OutputError(code: EMFILE)) }
            return try FileCalls.system.names(folder)
        }
        return calls
    }
}

/// Chance that several tasks share; the seed decides all of it.
final class Chance: Sendable {
    private let generator: Mutex<SplitMix64>
    init(_ seed: UInt64) { generator = Mutex(SplitMix64(seed: seed)) }

    func number(below limit: Int) -> Int { generator.withLock { Int.random(in: 0..<limit, using: &$0) } }
    /// Once in so many times.
    func isHit(_ times: Int) -> Bool { number(below: times) == 0 }
}

extension [Int32] {
    fileprivate func randomElement(using chance: Chance) -> Int32 { self[chance.number(below: count)] }
}

extension TemporaryFolder {
    /// As `logrotate` with `copytruncate` does.
    static func empty(_ path: String) {
        // The text lives as long as the call; so below.
        _ = unsafe truncate(path, 0)
    }

    static func append(_ text: String, to path: String) {
        let file = unsafe open(path, O_WRONLY | O_APPEND)
        _ = try? ByteOutput.write(Array(text.utf8), from: 0, to: file, isRegular: true)
        close(file)
    }
}
