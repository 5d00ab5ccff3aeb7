// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CLibCAres
internal import WeirKit

/// The handle of the thread in `CLibCAres`, and the bytes that go in and out of it. All that is unsafe of this module is here.
///
/// `@unchecked`: the pointer is used by one thread at a time, under the lock of the client that owns it.
@safe struct DNSLoop: @unchecked Sendable {
    /// What came of a question. The reply is empty unless `status` is `DNS_REPLIED`.
    struct Outcome: Sendable {
        var status: dns_status
        var reply: [UInt8]
        var messages: Int
    }

    /// Who is told. Kept alive by the thread until it ends.
    final class Listener: Sendable {
        let done: @Sendable (UInt64, Outcome) -> Void
        init(_ done: @escaping @Sendable (UInt64, Outcome) -> Void) { self.done = done }
    }

    // From `dns_start` to `stop`, after which nobody has this value any more.
    private let handle: OpaquePointer

    /// Nil when the machine has no memory, descriptor or thread for it.
    init?(_ options: DNSClientOptions, servers: [DNSServer], _ listener: Listener) {
        var settings = dns_options()
        let room = Int(DNS_MAX_SERVERS)
        // A tuple of `room` elements in C's layout: the loop stays within it.
        unsafe withUnsafeMutableBytes(of: &settings.servers) { bytes in
            let slots = unsafe bytes.bindMemory(to: dns_server.self)
            for (index, server) in servers.prefix(room).enumerated() { unsafe slots[index] = server.inC }
        }
        settings.server_count = UInt32(min(servers.count, room))
        settings.timeout_ms = UInt32(clamping: options.timeout.milliseconds)
        settings.tries = UInt32(clamping: options.tries)
        // Released by `ended`, which the thread calls last.
        let context = unsafe Unmanaged.passRetained(listener)
        let started = unsafe dns_start(
            &settings,
            { context, id, outcome in
                // Both are there for the time of this call; the context is the listener retained above.
                guard let context = unsafe context, let outcome = unsafe outcome?.pointee else { return }
                let reply = unsafe UnsafeBufferPointer(start: outcome.reply, count: Int(outcome.length))
                let result = unsafe Outcome(status: outcome.status, reply: Array(reply), messages: Int(outcome.messages))
                unsafe Unmanaged<Listener>.fromOpaque(context).takeUnretainedValue().done(id, result)
            },
            { context in
                // The counterpart of passRetained above; called once.
                if let context = unsafe context { unsafe Unmanaged<Listener>.fromOpaque(context).release() }
            }, context.toOpaque())
        guard let started = unsafe started else {
            // No thread: nobody else gives it back.
            unsafe context.release()
            return nil
        }
        unsafe handle = started
    }

    /// False when there is no memory.
    func ask(_ id: UInt64, _ name: String) -> Bool {
        // The text is copied during the call.
        unsafe dns_ask(handle, id, name)
    }

    func cancel(_ id: UInt64) { unsafe dns_cancel(handle, id) }

    /// The last call.
    func stop() { unsafe dns_stop(handle) }

    /// Whom the system is set up to ask (`/etc/resolv.conf`).
    static func systemServers() -> [DNSServer] {
        let room = Int(DNS_MAX_SERVERS)
        var servers = [dns_server](repeating: dns_server(), count: room)
        // The array has the room that the function knows, and lives as long as the call.
        let count = unsafe servers.withUnsafeMutableBufferPointer { unsafe dns_system_servers($0.baseAddress) }
        return servers.prefix(min(Int(count), room)).map { DNSServer($0) }
    }
}

extension DNSServer {
    fileprivate var inC: dns_server {
        var server = dns_server()
        server.port = port
        server.is_ipv6 = !address.isIPv4
        // Sixteen bytes; IPv4 uses the first four.
        unsafe withUnsafeMutableBytes(of: &server.address) { bytes in
            if address.isIPv4 {
                unsafe bytes.storeBytes(of: UInt32(truncatingIfNeeded: address.low).bigEndian, as: UInt32.self)
            } else {
                unsafe bytes.storeBytes(of: address.high.bigEndian, as: UInt64.self)
                unsafe bytes.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
        }
        return server
    }

    fileprivate init(_ server: dns_server) {
        let (high, low) = unsafe withUnsafeBytes(of: server.address) { bytes in
            // Sixteen bytes, read where they lie.
            (
                UInt64(bigEndian: unsafe bytes.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: unsafe bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
        let address = server.is_ipv6 ? IPAddress(high: high, low: low) : IPAddress(ipv4: UInt32(truncatingIfNeeded: high >> 32))
        self.init(address, port: server.port == 0 ? Self.standardPort : server.port)
    }
}
