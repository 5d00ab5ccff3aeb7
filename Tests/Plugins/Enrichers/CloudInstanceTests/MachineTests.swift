// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CloudInstanceEnricher
import Testing

@Suite("cloud_instance: the firmware names the cloud")
struct MachineTests {
    private func recognised(_ texts: [MachineIdentity.File: String]) -> String? {
        let machine = MachineIdentity(texts)
        return MetadataProvider.all.first { $0.isHere(machine) }?.name
    }

    static let uuid = "EC2F1A2B-1111-2222-3333-444455556666"

    static let machines: [([MachineIdentity.File: String], String?)] = [
        ([.systemVendor: "Amazon EC2\n", .boardVendor: "Amazon EC2"], "aws"), ([.boardVendor: "Amazon EC2"], "aws"),
        ([.hypervisorUUID: "ec2f1a2b-1111-2222-3333-444455556666\n", .systemVendor: "Xen"], "aws"),
        ([.productUUID: uuid, .productSerial: uuid.lowercased()], "aws"),
        // By itself a uuid that begins so is one in 4096.
        ([.productUUID: uuid, .productSerial: "VMware-56 4d"], nil), ([.productUUID: uuid], nil),
        ([.productName: "Google Compute Engine\n", .systemVendor: "Google"], "gcp"), ([.productSerial: "GoogleCloud-0123ABCD"], "gcp"),
        // A Chromebook.
        ([.systemVendor: "Google", .boardVendor: "Google", .productName: "Eve"], nil),
        ([.chassisAssetTag: "7783-7084-3265-9085-8269-3286-77\n", .systemVendor: "Microsoft Corporation"], "azure"),
        // Hyper-V in the cellar.
        ([.systemVendor: "Microsoft Corporation", .boardVendor: "Microsoft Corporation", .productName: "Virtual Machine"], nil),
        ([.chassisAssetTag: "OracleCloud.com"], "oracle_cloud"),
        ([.productName: "Alibaba Cloud ECS", .systemVendor: "Alibaba Cloud"], "alibaba_cloud"),
        ([.systemVendor: "DigitalOcean"], "digitalocean"), ([.systemVendor: "Hetzner"], "hetzner"), ([.systemVendor: "Scaleway"], "scaleway_cloud"),
        ([.systemVendor: "Vultr"], "vultr"), ([.productName: "OpenStack Nova", .systemVendor: "OpenStack Foundation"], "openstack"),
        ([.productName: "OpenStack Compute"], "openstack"), ([.chassisAssetTag: "OpenTelekomCloud"], "openstack"),
        ([.chassisAssetTag: "HUAWEICLOUD"], "openstack"), ([.chassisAssetTag: "SAP CCloud VM"], "openstack"),
        ([.systemVendor: "QEMU", .productName: "Standard PC (Q35 + ICH9, 2009)"], nil), ([.systemVendor: "Dell Inc."], nil), ([:], nil),
    ]

    @Test("machines and their clouds", arguments: machines)
    func machine(texts: [MachineIdentity.File: String], cloud: String?) { #expect(recognised(texts) == cloud) }

    @Test("the files of a folder are read, what is not there is not missed, and a device that floods is cut")
    func files() throws {
        let root = try Folder()
        #expect(MachineIdentity(root: root.path).holds(.equals(.systemVendor, "")))
        try root.write("class/dmi/id/sys_vendor", "  Hetzner \n")
        try root.write("hypervisor/uuid", String(repeating: "ec2", count: 10_000))
        let machine = MachineIdentity(root: root.path)
        #expect(machine.holds(.equals(.systemVendor, "HETZNER")) && machine.holds(.begins(.hypervisorUUID, "ec2ec2")))
        #expect(!machine.holds(.equals(.hypervisorUUID, String(repeating: "ec2", count: 10_000))))
    }
}
