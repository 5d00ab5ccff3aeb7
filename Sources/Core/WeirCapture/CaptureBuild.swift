// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

private import CWeirCapture

/// What the kernel half inside this binary was built with, for `weir --version`.
public enum CaptureBuild {
    /// Who compiled the kernel half.
    public static var compiler: String { FlowProgram.compiler }
    /// The start of the object's SHA-256.
    public static var digest: String { FlowProgram.digest }
    /// The object's size in bytes.
    public static var byteCount: Int { FlowProgram.byteCount }
    /// The libbpf that is linked in, such as `1.1`.
    public static var libbpf: String {
        let version = capture_libbpf_version()
        return "\(version >> 16).\(version & 0xffff)"
    }
}
