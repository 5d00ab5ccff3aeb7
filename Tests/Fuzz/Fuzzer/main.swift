// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CLibFuzzer
internal import FuzzTargets
internal import Glibc

// `weir-fuzz list`, `weir-fuzz words TARGET` (a dictionary for -dict=), `weir-fuzz TARGET …` with libFuzzer's arguments.

enum Fuzzer {
    static let arguments = CommandLine.arguments
    static let target = arguments.dropFirst().first.flatMap { name in FuzzTarget.all.first { $0.name == name } }

    /// One entry per line, as libFuzzer reads them: `"\x0a"`.
    static func dictionary(_ target: FuzzTarget) -> String {
        target.words.map { word in
            let bytes = word.utf8.map { byte in "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16) }
            return "\"\(bytes.joined())\"\n"
        }.joined()
    }

    static func run() -> CInt {
        // libFuzzer reads the arguments behind the target's name, and keeps pointers to them for good.
        var count = CommandLine.argc - 1
        var values: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = unsafe CommandLine.unsafeArgv + 1
        return unsafe LLVMFuzzerRunDriver(&count, &values) { bytes, count in
            // The buffer is libFuzzer's for the length of this call; the targets get a copy.
            let input = unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
            do throws(BrokenLaw) { try Fuzzer.target?.check(input) } catch { fatalError(error.description) }
            return 0
        }
    }
}

switch (Fuzzer.arguments.dropFirst().first, Fuzzer.target) {
case ("list", _): print(FuzzTarget.all.map(\.name).joined(separator: "\n"))
case ("words", _):
    guard let target = FuzzTarget.all.first(where: { $0.name == Fuzzer.arguments.last }) else { exit(1) }
    print(Fuzzer.dictionary(target), terminator: "")
case (_, .some): exit(Fuzzer.run())
default:
    print("usage: weir-fuzz TARGET [libFuzzer's arguments]; targets: \(FuzzTarget.all.map(\.name).joined(separator: ", "))")
    exit(1)
}
