// swift-tools-version:6.2
// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

func weir(_ product: String) -> Target.Dependency { .product(name: product, package: "weir") }

let package = Package(
    name: "in-house-agent",
    products: [.executable(name: "in-house-weir", targets: ["Agent"])],
    // Outside of this repository: .package(url: "https://…/weir", .upToNextMinor(from: "0.1.0"))
    dependencies: [.package(name: "weir", path: "../..")],
    targets: [
        .target(
            name: "InHousePlugins", dependencies: [weir("WeirKit")], exclude: ["TeamInventory/README.md", "CSVReport/README.md"],
            resources: [.embedInCode("TeamInventory/team_inventory.yaml"), .embedInCode("CSVReport/csv_report.yaml")],
            swiftSettings: [.treatAllWarnings(as: .error)]),
        .executableTarget(name: "Agent", dependencies: ["InHousePlugins", weir("WeirHost"), weir("BuiltInPlugins")]),
        .testTarget(
            name: "InHouseTests", dependencies: ["InHousePlugins", weir("WeirKit"), weir("WeirHost"), weir("WeirTesting"), weir("BuiltInPlugins")],
            exclude: ["Cases"], swiftSettings: [.treatAllWarnings(as: .error)]),
    ]
)
