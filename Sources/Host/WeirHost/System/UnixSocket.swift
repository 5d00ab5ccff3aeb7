// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// Sockets in the file system, and waiting for them. Every pointer lives on this stack or in an array that nobody else touches during the call.
package enum UnixSocket {
    /// Bytes of the longest path.
    static let longestPath = MemoryLayout<sockaddr_un>.size - MemoryLayout<sa_family_t>.size - 1
    /// Whoever comes beyond is told to come again.
    private static let backlog: Int32 = 16

    /// A new socket, which waits for nobody and which other programs do not inherit.
    private static func make() throws(SystemError) -> Int32 {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_UNIX, kind, 0)
        guard descriptor >= 0 else { throw .last }
        return descriptor
    }

    /// Calls `body` with the address that `path` is.
    private static func with(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) throws(SystemError) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        // Zeros stay behind the path.
        guard bytes.count <= longestPath else { throw SystemError(code: ENAMETOOLONG) }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        return unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
    }

    /// A socket that stands at `path` and that nobody can connect to before `listen`.
    static func bound(to path: String) throws(SystemError) -> Int32 {
        let descriptor = try make()
        guard unsafe try with(path, { unsafe bind(descriptor, $0, $1) }) == 0 else {
            let error = SystemError.last
            Glibc.close(descriptor)
            throw error
        }
        return descriptor
    }

    static func listen(_ descriptor: Int32) throws(SystemError) {
        guard Glibc.listen(descriptor, backlog) == 0 else { throw .last }
    }

    /// A socket whose other end is who listens at `path`. Where the queue there is full the error is `EAGAIN`.
    package static func connect(to path: String) throws(SystemError) -> Int32 {
        let descriptor = try make()
        guard unsafe try with(path, { unsafe Glibc.connect(descriptor, $0, $1) }) == 0 else {
            let error = SystemError.last
            Glibc.close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Nil when nobody waits.
    package static func accept(_ listener: Int32) throws(SystemError) -> Int32? {
        let descriptor = Glibc.accept(listener, nil, nil)
        guard descriptor >= 0 else {
            if [EAGAIN, EINTR, ECONNABORTED].contains(errno) { return nil }
            throw .last
        }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        return descriptor
    }

    /// At most `count` bytes; none at the end; nil when nothing is there yet.
    package static func read(_ descriptor: Int32, upTo count: Int) throws(SystemError) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        let found = unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
        guard found >= 0 else {
            if errno == EAGAIN || errno == EINTR { return nil }
            throw .last
        }
        bytes.removeLast(count - found)
        return bytes
    }

    /// How many of the bytes from `start` on were taken; 0 when the reader must take something first.
    package static func write(_ bytes: [UInt8], from start: Int, to descriptor: Int32) throws(SystemError) -> Int {
        let count = bytes.count - start
        let written = unsafe bytes.withUnsafeBytes {
            unsafe send(descriptor, $0.baseAddress! + start, count, Int32(MSG_NOSIGNAL))
        }
        guard written >= 0 else {
            if errno == EAGAIN || errno == EINTR { return 0 }
            throw .last
        }
        return written
    }

    package static func close(_ descriptor: Int32) { _ = Glibc.close(descriptor) }

    /// What one waits for, and what came.
    struct Watch {
        let descriptor: Int32
        let reads: Bool
        let writes: Bool
        /// Something to read, or the end.
        fileprivate(set) var isReadable = false
        fileprivate(set) var isWritable = false
        /// Both ways are closed.
        fileprivate(set) var isGone = false

        init(_ descriptor: Int32, reads: Bool = true, writes: Bool = false) {
            self.descriptor = descriptor
            self.reads = reads
            self.writes = writes
        }
    }

    /// Waits until something happens at one of them, or for so long; nil waits for ever.
    static func wait(for watches: inout [Watch], milliseconds: Int32?) {
        var asked = watches.map { pollfd(fd: $0.descriptor, events: Int16(($0.reads ? POLLIN : 0) | ($0.writes ? POLLOUT : 0)), revents: 0) }
        let count = nfds_t(asked.count)
        guard unsafe poll(&asked, count, milliseconds ?? -1) > 0 else { return }
        for index in watches.indices {
            let found = Int32(asked[index].revents)
            watches[index].isReadable = found & POLLIN != 0
            watches[index].isWritable = found & POLLOUT != 0
            watches[index].isGone = found & (POLLHUP | POLLERR | POLLNVAL) != 0
        }
    }
}

/// Wakes a thread that waits for descriptors: a pipe to itself.
final class Bell: Sendable {
    /// Readable after `ring`.
    let descriptor: Int32
    private let other: Int32
    private let isRung = Atomic<Bool>(false)

    init() throws(SystemError) {
        var ends: [Int32] = [0, 0]
        // The kernel fills both numbers of the array, which outlives the call.
        guard unsafe pipe(&ends) == 0 else { throw .last }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        (descriptor, other) = (ends[0], ends[1])
    }

    deinit {
        close(descriptor)
        close(other)
    }

    /// From any thread; never waits, and costs a system call only where nobody rang before.
    func ring() {
        guard !isRung.exchange(true, ordering: .acquiringAndReleasing) else { return }
        var byte: UInt8 = 0
        _ = unsafe Glibc.write(other, &byte, 1)
    }

    /// To be called before one looks at what there is to do: who rings later wakes again. Reads first: a ring that comes between the two
    /// steps is for what is about to be looked at.
    func quiet() {
        var bytes = [UInt8](repeating: 0, count: 64)
        _ = unsafe bytes.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
        isRung.store(false, ordering: .releasing)
    }
}
