// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import PackagePlugin

/// Compiles the kernel half and hands it to the capture as one Swift file that holds the object as text.
///
/// Text, because SwiftPM ignores plugin outputs for C targets, and `.embedInCode` (an array literal) takes
/// minutes to compile at this size.
@main
struct FlowProgram: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        let bpf = context.package.directoryURL.appending(path: "bpf")
        let script = bpf.appending(path: "BuildTool/embed.sh")
        let source = bpf.appending(path: "flow.bpf.c")
        let headers = ["flow_abi.h", "parse.h", "extensions.h", "tunnels.h", "fragments.h", "account.h"].map { bpf.appending(path: $0) }
        let output = context.pluginWorkDirectoryURL.appending(path: "FlowProgram.swift")
        return [
            .buildCommand(
                displayName: "Compiling flow.bpf.c for the kernel",
                executable: URL(filePath: "/bin/sh"),
                arguments: [script.path(), source.path(), output.path()],
                inputFiles: [script, source] + headers,
                outputFiles: [output])
        ]
    }
}
