// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

private import FileTree
private import Netlink
private import Synchronization
private import WeirKit

/// Looks who listens on this host, so that rows can ask from memory: in the network namespace of the thread that made it by netlink, in
/// others by `/proc`, as far as it shows processes in them.
///
/// A look is for a thread of its own, since a host may have very many sockets. None is made that no row has a use for, and looks take at
/// most a hundredth of a CPU.
public final class ListenerWatch: Sendable {
    private struct Own: ~Copyable {
        /// Nil where the kernel has no such list: then `/proc` says it too.
        var list = try? SocketList()
    }

    private let own = Mutex(Own())
    private let found = Mutex(ListenerTable())
    private let isWanted = Atomic<Bool>(false)
    private let lost = Atomic<UInt64>(0)

    /// Between two looks at least, and so many times as long as the last one took.
    package static let pause = Duration.seconds(5)
    private static let share = 100
    /// What one look reads of `/proc` at the most, and in how many namespaces.
    static let bytes = 16 << 20
    private static let namespaces = 1024

    package init() {}

    /// What the last look found.
    package var table: ListenerTable { found.withLock { $0 } }

    /// How many sockets, and namespaces, found no room: of every look.
    var turnedAway: UInt64 { lost.load(ordering: .relaxed) }

    /// Rows have asked since the last look: another is worth its time.
    func want() { isWanted.store(true, ordering: .relaxed) }

    /// Looks, if anybody wants to know; how long to rest before the next call.
    public func turn() -> Duration {
        guard isWanted.exchange(false, ordering: .relaxed) else { return Self.pause }
        let start = ContinuousClock.now
        _ = look()
        return max(Self.pause, (ContinuousClock.now - start) * Self.share)
    }

    /// Looks now; at how many other namespaces, and how many listen.
    package func look() -> (namespaces: Int, sockets: Int) {
        var table = ListenerTable(ephemeral: Self.ephemeralPorts())
        var bytes = Self.bytes
        var isWhole = true
        for socket in ownSockets(&bytes) { table.insert(socket) }
        let folders = Self.otherNamespaces()
        var cut: UInt64 = UInt64(max(0, folders.count - Self.namespaces))
        if !folders.isEmpty {
            let own = NamespaceSockets.addresses("/proc/thread-self/net", &bytes, &isWhole)
            for folder in folders.prefix(Self.namespaces) {
                let namespace = NamespaceSockets(folder, bytes: &bytes)
                if namespace.isCut { cut += 1 }
                for socket in namespace.sockets { table.insert(socket, in: namespace.addresses, own: own) }
            }
        }
        lost.add(table.turnedAway + cut, ordering: .relaxed)
        let count = table.count
        found.withLock { $0 = table }
        return (folders.count, count)
    }

    private func ownSockets(_ bytes: inout Int) -> [ListeningSocket] {
        var sockets: [ListeningSocket] = []
        let isListed = own.withLock { own in
            do throws(NetlinkError) {
                try own.list?.read { sockets.append($0) }
                return own.list != nil
            } catch { return false }
        }
        return isListed ? sockets : NamespaceSockets("/proc/thread-self/net", bytes: &bytes).sockets
    }

    /// `/proc/PID/net` of one process in each network namespace that is not this thread's. A namespace is told by the number of a file
    /// in there: who may not trace a process may not ask for its namespace's own.
    private static func otherNamespaces() -> [String] {
        guard let own = try? FileTree.inode(of: "/proc/thread-self/net/tcp"), let processes = try? FileTree.folders(in: "/proc") else { return [] }
        var seen: Set<UInt64> = [own]
        var folders: [String] = []
        for process in processes where process.name.first?.isNumber == true {
            let folder = "/proc/\(process.name)/net"
            if let number = try? FileTree.inode(of: "\(folder)/tcp"), seen.insert(number).inserted { folders.append(folder) }
        }
        return folders
    }

    /// This namespace's, and those of a namespace where nobody has changed them: of others they cannot be read.
    private static func ephemeralPorts() -> ClosedRange<UInt16> {
        let fields = (systemText("/proc/sys/net/ipv4/ip_local_port_range") ?? "").split { !$0.isNumber }.compactMap { UInt16($0) }
        guard fields.count == 2, fields[0] <= fields[1] else { return 32_768...60_999 }
        return min(32_768, fields[0])...max(60_999, fields[1])
    }
}
