// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

extension MetadataProvider {
    /// The address that most clouds answer at, in the network of every instance. IPv4 link-local: never routed.
    private static let usual = "http://169.254.169.254"

    /// The clouds that are known. To add one, add its row and a test with the answers that its documentation shows.
    package static let all: [MetadataProvider] = [
        aws, gcp, azure, oracle, alibaba, digitalOcean, hetzner, scaleway, vultr, openStack,
    ]

    package static func named(_ name: String) -> MetadataProvider? { all.first { $0.name == name } }

    private static let aws = MetadataProvider(
        name: "aws", platform: "aws_ec2",
        tests: [
            [.equals(.systemVendor, "Amazon EC2")], [.equals(.boardVendor, "Amazon EC2")], [.begins(.hypervisorUUID, "ec2")],
            [.begins(.productUUID, "ec2"), .same(.productUUID, .productSerial)],
        ],
        address: usual,
        // IMDSv2; the token is for this attempt alone.
        token: Token(
            path: "/latest/api/token", lifetime: Header("X-aws-ec2-metadata-token-ttl-seconds", "60"), header: "X-aws-ec2-metadata-token"),
        requests: [
            .text("/latest/meta-data/placement/availability-zone", .zone),
            .text("/latest/meta-data/placement/region", .region),
            .text("/latest/meta-data/placement/availability-zone-id", .zoneID),
            .text("/latest/meta-data/instance-id", .hostID),
            .text("/latest/meta-data/instance-type", .hostType),
            .text("/latest/meta-data/local-hostname", .hostName),
            .json(
                "/latest/dynamic/instance-identity/document",
                [
                    ("accountId", .accountID, .none), ("imageId", .imageID, .none), ("region", .region, .none),
                    ("availabilityZone", .zone, .none), ("instanceId", .hostID, .none), ("instanceType", .hostType, .none),
                ]),
            .json("/latest/meta-data/identity-credentials/ec2/info", [("AccountId", .accountID, .none)]),
        ],
        subnets: Subnets(
            interfaces: "/latest/meta-data/network/interfaces/macs/", ranges: ["subnet-ipv4-cidr-block", "subnet-ipv6-cidr-blocks"]))

    private static let gcp = MetadataProvider(
        name: "gcp", platform: "gcp_compute_engine",
        tests: [[.equals(.productName, "Google Compute Engine")], [.begins(.productSerial, "GoogleCloud-")]],
        address: usual, headers: [Header("Metadata-Flavor", "Google")], signature: Header("Metadata-Flavor", "Google"),
        // Leaf by leaf: the whole tree has the users' scripts in it, which have no small limit.
        requests: [
            .text("/computeMetadata/v1/instance/zone", .zone, .lastComponent),
            .text("/computeMetadata/v1/project/project-id", .accountID),
            .text("/computeMetadata/v1/instance/id", .hostID),
            .text("/computeMetadata/v1/instance/machine-type", .hostType, .lastComponent),
            .text("/computeMetadata/v1/instance/name", .hostName),
            .text("/computeMetadata/v1/instance/image", .imageID),
        ],
        zones: .namesRegion)

    private static let azure = MetadataProvider(
        name: "azure", platform: "azure.vm",
        // The vendor alone is any Hyper-V.
        tests: [[.equals(.chassisAssetTag, "7783-7084-3265-9085-8269-3286-77")]],
        address: usual, headers: [Header("Metadata", "True")],
        requests: [
            // Later versions hold the user data, 64 KiB by themselves.
            .json(
                "/metadata/instance?api-version=2020-09-01&format=json",
                [
                    ("compute.zone", .zone, .none), ("compute.location", .region, .none), ("compute.subscriptionId", .accountID, .none),
                    ("compute.vmId", .hostID, .none), ("compute.vmSize", .hostType, .none), ("compute.name", .hostName, .none),
                ]),
            // Zone numbers mean another place in every subscription; this is the place.
            .text("/metadata/instance/compute/physicalZone?api-version=2023-11-15&format=text", .zoneID),
        ],
        zones: .numbered)

