// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import FileTree
import Testing

@Suite("Folders and small files of kernel file systems")
struct FileTreeTests {
    @Test("a listing holds the folders with their inodes, and neither files nor the folder itself")
    func folders() throws {
        let folders = try FileTree.folders(in: "/proc/self")
        #expect(folders.contains { $0.name == "fd" } && folders.contains { $0.name == "task" })
        #expect(!folders.contains { $0.name == "stat" || $0.name == "." || $0.name == ".." })
        let net = try #require(try FileTree.folders(in: "/sys").first { $0.name == "class" })
        #expect(try FileTree.inode(of: "/sys/class") == net.inode)
    }

    @Test("a file without a size is read whole, or as far as asked")
    func reading() throws {
        let whole = try FileTree.read("/proc/self/mountinfo", limit: 1 << 20)
        #expect(whole.count > 100 && whole.last == UInt8(ascii: "\n"))
        #expect(try FileTree.read("/proc/self/mountinfo", limit: 10) == Array(whole.prefix(10)))
        #expect(try FileTree.read("/dev/null", limit: 10) == [])
    }

    @Test("lines are those of the file, until the reader or the limit says enough")
    func lines() throws {
        let path = "/proc/kallsyms"  // larger than a page on every machine
        let size = 100_000
        let start = try FileTree.read(path, limit: size)
        let expected = start.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
        func read(limit: Int, atMost count: Int = .max) throws -> (lines: [[UInt8]], isWhole: Bool, left: Int) {
            var found: [[UInt8]] = []
            var limit = limit
            let isWhole = try FileTree.lines(of: path, limit: &limit) { line in
                found.append(line.indices.map { line[$0] })
                return found.count < count
            }
            return (found, isWhole, limit)
        }
        let cut = try read(limit: size)
        #expect(!cut.isWhole && cut.left == 0 && cut.lines == Array(expected.dropLast()))
        let few = try read(limit: size, atMost: 3)
        #expect(few.isWhole && few.left > size - 10_000 && few.lines == Array(expected.prefix(3)))
        var limit = size
        #expect(try FileTree.lines(of: "/proc/self/comm", limit: &limit) { _ in true })
        #expect(throws: FileTreeError.self) { try FileTree.lines(of: "/nonexistent", limit: &limit) { _ in true } }
    }

    @Test("what is not there is a sentence, and known to be gone")
    func missing() {
        let error = #expect(throws: FileTreeError.self) { try FileTree.folders(in: "/nonexistent") }
        #expect(error?.isGone == true)
        #expect(error.map { "could not \($0)" } == "could not read the folder /nonexistent: No such file or directory")
        #expect(throws: FileTreeError.self) { try FileTree.inode(of: "/nonexistent") }
        #expect(throws: FileTreeError.self) { try FileTree.read("/nonexistent", limit: 1) }
    }
}
