// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import LocalOwnerEnricher
import Testing

@Suite("local_owner: a cgroup path says who runs in it")
struct CgroupOwnerTests {
    static let a = String(repeating: "0123456789ab", count: 5) + "cdef"
    static let b = String(repeating: "f", count: 64)
    static let uid = "8f7c8d2e-1a2b-4c3d-9e8f-001122334455"
    static let systemdUID = "8f7c8d2e_1a2b_4c3d_9e8f_001122334455"

    private static func container(_ unit: String? = nil) -> CgroupOwner {
        CgroupOwner(name: "0123456789ab", type: "container", unit: unit, container: a)
    }
    private static let pod = CgroupOwner(name: uid, type: "pod", container: a, pod: uid)
    private static func unit(_ name: String, _ kind: String, _ unit: String) -> CgroupOwner {
        CgroupOwner(name: name, type: "systemd_\(kind)", unit: unit)
    }
    private static func user(_ unit: String) -> CgroupOwner { CgroupOwner(name: "user-1000", type: "user", unit: unit) }

    @Test("the root is the host")
    func root() {
        #expect(CgroupOwner(path: "/") == nil)
        #expect(CgroupOwner(path: "") == nil)
    }

    static let units: [(String, CgroupOwner)] = [
        ("/system.slice/nginx.service", unit("nginx", "service", "nginx.service")),
        ("/system.slice/nginx.service/worker", unit("nginx", "service", "nginx.service")),
        ("/system.slice/ssh.socket", unit("ssh", "socket", "ssh.socket")),
        ("/system.slice/system-getty.slice/getty@tty1.service", unit("getty@tty1", "service", "getty@tty1.service")),
        ("/system.slice/system-postgresql.slice/postgresql@15-main.service", unit("postgresql@15-main", "service", "postgresql@15-main.service")),
        (
            "/system.slice/system-sshd.slice/sshd@3-10.0.0.4:22-10.0.0.9:50112.service",
            unit("sshd", "service", "sshd@3-10.0.0.4:22-10.0.0.9:50112.service")
        ),
        (#"/system.slice/my\x2dapp.service"#, unit("my-app", "service", #"my\x2dapp.service"#)),
        (#"/system.slice/openvpn@site\x2da.service"#, unit("openvpn@site-a", "service", #"openvpn@site\x2da.service"#)),
        ("/system.slice/run-u42.service", unit("run", "service", "run-u42.service")),
        ("/system.slice/run-r0123456789abcdef0123456789abcdef.scope", unit("run", "scope", "run-r0123456789abcdef0123456789abcdef.scope")),
        ("/system.slice/run-p1021-i1022.service", unit("run", "service", "run-p1021-i1022.service")),
        ("/system.slice/run-docker-netns.mount", unit("run-docker-netns", "mount", "run-docker-netns.mount")),
        ("/init.scope", unit("init", "scope", "init.scope")),
        ("/system.slice", unit("system", "slice", "system.slice")),
        ("/payments.slice/payments-api.slice", unit("payments-api", "slice", "payments-api.slice")),
        ("/payments.slice/payments-api.slice/api.service", unit("api", "service", "api.service")),
        ("/system.slice/docker.service", unit("docker", "service", "docker.service")),
        ("/system.slice/_cgroup.service", unit("cgroup", "service", "cgroup.service")),
        ("/user.slice/user-1000.slice/session-3.scope", user("session-3.scope")),
        ("/user.slice/user-1000.slice/session-c1.scope", user("session-c1.scope")),
        ("/user.slice/user-1000.slice/user@1000.service", user("user@1000.service")),
        ("/user.slice/user-1000.slice/user@1000.service/init.scope", user("init.scope")),
        ("/user.slice/user-1000.slice", user("user-1000.slice")),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-firefox-4711.scope", user("app-gnome-firefox-4711.scope")),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/syncthing.service", unit("syncthing", "service", "syncthing.service")),
        (
            "/user.slice/user-1000.slice/user@1000.service/app.slice/app-org.gnome.Maps@0f3a.service",
            unit("app-org.gnome.Maps", "service", "app-org.gnome.Maps@0f3a.service")
        ),
        ("/mine", CgroupOwner(name: "mine", type: "cgroup")),
        ("/mine/deeper", CgroupOwner(name: "deeper", type: "cgroup")),
    ]

    static let containers: [(String, CgroupOwner)] = [
        ("/system.slice/docker-\(a).scope", container()),
        ("/docker/\(a)", container()),
        ("/docker/\(a)/docker/\(b)", container()),
        ("/system.slice/docker-\(a).scope/system.slice/nginx.service", container()),
        (
            "/system.slice/docker-\(a).scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod\(systemdUID).slice/cri-containerd-\(b).scope",
            container()
        ),
        ("/machine.slice/libpod-\(a).scope/container", container()),
        ("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-\(a).scope", container()),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/docker-\(a).scope", container()),
        ("/system.slice/shop.service/libpod-payload-\(a)", container("shop.service")),
        ("/libpod_parent/libpod-\(a)", container()),
        ("/system.slice/nerdctl-\(a).scope", container()),
        ("/ecs/f00df00df00df00df00df00df00df00d/\(a)", container()),
        ("/machine.slice/libpod-conmon-\(a).scope", unit("libpod-conmon-\(a)", "scope", "libpod-conmon-\(a).scope")),
        ("/lxc.payload.web1/system.slice/nginx.service", CgroupOwner(name: "web1", type: "container", container: "web1")),
        ("/lxc/web1", CgroupOwner(name: "web1", type: "container", container: "web1")),
        (
            #"/machine.slice/machine-qemu\x2d3\x2ddb\x2dprimary.scope/libvirt/emulator"#,
            CgroupOwner(name: "db-primary", type: "virtual_machine", container: "qemu-3-db-primary")
        ),
        (#"/machine.slice/machine-build\x2d1.scope/payload"#, CgroupOwner(name: "build-1", type: "container", container: "build-1")),
        ("/machine.slice/systemd-nspawn@debian.service/payload", CgroupOwner(name: "debian", type: "container", container: "debian")),
        (
            "/ecs/f00df00df00df00df00df00df00df00d/f00df00df00df00df00df00df00df00d-123456",
            CgroupOwner(name: "f00df00df00d", type: "container", container: "f00df00df00df00df00df00df00df00d-123456")
        ),
    ]

    static let pods: [(String, CgroupOwner)] = [
        ("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod\(systemdUID).slice/cri-containerd-\(a).scope", pod),
        ("/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod\(systemdUID).slice/crio-\(a).scope", pod),
        ("/kubepods.slice/kubepods-pod\(systemdUID).slice/docker-\(a).scope", pod),
        ("/kubepods/burstable/pod\(uid)/\(a)", pod),
        ("/kubepods/pod\(uid)/crio-\(a)", pod),
        (
            "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod\(systemdUID).slice/cri-containerd-\(a).scope",
            pod
        ),
        (
            "/system.slice/containerd.service/kubepods-burstable-pod\(systemdUID).slice:cri-containerd:\(a)",
            CgroupOwner(name: uid, type: "pod", unit: "containerd.service", container: a, pod: uid)
        ),
        ("/kubepods/besteffort/pod\(uid)", CgroupOwner(name: uid, type: "pod", pod: uid)),
        ("/kubepods.slice/kubepods-pod\(systemdUID).slice/crio-conmon-\(a).scope", CgroupOwner(name: uid, type: "pod", pod: uid)),
        // A static pod: its uid is the hash of its file.
        (
            "/kubepods/burstable/pod0123456789abcdef0123456789abcdef/\(a)",
            CgroupOwner(name: "0123456789abcdef0123456789abcdef", type: "pod", container: a, pod: "0123456789abcdef0123456789abcdef")
        ),
        // k3s and a systemd inside the container.
        ("/kubepods/burstable/pod\(uid)/\(a)/system.slice/nginx.service", pod),
        ("/kubepods.slice", unit("kubepods", "slice", "kubepods.slice")),
    ]

    @Test("systemd units, slices, users and plain groups", arguments: units)
    func unitPaths(path: String, expected: CgroupOwner) { #expect(CgroupOwner(path: path) == expected) }

    @Test("containers and machines of every runtime; the outermost wins", arguments: containers)
    func containerPaths(path: String, expected: CgroupOwner) { #expect(CgroupOwner(path: path) == expected) }

    @Test("pods under both cgroup drivers", arguments: pods)
    func podPaths(path: String, expected: CgroupOwner) { #expect(CgroupOwner(path: path) == expected) }

    @Test("random paths of path-like pieces never crash")
    func garbage() {
        let pieces = [
            "/", "-", ".", "@", ":", "\\x", "\\x2d", "_", "pod", "kubepods", ".slice", ".scope", ".service", "user-", "run-", "machine-", "lxc",
            "ecs", "é", "0", Self.a,
        ]
        for _ in 0..<20_000 {
            let path = "/" + (0..<Int.random(in: 0..<9)).map { _ in pieces.randomElement() ?? "" }.joined()
            _ = CgroupOwner(path: path)
        }
    }
}
