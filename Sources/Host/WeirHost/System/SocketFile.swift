// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A listening socket at a path of the file system: made so that nobody can come before its rights are set, and so that the socket of a
/// program that is gone is replaced and one of a program that lives is not.
package final class SocketFile: Sendable {
    /// Why there is none; finishes "could not …".
    package struct Problem: Error, CustomStringConvertible {
        package let description: String
    }

    package let path: String
    package let descriptor: Int32
    /// Which file it is: only that one is removed in the end.
    private let device: UInt64
    private let number: UInt64

    /// For root, and for the group `group` where this system has it and the process may give the socket to it.
    package init(at path: String, group: String) throws(Problem) {
        self.path = path
        let folder = FilePath.folder(of: path)
        let id = Self.id(ofGroup: group)
        Self.make(folder, id)
        let lock = try Self.lock(folder)
        defer { close(lock) }
        if let objection = FileTrust(user: SystemFacts.user).objection(to: folder) { throw Problem(description: objection) }
        try Self.clear(path)
        do throws(SystemError) {
            descriptor = try UnixSocket.bound(to: path)
        } catch {
            throw Problem(description: "\(error)")
        }
        // Before anybody can connect.
        Self.protect(path, id, mode: 0o660, lonely: 0o600)
        var found = stat()
        unsafe lstat(path, &found)
        (device, number) = (UInt64(found.st_dev), UInt64(found.st_ino))
        do throws(SystemError) {
            try UnixSocket.listen(descriptor)
        } catch {
            // The descriptor is closed by `deinit`.
            unsafe unlink(path)
            throw Problem(description: "\(error)")
        }
    }

    deinit { close(descriptor) }

    /// Takes the file away, unless another has come to stand there.
    package func remove() {
        var found = stat()
        guard unsafe lstat(path, &found) == 0, UInt64(found.st_dev) == device, UInt64(found.st_ino) == number else { return }
        unsafe unlink(path)
    }

    /// Lets root, who is a member of no group, give sockets to this one when it has given up the right to give files to anybody. To be
    /// called before that, and before the first other thread. Where the system has no such group there is nobody to give to.
    static func join(_ group: String) {
        guard geteuid() == 0, let id = id(ofGroup: group) else { return }
        var groups = [gid_t](repeating: 0, count: max(0, Int(getgroups(0, nil))))
        // The kernel fills the array, which has room for as many as it said, and reads the longer one; nobody else has either.
        guard unsafe getgroups(Int32(groups.count), &groups) == groups.count, !groups.contains(id) else { return }
        groups.append(id)
        unsafe setgroups(groups.count, groups)
    }

    /// The last folder of the path, where it is missing. Whether it is there then, the next step will tell.
    private static func make(_ folder: String, _ group: gid_t?) {
        if unsafe mkdir(folder, 0o750) == 0 { protect(folder, group, mode: 0o750, lonely: 0o700) }
    }

    /// Gives it to the group with `mode`; where that cannot be had, to nobody else: our own group may be everybody's. For root, root's group.
    private static func protect(_ path: String, _ group: gid_t?, mode: mode_t, lonely: mode_t) {
        guard let wanted = group ?? (geteuid() == 0 ? 0 : nil), unsafe lchown(path, uid_t.max, wanted) == 0 else {
            unsafe chmod(path, lonely)
            return
        }
        unsafe chmod(path, mode)
    }

    /// One at a time looks and binds: of two programs that start together, neither takes the other's new socket for an old one.
    private static func lock(_ folder: String) throws(Problem) -> Int32 {
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Problem(description: "the folder '\(folder)' cannot be opened: \(SystemError.last)") }
        for _ in 0..<50 {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return descriptor }
            usleep(20_000)
        }
        close(descriptor)
        throw Problem(description: "the folder '\(folder)' is locked by another program")
    }

    /// Removes what a dead program left.
    private static func clear(_ path: String) throws(Problem) {
        var found = stat()
        guard unsafe lstat(path, &found) == 0 else { return }
        guard found.st_mode & S_IFMT == S_IFSOCK else { throw Problem(description: "there is something else at '\(path)'") }
        var refusal: SystemError?
        do throws(SystemError) { UnixSocket.close(try UnixSocket.connect(to: path)) } catch { refusal = error }
        // Nobody listens; anything else (no error, a full queue, no leave) is somebody.
        guard refusal?.code == ECONNREFUSED else { throw Problem(description: "another program listens at '\(path)'") }
        guard unsafe unlink(path) == 0 else { throw Problem(description: "the old socket '\(path)' cannot be removed: \(SystemError.last)") }
    }

    /// By the system's own file: looking further (LDAP) could make the start wait for a server.
    private static func id(ofGroup name: String) -> gid_t? {
        guard let bytes = try? SystemFile.read("/etc/group", limit: 1 << 20) else { return nil }
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            if fields.count > 2, fields[0].elementsEqual(name.utf8) { return gid_t(String(decoding: fields[2], as: UTF8.self)) }
        }
        return nil
    }
}
