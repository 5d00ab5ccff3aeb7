// swift-tools-version:6.2
// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

/// Every target of ours is compiled alike: Swift 6, nothing unsafe unmarked, no warning left standing.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

func core(
    _ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = [], plugins: [Target.PluginUsage] = []
) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Sources/Core/\(name)", exclude: exclude, swiftSettings: strict, plugins: plugins)
}

func enricher(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    plugin("\(name)Enricher", "Sources/Plugins/Enrichers/\(name)", dependencies)
}

func exporter(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    plugin("\(name)Exporter", "Sources/Plugins/Exporters/\(name)", dependencies)
}

func plugin(_ name: String, _ path: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(
        name: name, dependencies: ["WeirKit", log] + dependencies, path: path, exclude: ["README.md"],
        resources: [.embedInCode("sample.yaml")], swiftSettings: strict)
}

/// The tests of `module`, in the folder that mirrors its own.
func tests(_ module: String, _ path: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: "\(module)Tests", dependencies: [.byName(name: module)] + dependencies, path: "Tests/\(path)", exclude: exclude,
        swiftSettings: strict)
}

let log = Target.Dependency.product(name: "Logging", package: "swift-log")

/// Links libFuzzer, which only `make fuzz` has.
let fuzzer: [Target] =
    Context.environment["WEIR_FUZZ"] == nil
    ? []
    : [
        .target(name: "CLibFuzzer", path: "Tests/Fuzz/CLibFuzzer"),
        .executableTarget(name: "weir-fuzz", dependencies: ["CLibFuzzer", "FuzzTargets"], path: "Tests/Fuzz/Fuzzer", swiftSettings: strict),
    ]

