// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A connected socket, blocking. Every pointer lives on the caller's stack, or in an array of ours, for the length of the call.
final class RawClient {
    private let descriptor: Int32
    /// The last read ended in ECONNRESET.
    private(set) var wasReset = false

    struct NotConnected: Error { let code: Int32 }

    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        try connect(&address)
    }

    init(path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        try connect(&address)
    }

    deinit { close(descriptor) }

    /// `address` is one of C's address structures.
    private func connect<Address: BitwiseCopyable>(_ address: inout Address) throws {
        let result = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
            }
        }
        if result != 0 { throw NotConnected(code: errno) }
    }

    func send(_ text: String) {
        let bytes = Array(text.utf8)
        let count = unsafe Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        precondition(count == bytes.count, "the kernel took \(count) bytes")
    }

    /// What comes until it ends in `mark`, or until the connection ends.
    func receive(until mark: String?) -> String {
        var taken: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while mark.map({ !String(decoding: taken, as: UTF8.self).hasSuffix($0) }) ?? true {
            let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
            if count <= 0 {
                wasReset = count < 0 && errno == ECONNRESET
                break
            }
            taken += buffer[..<count]
        }
        return String(decoding: taken, as: UTF8.self)
    }
}
