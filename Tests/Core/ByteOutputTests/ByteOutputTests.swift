// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import ByteOutput
import Glibc
import Testing

@Suite("byte output: writing never waits for a reader")
struct ByteOutputTests {
    private let large = [UInt8](repeating: 65, count: 1 << 20)

    /// A pipe that is open for both, with its default of 64 KiB.
    private func pipe() -> (reader: Int32, writer: Int32) {
        var ends: [Int32] = [-1, -1]
        // The array is ours alone, and as long as pipe(2) needs.
        #expect(unsafe Glibc.pipe(&ends) == 0)
        return (ends[0], ends[1])
    }

    @Test("a pipe takes pieces until it is full, then nothing until somebody reads", .timeLimit(.minutes(1)))
    func full() throws {
        let (reader, writer) = pipe()
        defer { for end in [reader, writer] { close(end) } }
        var from = 0
        while true {
            let count = try ByteOutput.write(large, from: from, to: writer, isRegular: false)
            if count == 0 { break }
            #expect(count <= 4096)
            from += count
        }
        #expect(from >= 4096 && from < large.count)
        #expect(!ByteOutput.isWritable(writer, milliseconds: 10))
        var taken = [UInt8](repeating: 0, count: 8192)
        // The array is ours alone, and as long as it says.
        #expect(unsafe read(reader, &taken, taken.count) == taken.count)
        #expect(ByteOutput.isWritable(writer, milliseconds: 0))
        #expect(try ByteOutput.write(large, from: from, to: writer, isRegular: false) > 0)
    }

    @Test("a pipe whose reader went away is told as such")
    func closed() {
        // As the agent does: a reader's end must not be its own.
        signal(SIGPIPE, SIG_IGN)
        let (reader, writer) = pipe()
        close(reader)
        defer { close(writer) }
        let error = #expect(throws: OutputError.self) { try ByteOutput.write([65], from: 0, to: writer, isRegular: false) }
        #expect(error?.reason == "closed")
        #expect(error?.description == "Broken pipe (errno 32)")
    }

    @Test("a full disk is told as such, anything else is io")
    func refused() {
        let device = unsafe open("/dev/full", O_WRONLY)
        defer { close(device) }
        #expect(#expect(throws: OutputError.self) { try ByteOutput.write([65], from: 0, to: device, isRegular: true) }?.reason == "disk_full")
        #expect(#expect(throws: OutputError.self) { try ByteOutput.write([65], from: 0, to: -1, isRegular: true) }?.reason == "io")
    }
}