let package = Package(
    name: "weir",
    products: [
        .executable(name: "weir", targets: ["weir"]),
        // What an agent of one's own imports: the words, the host, and the kit to test a plugin with.
        .library(name: "WeirKit", targets: ["WeirKit"]),
        .library(name: "WeirHost", targets: ["WeirHost"]),
        .library(name: "WeirTesting", targets: ["WeirTesting"]),
        .library(name: "BuiltInPlugins", targets: ["BuiltInPlugins"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
        // Hummingbird's own; named because the listener's limits are in its words.
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    ],
    targets: [
        // Core, in layer order.
        core("WeirKit", [log]),
        .target(name: "CLibYAML", path: "Sources/Core/CLibYAML", linkerSettings: [.linkedLibrary("yaml")]),
        core("YAMLSource", ["WeirKit", "CLibYAML"]),
        .target(name: "CPCRE2", path: "Sources/Core/CPCRE2", linkerSettings: [.linkedLibrary("pcre2-8")]),
        core("Patterns", ["CPCRE2"]),
        core("PlainJSON", ["WeirKit"]),
        core("FileTree"),
        core("KubernetesClient", ["WeirKit"], exclude: ["README.md"]),
        core("ByteOutput"),
        .target(name: "CLibMNL", path: "Sources/Core/CLibMNL", linkerSettings: [.linkedLibrary("mnl")]),
        core("Netlink", ["WeirKit", "CLibMNL"]),
        core("WeirPipeline", ["WeirKit", "Patterns", "YAMLSource", log]),
        .target(
            name: "CWeirCapture", path: "Sources/Core/CWeirCapture",
            linkerSettings: [.linkedLibrary("bpf"), .linkedLibrary("elf"), .linkedLibrary("z")]),
        core("WeirCapture", ["WeirKit", "Netlink", "CWeirCapture", log], plugins: ["FlowProgram"]),
        core("WeirTesting", ["WeirKit", "WeirPipeline", "YAMLSource"]),
        // bpf/parse.h again, for packets of files.
        .target(name: "CPacketParser", path: "Sources/Core/CPacketParser"),
        core("PacketParser", ["WeirKit", "CPacketParser"], exclude: ["README.md"]),
        // libpcap is opened when the first file is, not linked.
        .target(name: "CLibPcap", path: "Sources/Core/CLibPcap", linkerSettings: [.linkedLibrary("dl")]),
        core("PacketFile", ["CLibPcap"], exclude: ["README.md"]),
        core("PacketReplay", ["WeirKit", "WeirCapture", "CWeirCapture", "PacketParser", "PacketFile"], exclude: ["README.md"]),
        .plugin(name: "FlowProgram", capability: .buildTool(), path: "bpf/BuildTool"),

        // Plugins: to add one, add its line here and in Sources/Host/BuiltInPlugins.
        enricher("CIDR", ["PlainJSON"]),
        enricher("LocalOwner", ["FileTree"]),
        exporter("Prometheus"),
        exporter("JSONLines", ["ByteOutput", "PlainJSON"]),
        exporter("Stdout", ["ByteOutput"]),

        // Host.
        .target(
            name: "WeirHost",
            dependencies: [
                "WeirKit", "WeirPipeline", "WeirCapture", "YAMLSource", "PlainJSON", "Patterns", "Netlink", "PacketReplay", "PacketFile", log,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            path: "Sources/Host/WeirHost", swiftSettings: strict),
        .target(
            name: "BuiltInPlugins",
            dependencies: [
                "WeirKit", "CIDREnricher", "LocalOwnerEnricher", "PrometheusExporter", "JSONLinesExporter", "StdoutExporter",
            ],
            path: "Sources/Host/BuiltInPlugins", swiftSettings: strict),
        .executableTarget(
            name: "weir", dependencies: ["WeirHost", "BuiltInPlugins"],
            path: "Sources/Host/weir", swiftSettings: strict,
            linkerSettings: [.linkedLibrary("m")]),

        // Tests mirror the sources; Kernel needs root, Benchmarks counts allocations.
        tests("WeirKit", "Core/WeirKitTests", ["WeirTesting"]),
        tests("WeirTesting", "Core/WeirTestingTests", []),
        tests("YAMLSource", "Core/YAMLSourceTests", ["WeirKit", "WeirTesting"]),
        tests("Patterns", "Core/PatternsTests", []),
        tests("FileTree", "Core/FileTreeTests", []),
        tests("ByteOutput", "Core/ByteOutputTests", []),
        // Made-up packets and packet files, for all tests that read such.
        .target(name: "PacketFrames", path: "Tests/PacketFrames", exclude: ["README.md"], swiftSettings: strict),
        tests("PacketParser", "Core/PacketParserTests", ["PacketFrames", "WeirKit"]),
        tests("PacketFile", "Core/PacketFileTests", ["PacketFrames", "WeirTesting"]),
        tests(
            "PacketReplay", "Core/PacketReplayTests", ["PacketFrames", "PacketFile", "PacketParser", "WeirCapture", "WeirKit", "WeirTesting"],
            exclude: ["Captures"]),
        tests("WeirPipeline", "Core/WeirPipelineTests", ["WeirKit", "WeirTesting"]),
        tests("CIDREnricher", "Plugins/Enrichers/CIDRTests", ["WeirKit", "WeirTesting", "YAMLSource", log], exclude: ["Cases"]),
        tests("LocalOwnerEnricher", "Plugins/Enrichers/LocalOwnerTests", ["WeirKit", "WeirTesting", "FileTree", log], exclude: ["Cases"]),
        tests("PrometheusExporter", "Plugins/Exporters/PrometheusTests", ["WeirKit", "WeirTesting", log], exclude: ["Cases"]),
        tests(
            "JSONLinesExporter", "Plugins/Exporters/JSONLinesTests", ["WeirKit", "WeirTesting", "ByteOutput", "PlainJSON", log], exclude: ["Cases"]),
        tests("StdoutExporter", "Plugins/Exporters/StdoutTests", ["WeirKit", "WeirTesting", "ByteOutput", log]),
        tests(
            "WeirHost", "Host/WeirHostTests",
            ["WeirKit", "WeirPipeline", "BuiltInPlugins"],
            exclude: ["Configs", "Cases"]),
        .target(name: "CKernelTests", path: "Tests/Kernel/CKernelTests", linkerSettings: [.linkedLibrary("bpf")]),
        .testTarget(
            name: "KernelTests",
            dependencies: [
                "WeirCapture", "CWeirCapture", "WeirKit", "Netlink", "CKernelTests", "PacketParser", "PacketReplay", "PacketFrames", "WeirTesting",
                log,
            ],
            path: "Tests/Kernel/KernelTests", swiftSettings: strict),
        .target(name: "CountingMalloc", path: "Tests/Benchmarks/CountingMalloc"),
        .testTarget(
            name: "AllocationTests", dependencies: ["WeirKit", "WeirPipeline", "WeirTesting", "CountingMalloc"],
            path: "Tests/Benchmarks/AllocationTests", swiftSettings: strict),
        .executableTarget(
            name: "weir-bench",
            dependencies: [
                "WeirKit", "WeirPipeline", "WeirTesting", "WeirCapture", "CWeirCapture", "Netlink", "CountingMalloc", "CKernelTests",
                "PrometheusExporter",
                "JSONLinesExporter",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Tests/Benchmarks/Bench", swiftSettings: strict),
        .testTarget(name: "BenchTests", dependencies: ["weir-bench"], path: "Tests/Benchmarks/BenchTests", swiftSettings: strict),
        // Laws of every decoder; `make fuzz` runs the same under libFuzzer.
        .target(
            name: "FuzzTargets",
            dependencies: [
                "WeirKit", "YAMLSource", "Patterns", "WeirPipeline", "WeirTesting", "PlainJSON", "CIDREnricher", "WeirCapture", "PacketParser",
                "PacketFile",
                "PacketReplay", "WeirHost", "BuiltInPlugins", "LocalOwnerEnricher",
            ],
            path: "Tests/Fuzz/FuzzTargets", swiftSettings: strict),
        .testTarget(name: "FuzzTests", dependencies: ["FuzzTargets"], path: "Tests/Fuzz/FuzzTests", swiftSettings: strict),
    ] + fuzzer
)
