// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirCapture
internal import WeirKit

/// What this program is, for `--version` and `weir_build_info`.
enum Version {
    static let number = "0.1.0"

    /// The compiler this file went through.
    static var swift: String {
        #if compiler(>=6.4)
            "6.4 or later"
        #elseif compiler(>=6.3)
            "6.3"
        #else
            "6.2"
        #endif
    }

    static var architecture: String {
        #if arch(x86_64)
            "x86_64"
        #elseif arch(arm64)
            "aarch64"
        #else
            "unknown"
        #endif
    }

    static var text: String {
        """
        weir \(number)
        swift \(swift), \(architecture)-linux
        kernel half \(CaptureBuild.digest), \(CaptureBuild.byteCount) bytes, by \(CaptureBuild.compiler)
        libbpf \(CaptureBuild.libbpf)
        """
    }

    static func publish(_ registry: MetricRegistry) {
        let labels = [("version", number), ("swift", swift), ("arch", architecture), ("kernel_half", CaptureBuild.digest)]
        registry.gauge("weir_build_info", "What this program is; always 1.", labels).set(1)
    }
}
