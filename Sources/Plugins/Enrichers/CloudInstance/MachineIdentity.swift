// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FileTree

/// What the firmware says of the machine (SMBIOS, by way of the kernel's `dmi` class): who made it, without asking the network.
package struct MachineIdentity: Sendable {
    /// A file below the root of sysfs. Serial number and uuid are readable by root alone.
    package enum File: String, CaseIterable, Sendable {
        case systemVendor = "class/dmi/id/sys_vendor"
        case boardVendor = "class/dmi/id/board_vendor"
        case productName = "class/dmi/id/product_name"
        case productSerial = "class/dmi/id/product_serial"
        case productUUID = "class/dmi/id/product_uuid"
        case chassisAssetTag = "class/dmi/id/chassis_asset_tag"
        /// Of Xen guests.
        case hypervisorUUID = "hypervisor/uuid"
    }

    /// Small letters, without what stands around them.
    private var texts: [File: String] = [:]

    package init(_ texts: [File: String]) { self.texts = texts.mapValues(Self.normal) }

    /// Reads the files below `root` (`/sys`); one that is not there or may not be read is empty.
    package init(root: String) {
        for file in File.allCases {
            guard let bytes = try? FileTree.read("\(root)/\(file.rawValue)", limit: 256) else { continue }
            texts[file] = Self.normal(String(decoding: bytes, as: UTF8.self))
        }
    }

    private static func normal(_ text: String) -> String {
        let inner = text.utf8.drop { $0 <= 0x20 }.reversed().drop { $0 <= 0x20 }.reversed()
        return String(decoding: Array(inner), as: UTF8.self).lowercased()
    }

    private subscript(file: File) -> String { texts[file] ?? "" }

    /// Something that holds of a machine; upper and lower case are one.
    package enum Condition: Sendable {
        case equals(File, String)
        case begins(File, String)
        case same(File, File)
    }

    package func holds(_ condition: Condition) -> Bool {
        switch condition {
        case .equals(let file, let text): self[file] == text.lowercased()
        case .begins(let file, let text): self[file].hasPrefix(text.lowercased())
        case .same(let file, let other): self[file] == self[other]
        }
    }
}
