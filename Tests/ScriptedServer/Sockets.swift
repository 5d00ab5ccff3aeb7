// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// Why no server could be made; finishes "could not …".
package struct ServerError: Error, CustomStringConvertible {
    package let description: String

    static func last(_ what: String) -> ServerError {
        // glibc keeps the text until this thread asks for another; it is copied at once.
        ServerError(description: unsafe "\(what): \(String(cString: strerror(errno)))")
    }
}

/// The system calls of a server. Every pointer lives on this stack or in an array that nobody else touches during the call.
enum Sockets {
    /// A clients' queue long enough for tests that come by the thousand; the kernel cuts it to its own limit.
    private static let backlog: Int32 = 4096

    static func listen(address: String, port: UInt16) throws(ServerError) -> Int32 {
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = AI_NUMERICHOST | AI_PASSIVE
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(address, "\(port)", &hints, &found) == 0, let found = unsafe found else {
            throw ServerError(description: "listen: '\(address)' is not a numeric address")
        }
        defer { unsafe freeaddrinfo(found) }
        let descriptor = unsafe socket(found.pointee.ai_family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .last("make a socket") }
        var one: Int32 = 1
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        guard unsafe bind(descriptor, found.pointee.ai_addr, found.pointee.ai_addrlen) == 0, Glibc.listen(descriptor, backlog) == 0 else {
            let error = ServerError.last("listen on \(address) port \(port)")
            close(descriptor)
            throw error
        }
        return descriptor
    }

    static func listen(path: String) throws(ServerError) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw ServerError(description: "listen: '\(path)' is longer than a socket's path can be")
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .last("make a socket") }
        let bound = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0, Glibc.listen(descriptor, backlog) == 0 else {
            let error = ServerError.last("listen at \(path)")
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Of a TCP socket of either family: both keep the port in the same place.
    static func port(of descriptor: Int32) -> UInt16 {
        var address = sockaddr_in6()
        var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
        _ = unsafe withUnsafeMutablePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(descriptor, $0, &size) }
        }
        return UInt16(bigEndian: address.sin6_port)
    }

    /// Waits for the next connection; nil when the listener was shut down.
    static func accept(_ listener: Int32) -> Int32? {
        while true {
            let descriptor = Glibc.accept(listener, nil, nil)
            if descriptor >= 0 {
                _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
                return descriptor
            }
            switch errno {
            case EINTR, ECONNABORTED: continue
            // No descriptor is free: a test with thousands of connections waits for its own to close.
            case EMFILE, ENFILE, ENOMEM, ENOBUFS: usleep(1000)
            default: return nil
            }
        }
    }

    /// What is there, after waiting for it; empty at the end or after a reset.
    static func receive(_ descriptor: Int32) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 65536)
        var count: Int
        repeat { count = unsafe recv(descriptor, &buffer, buffer.count, 0) } while count < 0 && errno == EINTR
        return Array(buffer.prefix(max(0, count)))
    }

    /// Sends everything, waiting for the client to read; false when it is gone.
    static func send(_ descriptor: Int32, _ bytes: [UInt8]) -> Bool {
        var from = 0
        while from < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress! + from, bytes.count - from, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            from += count
        }
        return true
    }

    /// Waits for the other end to go away, for so long.
    static func isHungUp(_ descriptor: Int32, milliseconds: Int32) -> Bool {
        // POLLRDHUP, which Swift does not see without _GNU_SOURCE.
        let hangUp: Int16 = 0x2000
        var asked = pollfd(fd: descriptor, events: hangUp, revents: 0)
        return unsafe poll(&asked, 1, milliseconds) > 0
    }

    /// From now on close(2) sends a RST.
    static func lingerZero(_ descriptor: Int32) {
        var value = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
    }

    /// Ports of loopback that nobody has at the moment, all different.
    static func freePorts(_ count: Int) throws(ServerError) -> [UInt16] {
        var open: [Int32] = []
        defer { for descriptor in open { close(descriptor) } }
        for _ in 0..<count { open.append(try listen(address: "127.0.0.1", port: 0)) }
        return open.map(port(of:))
    }

    /// A connection to loopback; nil when nobody listens there.
    static func connect(to port: UInt16) -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if result == 0 { return descriptor }
        close(descriptor)
        return nil
    }

    static func isListening(on port: UInt16) -> Bool {
        guard let descriptor = connect(to: port) else { return false }
        close(descriptor)
        return true
    }

    /// Carries bytes until one of the two ends, then ends both.
    static func copy(from source: Int32, to destination: Int32) {
        while true {
            let bytes = receive(source)
            if bytes.isEmpty || !send(destination, bytes) { break }
        }
        for descriptor in [source, destination] { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }
}

/// One direction of a relay, on a thread of its own.
final class RelayHalf: Sendable {
    private let source: Int32
    private let destination: Int32
    private let isOver = Atomic(false)

    init(from source: Int32, to destination: Int32) {
        self.source = source
        self.destination = destination
    }

    func start() {
        ServerThread.start { [self] in
            Sockets.copy(from: source, to: destination)
            isOver.store(true, ordering: .releasing)
        }
    }

    /// The descriptors are in use until it returns.
    func wait() { while !isOver.load(ordering: .acquiring) { usleep(500) } }
}
