// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import PackagePlugin

/// Compiles the kernel half and hands it to the capture as one Swift file that holds its objects as text.
///
/// Text, because SwiftPM ignores plugin outputs for C targets, and `.embedInCode` (an array literal) takes
/// minutes to compile at this size.
@main
struct FlowProgram: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        let bpf = context.package.directoryURL.appending(path: "bpf")
        let script = bpf.appending(path: "BuildTool/embed.sh")
        let sources = ["flow.bpf.c", "packets.bpf.c"].map { bpf.appending(path: $0) }
        let headers = ["flow_abi.h", "parse.h", "extensions.h", "tunnels.h", "fragments.h", "account.h", "devices.h"].map { bpf.appending(path: $0) }
        let output = context.pluginWorkDirectoryURL.appending(path: "FlowProgram.swift")
        return [
            .buildCommand(
                displayName: "Compiling bpf/ for the kernel",
                executable: URL(filePath: "/bin/sh"),
                arguments: [script.path(), output.path()] + sources.map { $0.path() },
                inputFiles: [script] + sources + headers,
                outputFiles: [output])
        ]
    }
}
