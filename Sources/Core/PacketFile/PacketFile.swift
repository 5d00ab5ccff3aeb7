// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CLibPcap

/// A pcap or pcapng file that is open, read packet by packet: memory does not grow with its packets. Of a pcapng file
/// libpcap keeps a note of each interface, some 40 bytes, for as long as the file is open.
///
/// `@unchecked`: the C state behind the pointer has one owner, this value, and no tie to a thread.
@safe
package struct PacketFile: ~Copyable, @unchecked Sendable {
    // Lives until deinit: nobody else has the pointer.
    private let file: OpaquePointer
    /// What messages call the file.
    package let name: String
    package let linkType: LinkType
    /// Packets read so far.
    package private(set) var count: UInt64 = 0
    private var isOver = false

    /// Opens a file; `-` is standard input.
    package static func open(path: String) throws(PacketFileError) -> PacketFile {
        let name = path == "-" ? "standard input" : path
        try Self.findLibrary(name)
        // A path with a zero inside would be cut there: no file has one.
        guard !path.utf8.contains(0) else { throw PacketFileError(name, .notOpened("a path cannot contain a zero byte")) }
        return unsafe try open(name) { message in unsafe CLibPcap_open(path, message) }
    }

    /// Opens a file that is in memory; its bytes are copied.
    package static func open(bytes: [UInt8], name: String = "bytes in memory") throws(PacketFileError) -> PacketFile {
        try Self.findLibrary(name)
        return unsafe try open(name) { message in
            // Copied before the call returns.
            unsafe bytes.withUnsafeBufferPointer { unsafe CLibPcap_open_bytes($0.baseAddress, $0.count, message) }
        }
    }

    private static func findLibrary(_ name: String) throws(PacketFileError) {
        // A static text of the C side.
        let missing = unsafe String(cString: CLibPcap_missing())
        guard missing.isEmpty else { throw PacketFileError(name, .noLibrary(missing)) }
    }

    private static func open(
        _ name: String, _ open: (UnsafeMutablePointer<CChar>?) -> OpaquePointer?
    ) throws(PacketFileError) -> PacketFile {
        var message = Message()
        // The buffer is as long as the C side takes it to be.
        let file = unsafe message.fill { unsafe open($0) }
        guard let file = unsafe file else { throw PacketFileError(name, .notOpened(message.text)) }
        let number = unsafe CLibPcap_link_type(file)
        guard let linkType = LinkType(rawValue: number) else {
            unsafe CLibPcap_close(file)
            throw PacketFileError(name, .linkType(LinkType.name(of: number)))
        }
        return unsafe PacketFile(owning: file, name, linkType)
    }

    private init(owning file: OpaquePointer, _ name: String, _ linkType: LinkType) {
        unsafe self.file = file
        self.name = name
        self.linkType = linkType
    }

    deinit { unsafe CLibPcap_close(file) }

    /// Reads one packet and lends it to `look` for the call; false at the end. A file that is cut or broken throws at the
    /// packet that cannot be read, and is at its end from then on.
    package mutating func next(_ look: (FilePacket, Span<UInt8>) -> Void) throws(PacketFileError) -> Bool {
        guard !isOver else { return false }
        var packet = unsafe CLibPcap_packet()
        var message = Message()
        // The C side fills `packet` before it returns, and `message` only when something is wrong.
        let answer = unsafe message.fill { unsafe CLibPcap_next(file, &packet, $0) }
        switch answer {
        case CLibPcap_packet_read:
            count += 1
            // libpcap keeps the bytes until the next call on the file, which cannot come before `look` returns.
            let bytes = unsafe UnsafeBufferPointer(start: packet.bytes, count: Int(packet.captured))
            guard let nanoseconds = unsafe Self.time(packet.seconds, packet.nanosecond) else {
                isOver = true
                throw unsafe PacketFileError(name, .time(packet: count, seconds: packet.seconds, nanosecond: packet.nanosecond))
            }
            unsafe look(FilePacket(nanoseconds: nanoseconds, wireLength: max(packet.length, packet.captured)), bytes.span)
            return true
        case CLibPcap_end:
            isOver = true
            return false
        default:
            isOver = true
            throw PacketFileError(name, .broken(packet: count + 1, message.text))
        }
    }

    /// Nanoseconds since 1970, from 1970 to 2262. A fraction that is a second or more is carried, as other readers do.
    private static func time(_ seconds: Int64, _ nanosecond: Int64) -> UInt64? {
        guard nanosecond >= 0, (0..<PacketFileError.lastSecond).contains(seconds) else { return nil }
        let carried = seconds + nanosecond / 1_000_000_000
        guard carried < PacketFileError.lastSecond else { return nil }
        return UInt64(carried) * 1_000_000_000 + UInt64(nanosecond % 1_000_000_000)
    }

    /// The version of libpcap in use, as it says it.
    package static var libraryVersion: String { unsafe String(cString: CLibPcap_version()) }
}

/// What a file says of a packet beside its bytes.
package struct FilePacket: Sendable {
    /// When it was captured: nanoseconds since 1970.
    package var nanoseconds: UInt64
    /// Bytes on the wire, link header included; never less than were captured.
    package var wireLength: UInt32
}

/// Room for the C side's words.
private struct Message {
    private var buffer = InlineArray<512, CChar>(repeating: 0)

    /// Lends the room to a call that ends what it writes with a zero.
    mutating func fill<Result>(_ call: (UnsafeMutablePointer<CChar>?) -> Result) -> Result {
        var span = buffer.mutableSpan
        return unsafe span.withUnsafeMutableBufferPointer { unsafe call($0.baseAddress) }
    }

    var text: String {
        var bytes: [UInt8] = []
        for index in buffer.indices {
            guard buffer[index] != 0 else { break }
            bytes.append(UInt8(bitPattern: buffer[index]))
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
