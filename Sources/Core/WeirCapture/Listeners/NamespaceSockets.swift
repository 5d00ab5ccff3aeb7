// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FileTree
internal import Netlink
internal import WeirKit

/// Who listens in one network namespace, by the files under `/proc/PID/net` of a process in it. Nobody needs to enter the namespace, nor
/// any right but to see the process.
struct NamespaceSockets {
    let sockets: [ListeningSocket]
    let addresses: Set<IPAddress>
    /// It has more to say than was left to read.
    let isCut: Bool

    private static let files: [(name: String, transport: UInt8)] = [("tcp", 6), ("tcp6", 6), ("udp", 17), ("udp6", 17)]

    /// `folder` is `/proc/PID/net`. At most `bytes` are read, which become fewer by what was. A process that has ended has no sockets.
    init(_ folder: String, bytes: inout Int) {
        var sockets: [ListeningSocket] = []
        var isWhole = true
        for (name, transport) in Self.files {
            let all = Self.lines("\(folder)/\(name)", &bytes) { line in
                switch SocketText(line, transport: transport) {
                case .listening(let socket): sockets.append(socket)
                // Of TCP those that listen come first, and the others may be very many.
                case .otherSocket: return transport != 6
                case .other: break
                }
                return true
            }
            isWhole = isWhole && all
        }
        addresses = sockets.contains(where: \.isWildcard) ? Self.addresses(folder, &bytes, &isWhole) : []
        self.sockets = sockets
        isCut = !isWhole
    }

    static func addresses(_ folder: String, _ bytes: inout Int, _ isWhole: inout Bool) -> Set<IPAddress> {
        var found: Set<IPAddress> = []
        var trie = AddressTrie()
        let first = lines("\(folder)/fib_trie", &bytes) { line in
            if let address = trie.read(line) { found.insert(address) }
            return true
        }
        let second = lines("\(folder)/if_inet6", &bytes) { line in
            if let address = interfaceAddress(line) { found.insert(address) }
            return true
        }
        isWhole = isWhole && first && second
        return found
    }

    /// Whether all of it was read. No such file, as without IPv6 or when the process is gone, is an empty one.
    private static func lines(_ path: String, _ bytes: inout Int, _ line: (Span<UInt8>) -> Bool) -> Bool {
        (try? FileTree.lines(of: path, limit: &bytes, line)) ?? true
    }
}
