// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

extension FakeMetadata {
    /// What a cloud's documentation shows: values, and the answers that hold them by path (with the query where it matters).
    struct Documented: Sendable {
        let values: [String: String]
        let answers: @Sendable ([String: String]) -> [String: String]
    }

    static let documented: [String: Documented] = [
        // https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-metadata.html
        "aws": Documented(
            values: [
                "zone": "eu-west-1a", "region": "eu-west-1", "zone_id": "euw1-az2", "account_id": "123456789012", "host_id": "i-1234567890abcdef0",
                "host_type": "m5.large", "host_name": "ip-10-0-0-4.eu-west-1.compute.internal", "image_id": "ami-0abcdef1234567890",
                "subnet": "10.0.0.0/20", "subnet6": "2001:db8:a::/64", "second_subnet": "10.0.32.0/20",
            ]
        ) { values in
            let first = "02:29:96:8f:6a:2d"
            let second = "02:29:96:8f:6a:2e"
            let macs = "/latest/meta-data/network/interfaces/macs/"
            var answers = [
                "/latest/meta-data/placement/availability-zone": values["zone"], "/latest/meta-data/placement/region": values["region"],
                "/latest/meta-data/placement/availability-zone-id": values["zone_id"], "/latest/meta-data/instance-id": values["host_id"],
                "/latest/meta-data/instance-type": values["host_type"], "/latest/meta-data/local-hostname": values["host_name"],
                "/latest/dynamic/instance-identity/document": """
                {
                  "accountId" : "\(values["account_id"] ?? "")",
                  "architecture" : "x86_64",
                  "availabilityZone" : "\(values["zone"] ?? "")",
                  "billingProducts" : null,
                  "devpayProductCodes" : null,
                  "marketplaceProductCodes" : [ "1abc2defghijklm3nopqrs4tu" ],
                  "imageId" : "\(values["image_id"] ?? "")",
                  "instanceId" : "\(values["host_id"] ?? "")",
                  "instanceType" : "\(values["host_type"] ?? "")",
                  "kernelId" : null,
                  "pendingTime" : "2016-11-19T16:32:11Z",
                  "privateIp" : "10.0.0.4",
                  "ramdiskId" : null,
                  "region" : "\(values["region"] ?? "")",
                  "version" : "2017-09-30"
                }
                """,
                "/latest/meta-data/identity-credentials/ec2/info": """
                {
                  "Code" : "Success",
                  "LastUpdated" : "2025-01-01T00:00:00Z",
                  "AccountId" : "\(values["account_id"] ?? "")"
                }
                """,
                macs: "\(first)/\n\(second)/", "\(macs)\(first)/subnet-ipv4-cidr-block": values["subnet"],
                "\(macs)\(first)/subnet-ipv6-cidr-blocks": values["subnet6"], "\(macs)\(second)/subnet-ipv4-cidr-block": values["second_subnet"],
            ].compactMapValues { $0 }
            if values["second_subnet"] == nil { answers[macs] = "\(first)/" }
            return answers
        },
        // https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys
        "gcp": Documented(
            values: [
                "zone": "us-central1-a", "region": "us-central1", "account_id": "my-project", "host_id": "5711922345678901234",
                "host_type": "n1-standard-1", "host_name": "frontend-0",
                "image_id": "projects/debian-cloud/global/images/debian-12-bookworm-v20240110",
            ]
        ) { values in
            [
                "instance/zone": values["zone"].map { "projects/123456789012/zones/\($0)" },
                "instance/machine-type": values["host_type"].map { "projects/123456789012/machineTypes/\($0)" },
                "instance/id": values["host_id"], "instance/name": values["host_name"], "instance/image": values["image_id"],
                "project/project-id": values["account_id"],
            ].reduce(into: [:]) { answers, entry in answers["/computeMetadata/v1/\(entry.key)"] = entry.value }
        },
        // https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service
        "azure": Documented(
            values: [
                "zone_number": "2", "zone": "westeurope-2", "region": "westeurope", "zone_id": "westeurope-az3",
                "account_id": "8d10da13-8125-4ba9-a717-bf7490507b3d", "host_id": "02aab8a4-74ef-476e-8182-f6d2ba4166a6", "host_type": "Standard_A3",
                "host_name": "examplevmname",
            ]
        ) { values in
            [
                "/metadata/instance": """
                {
                  "compute": {
                    "azEnvironment": "AZUREPUBLICCLOUD", "isHostCompatibilityLayerVm": "true", "licenseType": "",
                    "location": "\(values["region"] ?? "")", "name": "\(values["host_name"] ?? "")", "offer": "",
                    "osProfile": { "adminUsername": "admin", "computerName": "examplevmname", "disablePasswordAuthentication": "true" },
                    "osType": "Linux", "plan": { "name": "planName", "product": "planProduct", "publisher": "planPublisher" },
                    "platformFaultDomain": "36", "platformUpdateDomain": "42",
                    "publicKeys": [ { "keyData": "ssh-rsa 0", "path": "/home/user/.ssh/authorized_keys0" } ],
                    "resourceGroupName": "macikgo-test-may-23",
                    "storageProfile": { "dataDisks": [ { "diskSizeGB": "1024", "lun": "0" } ], "resourceDisk": { "size": "4096" } },
                    "subscriptionId": "\(values["account_id"] ?? "")", "tags": "baz:bash;foo:bar",
                    "tagsList": [ { "name": "location", "value": "somewhere else" } ],
                    "version": "15.05.22", "vmId": "\(values["host_id"] ?? "")", "vmScaleSetName": "crpteste9vflji9",
                    "vmSize": "\(values["host_type"] ?? "")", "zone": "\(values["zone_number"] ?? "")"
                  },
                  "network": {
                    "interface": [ {
                      "ipv4": {
                        "ipAddress": [ { "privateIpAddress": "10.144.133.132", "publicIpAddress": "" } ],
                        "subnet": [ { "address": "10.144.133.128", "prefix": "26" } ]
                      },
                      "ipv6": { "ipAddress": [] }, "macAddress": "0011AAFFBB22"
                    } ]
                  }
                }
                """,
                "/metadata/instance/compute/physicalZone": values["zone_id"],
            ].compactMapValues { $0 }
        },
        // https://docs.oracle.com/iaas/Content/Compute/Tasks/gettingmetadata.htm
        "oracle_cloud": Documented(
            values: [
                "zone": "PHX-AD-1", "region": "us-phoenix-1", "zone_id": "phx-ad-1", "account_id": "ocid1.tenancy.oc1..exampleuniqueID",
                "host_id": "ocid1.instance.oc1.phx.exampleuniqueID", "host_type": "VM.Standard.E3.Flex", "host_name": "my-hostname",
                "image_id": "ocid1.image.oc1.phx.exampleuniqueID",
            ]
        ) { values in
            [
                "/opc/v2/instance/": """
                {
                  "availabilityDomain" : "EMIr:\(values["zone"] ?? "")", "faultDomain" : "FAULT-DOMAIN-3",
                  "compartmentId" : "ocid1.compartment.oc1..exampleuniqueID", "tenantId" : "\(values["account_id"] ?? "")",
                  "displayName" : "my-example-instance", "hostname" : "\(values["host_name"] ?? "")", "id" : "\(values["host_id"] ?? "")",
                  "image" : "\(values["image_id"] ?? "")", "metadata" : { "ssh_authorized_keys" : "example-ssh-key" }, "region" : "phx",
                  "canonicalRegionName" : "\(values["region"] ?? "")", "ociAdName" : "\(values["zone_id"] ?? "")",
                  "regionInfo" : { "realmKey" : "oc1", "realmDomainComponent" : "oraclecloud.com", "regionKey" : "PHX" },
                  "shape" : "\(values["host_type"] ?? "")", "state" : "Running", "timeCreated" : 1600381928581,
                  "agentConfig" : { "monitoringDisabled" : false, "pluginsConfig" : [ { "name" : "Custom Logs Monitoring", "desiredState" : "ENABLED" } ] },
                  "definedTags" : { "Operations" : { "CostCenter" : "42" } }
                }
                """
            ]
        },
        // https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata
        "alibaba_cloud": Documented(
            values: [
                "zone": "cn-hangzhou-i", "region": "cn-hangzhou", "account_id": "1609439343", "host_id": "i-bp13znx0m0me8cquu",
                "host_type": "ecs.g6e.large", "host_name": "iZbp13znx0m0me8cquu", "image_id": "aliyun_3_x64_20G_alibase_20210425.vhd",
                "subnet": "192.168.16.0/24",
            ]
        ) { values in
            let mac = "00:16:3e:0f:11:22"
            let macs = "network/interfaces/macs/"
            return [
                "zone-id": values["zone"], "region-id": values["region"], "owner-account-id": values["account_id"], "instance-id": values["host_id"],
                "instance/instance-type": values["host_type"], "hostname": values["host_name"], "image-id": values["image_id"], macs: "\(mac)/",
                "\(macs)\(mac)/vswitch-cidr-block": values["subnet"], "\(macs)\(mac)/vswitch-ipv6-cidr-block": values["subnet6"],
            ].reduce(into: [:]) { answers, entry in answers["/latest/meta-data/\(entry.key)"] = entry.value }
        },
        // https://docs.digitalocean.com/reference/api/metadata
        "digitalocean": Documented(values: ["zone": "nyc3", "region": "nyc3", "host_id": "2756294", "host_name": "sample-droplet"]) { values in
            ["region": values["region"], "id": values["host_id"], "hostname": values["host_name"]]
                .reduce(into: [:]) { answers, entry in answers["/metadata/v1/\(entry.key)"] = entry.value }
        },
        // https://docs.hetzner.cloud/reference/cloud#server-metadata
        "hetzner": Documented(values: ["zone": "hel1-dc2", "region": "eu-central", "host_id": "42", "host_name": "my-server"]) { values in
            ["availability-zone": values["zone"], "region": values["region"], "instance-id": values["host_id"], "hostname": values["host_name"]]
                .reduce(into: [:]) { answers, entry in answers["/hetzner/v1/metadata/\(entry.key)"] = entry.value }
        },
        // https://www.scaleway.com/en/developers/api/instances/ (the server's own view)
        "scaleway_cloud": Documented(
            values: [
                "zone": "fr-par-1", "region": "fr-par", "account_id": "51b656e3-4865-41e8-adbc-0c45bdd780db",
                "host_id": "67375eb1-f14d-4f02-bb42-6119cecbde51", "host_type": "GP1-M", "host_name": "scw-e0d256",
                "image_id": "b338f25c-ba76-4fb5-bb3d-9b9b36d8f11d",
            ]
        ) { values in
            [
                "/conf?format=json": """
                {"tags": [], "commercial_type": "\(values["host_type"] ?? "")", "hostname": "\(values["host_name"] ?? "")", "extra_networks": [],
                 "id": "\(values["host_id"] ?? "")", "image": {"arch": "x86_64", "id": "\(values["image_id"] ?? "")",
                 "root_volume": {"size": 50000000000}},
                 "ipv6": null, "location": {"cluster_id": "10", "hypervisor_id": "613", "node_id": "3",
                 "platform_id": "13", "zone_id": "\(values["zone"] ?? "")"},
                 "name": "\(values["host_name"] ?? "")", "organization": "\(values["account_id"] ?? "")", "private_ip": "10.16.90.5",
                 "public_ip": {"address": "212.47.228.83", "dynamic": false}, "ssh_public_keys": [], "volumes": {"0": {"volume_type": "l_ssd"}}}
                """
            ]
        },
        // https://www.vultr.com/metadata/
        "vultr": Documented(
            values: ["zone": "ewr", "region": "ewr", "host_id": "36e9cf60-5d93-4e31-8ebf-613b3d2874fb", "host_name": "vultr-guest"]
        ) { values in
            [
                "/v1.json": """
                {
                    "bgp": { "ipv4": { "my-address": "", "my-asn": "", "peer-address": "", "peer-asn": "" } },
                    "hostname": "\(values["host_name"] ?? "")", "instanceid": "a747bfz6385e", "instance-v2-id": "\(values["host_id"] ?? "")",
                    "interfaces": [ { "ipv4": { "additional": [], "address": "192.0.2.2", "gateway": "192.0.2.1", "netmask": "255.255.255.0" },
                                      "mac": "56:00:00:00:00:01", "network-type": "public" } ],
                    "public-keys": "ssh-rsa AAAA\\n",
                    "region": { "countrycode": "US", "regioncode": "\((values["region"] ?? "").uppercased())" }, "user-defined": []
                }
                """
            ]
        },
        // https://docs.openstack.org/nova/latest/user/metadata.html
        "openstack": Documented(
            values: [
                "zone": "nova", "account_id": "f7ac731cc11f40efbc03a9f9e1d1d21f", "host_id": "d8e02d56-2648-49a3-bf97-6be8f1204f38",
                "host_type": "m1.tiny", "host_name": "test.novalocal",
            ]
        ) { values in
            [
                "/openstack/latest/meta_data.json": """
                {"random_seed": "yu5ZnkqF2CqnDZVAfZgarG...", "availability_zone": "\(values["zone"] ?? "")",
                 "keys": [{"data": "ssh-rsa AAAA", "type": "ssh", "name": "mykey"}], "hostname": "\(values["host_name"] ?? "")", "launch_index": 0,
                 "meta": {"priority": "low", "role": "webserver", "availability_zone": "not-this"}, "devices": [],
                 "project_id": "\(values["account_id"] ?? "")",
                 "public_keys": {"mykey": "ssh-rsa AAAA"}, "name": "test", "uuid": "\(values["host_id"] ?? "")"}
                """,
                "/latest/meta-data/instance-type": values["host_type"],
            ].compactMapValues { $0 }
        },
    ]
}