    private static let oracle = MetadataProvider(
        name: "oracle_cloud", platform: "oracle_cloud_compute", tests: [[.equals(.chassisAssetTag, "OracleCloud.com")]],
        address: usual, headers: [Header("Authorization", "Bearer Oracle")],
        requests: [
            .json(
                "/opc/v2/instance/",
                [
                    ("availabilityDomain", .zone, .behindColon), ("ociAdName", .zoneID, .none), ("canonicalRegionName", .region, .none),
                    ("tenantId", .accountID, .none), ("id", .hostID, .none), ("shape", .hostType, .none), ("hostname", .hostName, .none),
                    ("image", .imageID, .none),
                ])
        ])

    private static let alibaba = MetadataProvider(
        name: "alibaba_cloud", platform: "alibaba_cloud_ecs", tests: [[.equals(.productName, "Alibaba Cloud ECS")]],
        address: "http://100.100.100.200",
        token: Token(
            path: "/latest/api/token", lifetime: Header("X-aliyun-ecs-metadata-token-ttl-seconds", "60"),
            header: "X-aliyun-ecs-metadata-token"),
        requests: [
            .text("/latest/meta-data/zone-id", .zone),
            .text("/latest/meta-data/region-id", .region),
            .text("/latest/meta-data/owner-account-id", .accountID),
            .text("/latest/meta-data/instance-id", .hostID),
            .text("/latest/meta-data/instance/instance-type", .hostType),
            .text("/latest/meta-data/hostname", .hostName),
            .text("/latest/meta-data/image-id", .imageID),
        ],
        // A vSwitch lives in one zone.
        subnets: Subnets(
            interfaces: "/latest/meta-data/network/interfaces/macs/", ranges: ["vswitch-cidr-block", "vswitch-ipv6-cidr-block"]))

    /// OpenTelemetry has no word for it; this is the one that its users write.
    private static let digitalOcean = MetadataProvider(
        name: "digitalocean", platform: nil, tests: [[.equals(.systemVendor, "DigitalOcean")]], address: usual,
        requests: [
            .text("/metadata/v1/region", .region), .text("/metadata/v1/id", .hostID), .text("/metadata/v1/hostname", .hostName),
        ],
        zones: .isRegion)

    private static let hetzner = MetadataProvider(
        name: "hetzner", platform: "hetzner.cloud_server", tests: [[.equals(.systemVendor, "Hetzner")]], address: usual,
        requests: [
            .text("/hetzner/v1/metadata/availability-zone", .zone), .text("/hetzner/v1/metadata/region", .region),
            .text("/hetzner/v1/metadata/instance-id", .hostID), .text("/hetzner/v1/metadata/hostname", .hostName),
        ])

    private static let scaleway = MetadataProvider(
        name: "scaleway_cloud", platform: "scaleway_cloud_compute", tests: [[.equals(.systemVendor, "Scaleway")]],
        address: "http://169.254.42.42",
        requests: [
            .json(
                "/conf?format=json",
                [
                    ("zone", .zone, .none), ("location.zone_id", .zone, .none), ("organization", .accountID, .none), ("id", .hostID, .none),
                    ("commercial_type", .hostType, .none), ("hostname", .hostName, .none), ("image.id", .imageID, .none),
                ])
        ],
        zones: .namesRegion)

    private static let vultr = MetadataProvider(
        name: "vultr", platform: "vultr.cloud_compute", tests: [[.equals(.systemVendor, "Vultr")]], address: usual,
        requests: [
            .json(
                "/v1.json",
                [
                    ("region.regioncode", .region, .lowercased), ("instance-v2-id", .hostID, .none), ("instanceid", .hostID, .none),
                    ("hostname", .hostName, .none),
                ])
        ],
        zones: .isRegion)

    /// The clouds of many; those above that are built on it have names of their own.
    private static let openStack = MetadataProvider(
        name: "openstack", platform: nil,
        tests: [
            [.begins(.productName, "OpenStack Nova")], [.begins(.productName, "OpenStack Compute")],
            [.begins(.chassisAssetTag, "OpenStack Nova")], [.begins(.chassisAssetTag, "OpenStack Compute")],
            [.equals(.chassisAssetTag, "OpenTelekomCloud")], [.equals(.chassisAssetTag, "SAP CCloud VM")],
            [.equals(.chassisAssetTag, "HUAWEICLOUD")],
        ],
        address: usual,
        requests: [
            .json(
                "/openstack/latest/meta_data.json",
                [
                    ("availability_zone", .zone, .none), ("project_id", .accountID, .none), ("uuid", .hostID, .none),
                    ("hostname", .hostName, .none),
                ]),
            .text("/latest/meta-data/instance-type", .hostType),
        ])
}
