// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// One thing that a cloud says of an instance. The raw value is the option that sets it by hand, where there is one.
package enum CloudField: String, CaseIterable, Sendable {
    case zone, region
    case zoneID = "zone_id"
    case accountID = "account_id"
    case hostID = "host_id"
    case hostType = "host_type"
    /// For the resource of exporters alone: the flow's ends have `name`.
    case hostName, imageID

    /// Those that users can set, and that flows carry.
    package static let settable: [CloudField] = [.zone, .region, .zoneID, .accountID, .hostID, .hostType]

    package static let cloudProvider = Attribute.endpoint(
        "cloud.provider", "The cloud that the host runs in, by OpenTelemetry's word: aws, gcp, azure, …")
    package static let cloudAccountID = Attribute.endpoint("cloud.account.id", "The cloud account, project or subscription that the host belongs to.")
    package static let hostIDAttribute = Attribute.endpoint("host.id", "The host's instance id in its cloud.")
    package static let hostTypeAttribute = Attribute.endpoint("host.type", "The host's instance type in its cloud.")

    /// What endpoints carry; nil for what only the resource has.
    package var attribute: Attribute? {
        switch self {
        case .zone: .zone
        case .region: .region
        case .zoneID: .zoneID
        case .accountID: Self.cloudAccountID
        case .hostID: Self.hostIDAttribute
        case .hostType: Self.hostTypeAttribute
        case .hostName, .imageID: nil
        }
    }

    /// OpenTelemetry's name for it as an attribute of a resource; there is none for a zone's id.
    package var resourceName: String? {
        switch self {
        case .zone: "cloud.availability_zone"
        case .region: "cloud.region"
        case .zoneID: nil
        case .accountID: "cloud.account.id"
        case .hostID: "host.id"
        case .hostType: "host.type"
        case .hostName: "host.name"
        case .imageID: "host.image.id"
        }
    }

    /// Whether a service can mean this. What answers at a metadata address may be a proxy's error page, and a
    /// wrong zone is worse than none.
    package func isPlausible(_ text: String) -> Bool {
        let bytes = text.utf8
        guard let first = bytes.first, Self.isAlphanumeric(first) else { return false }
        switch self {
        case .zone, .region, .zoneID: return bytes.count <= 64 && bytes.allSatisfy { Self.isAlphanumeric($0) || Self.inNames.contains($0) }
        default: return bytes.count <= 255 && bytes.allSatisfy { Self.isAlphanumeric($0) || Self.inIDs.contains($0) }
        }
    }

    private static let inNames = Set("-_.:".utf8)
    private static let inIDs = Set("-_.:/@+=".utf8)

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }
}
