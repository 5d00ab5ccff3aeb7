// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

/// A folder of a test's own, gone with it: a sysfs to read the firmware from.
final class Folder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/weir-cloud-XXXXXX".utf8CString)
        // The buffer holds the name that the call writes into it, and outlives it.
        try #require(unsafe mkdtemp(&template) != nil)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Writes a file, and makes the folders that lead to it.
    func write(_ name: String, _ text: String) throws {
        var folder = path
        for part in name.split(separator: "/").dropLast() {
            folder += "/\(part)"
            // The name lives as long as the call.
            _ = unsafe mkdir(folder, 0o755)
        }
        let file = unsafe try #require(fopen("\(path)/\(name)", "w"))
        // The stream is this function's own, closed once, here.
        _ = unsafe fputs(text, file)
        unsafe fclose(file)
    }

    deinit {
        // The command lives as long as the call.
        _ = unsafe system("rm -rf '\(path)'")
    }
}
