// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import PacketFile
internal import PacketParser
internal import WeirCapture

/// A packet file as the windows of flows that the live agent would have drained, one after the other.
///
/// Memory is the window's table and the buffers of libpcap, whatever the size of the file.
package struct PacketWindows: ~Copyable, Sendable {
    private var file: PacketFile
    private var builder: WindowBuilder
    private var failure: PacketFileError?
    private var isOver = false

    /// Opens a pcap or pcapng file; `-` is standard input.
    package static func open(path: String, _ options: ReplayOptions) throws(PacketFileError) -> PacketWindows {
        PacketWindows(try PacketFile.open(path: path), options)
    }

    /// The same over bytes in memory, for tests.
    package static func open(bytes: [UInt8], _ options: ReplayOptions) throws(PacketFileError) -> PacketWindows {
        PacketWindows(try PacketFile.open(bytes: bytes), options)
    }

    private init(_ file: consuming PacketFile, _ options: ReplayOptions) {
        builder = WindowBuilder(options, file.linkType)
        self.file = file
    }

    /// What was read so far.
    package var summary: PacketSummary { builder.summary }

    /// The next window that has packets; nil at the end. A file that is cut or broken gives the windows of the packets before the
    /// place, then throws once, then is at its end.
    package mutating func next() throws(PacketFileError) -> FlowWindow? {
        while true {
            if let window = builder.take() { return window }
            if let failure {
                self.failure = nil
                throw failure
            }
            if isOver { return nil }
            do throws(PacketFileError) {
                isOver = try !Self.step(&file, &builder)
            } catch {
                failure = error
                isOver = true
            }
            if isOver { builder.finish() }
        }
    }

    /// Apart, so that the closure borrows the builder and not the whole.
    private static func step(_ file: inout PacketFile, _ builder: inout WindowBuilder) throws(PacketFileError) -> Bool {
        try file.next { packet, bytes in builder.add(packet, bytes) }
    }
}
