// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FakeKubernetes
internal import KubernetesClient
internal import ScriptedServer
internal import Testing

/// The fake API server behind a real one that speaks TLS.
@Suite("the way to an API server over TLS", .timeLimit(.minutes(1))) struct SecureAccessTests {
    private static func server(_ change: (inout FakeAPI) -> Void = { _ in }) throws -> FakeKubernetes {
        var api = FakeAPI()
        let tree = try JSONTreeReader.read(#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"kube-system","uid":"the-uid"}}"#)
        if let object = FakeObject(tree) { api.cluster.put(object) }
        change(&api)
        return try FakeKubernetes(api)
    }

    private static func front(of server: FakeKubernetes, _ certificates: TestCertificates, _ more: String = "") throws -> NginxServer {
        try NginxServer(ports: 1) { ports, _ in
            """
            server {
                listen 127.0.0.1:\(ports[0]) ssl;
                ssl_certificate \(certificates.server.certificate);
                ssl_certificate_key \(certificates.server.key);
                \(more)
                location / { proxy_pass \(server.url); proxy_http_version 1.1; proxy_buffering off; }
            }
            """
        }
    }

    private func uid(_ access: KubernetesAccess) async throws -> String? {
        try await KubernetesAPI(access).metadata(.namespaces, name: "kube-system")?.uid
    }

    private func failure(_ access: KubernetesAccess) async -> RestartReason? {
        do { _ = try await KubernetesAPI(access).metadata(.namespaces, name: "kube-system") } catch { return error.reason }
        return nil
    }

    @Test("in a pod: by the token and the authority in its files, and by no others")
    func inCluster() async throws {
        let server = try Self.server { $0.tokens = ["pod-token"] }
        let certificates = try TestCertificates()
        let nginx = try Self.front(of: server, certificates)
        let folder = try TestFolder()
        try folder.write("pod-token\n", to: "token")
        try folder.write(String(decoding: certificates.text(certificates.authority), as: UTF8.self), to: "ca.crt")
        let access = try KubernetesAccess.inCluster(
            environment: ["KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": String(nginx.ports[0])], folder: folder.path)
        #expect(try await uid(access) == "the-uid")
        try folder.write("another-token", to: "token")
        #expect(await failure(access) == .unauthorized)
        try folder.write("pod-token", to: "token")
        try folder.write(String(decoding: certificates.text(certificates.otherAuthority), as: UTF8.self), to: "ca.crt")
        #expect(await failure(access) == .tls)
    }

    @Test("by a kubeconfig with a client's certificate, which the server asks for")
    func clientCertificate() async throws {
        let server = try Self.server()
        let certificates = try TestCertificates()
        let nginx = try Self.front(of: server, certificates, "ssl_client_certificate \(certificates.authority); ssl_verify_client on;")
        let folder = try TestFolder()
        func access(_ user: String) throws -> KubernetesAccess {
            let text = """
                current-context: c
                contexts: [{ name: c, context: { cluster: c, user: c } }]
                clusters: [{ name: c, cluster: { server: "https://127.0.0.1:\(nginx.ports[0])", certificate-authority: \(certificates.authority) } }]
                users: [{ name: c, user: \(user) }]

                """
            try folder.write(text, to: "config")
            return try Kubeconfig.access("\(folder.path)/config", context: "")
        }
        let client = certificates.client
        let known = try access("{ client-certificate: \(client.certificate), client-key: \(client.key) }")
        #expect(try await uid(known) == "the-uid")
        #expect(nginx.accesses.contains { $0.contains("CN=client") })
        let (nobody, stranger) = (try access("{}"), certificates.stranger)
        #expect(await failure(nobody) == .refused)
        let unknown = try access("{ client-certificate: \(stranger.certificate), client-key: \(stranger.key) }")
        #expect(await failure(unknown) == .refused)
    }
}
