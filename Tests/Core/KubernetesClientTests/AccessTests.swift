// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import HTTPClient
internal import KubernetesClient
internal import Testing
internal import WeirKit

@Suite struct AccessTests {
    private static let certificate = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg=="

    private static func config(cluster: String = "", user: String = "token: secret-token") -> String {
        """
        apiVersion: v1
        kind: Config
        current-context: dev
        preferences: {}
        contexts:
        - name: dev
          context: { cluster: here, user: me, namespace: shop }
        - name: other
          context: { cluster: there, user: me }
        clusters:
        - name: here
          cluster:
            server: https://10.0.0.1:6443/
        \(cluster)
        - name: there
          cluster: { server: "http://127.0.0.1:8080" }
        users:
        - name: me
          user:
            \(user)
        """
    }

    private static func read(_ text: String, context: String = "") -> (access: KubernetesAccess?, problems: [String]) {
        let problems = ConfigProblems()
        let access = Kubeconfig.read(Array(text.utf8), file: "/home/me/.kube/config", context: context, problems: problems)
        return (access, problems.all.map { "\($0.position.line):\($0.position.column) \($0.message)" })
    }

    @Test("the current context, or the one that was asked for")
    func contexts() {
        let (access, problems) = Self.read(Self.config())
        #expect(problems.isEmpty)
        #expect(access?.server == "https://10.0.0.1:6443")
        #expect(access?.credentials == .token(Secret("secret-token")))
        #expect(access?.clusterName == "here")
        #expect(Self.read(Self.config(), context: "other").access?.server == "http://127.0.0.1:8080")
        #expect(Self.read(Self.config(), context: "othr").problems == ["1:1 contexts has no 'othr'; did you mean 'other'?"])
    }

    @Test("authority, certificate and key, as files beside the kubeconfig or in it")
    func certificates() {
        let files = Self.read(
            Self.config(
                cluster: "    certificate-authority: ca.crt\n    tls-server-name: kubernetes\n    proxy-url: http://proxy:3128",
                user: "{ client-certificate: /etc/me.crt, client-key: me.key }"))
        #expect(files.problems.isEmpty)
        #expect(files.access?.tls.caFile == "/home/me/.kube/ca.crt")
        #expect(files.access?.tls.serverName == "kubernetes")
        #expect(files.access?.tls.certificateFile == "/etc/me.crt")
        #expect(files.access?.tls.keyFile == "/home/me/.kube/me.key")
        #expect(files.access?.proxy == .variables(["http_proxy": "http://proxy:3128", "https_proxy": "http://proxy:3128"]))
        let data = Self.read(
            Self.config(
                cluster: "    certificate-authority-data: \(Self.certificate)",
                user: "{ client-certificate-data: \(Self.certificate), client-key-data: \(Self.certificate) }"))
        #expect(data.problems.isEmpty)
        #expect(data.access?.tls.caData == Array("-----BEGIN CERTIFICATE-----\n".utf8))
        #expect(data.access?.tls.keyData == data.access?.tls.caData)
        #expect(Self.read(Self.config(user: "{ token: a, tokenFile: token }")).access?.credentials == .tokenFile("/home/me/.kube/token"))
    }

    @Test(
        "what is wrong is said with its place and without the secret",
        arguments: [
            ("", "exec: { command: aws }", "20:5 'exec': programs that print credentials are not run here; give this agent a service account"),
            ("", "auth-provider: { name: gcp }", "20:5 'auth-provider': auth-provider was removed"),
            ("", "username: me", "20:5 'username': API servers no longer take"),
            ("", "as: root", "20:5 'as': acting as somebody else"),
            ("", "token: [secret-token]", "20:12 expected a text for 'token', found a list"),
            ("", "token: \"secret\\ntoken\"", "20:12 the token has characters"),
            ("", "client-key: me.key", "20:5 a client certificate and its key belong together; client-certificate is missing"),
            ("    certificate-authority-data: c2VjcmV0", "{}", "14:33 certificate-authority-data holds no PEM text"),
            ("    certificate-authority-data: secret!", "{}", "14:33 certificate-authority-data is not base64"),
            ("    insecure-skip-tls-verify: yes please", "{}", "14:31 insecure-skip-tls-verify is not true or false"),
            ("    insecure-skip-tls-verify: true\n    certificate-authority: ca", "{}", "14:31 insecure-skip-tls-verify makes"),
            ("    proxy-url: proxy:3128", "{}", "14:16 the proxy-url is not an address"),
        ])
    func wrong(cluster: String, user: String, message: String) {
        let found = Self.read(Self.config(cluster: cluster, user: user))
        #expect(found.access == nil)
        #expect(found.problems.count == 1)
        #expect(found.problems.first?.hasPrefix(message) == true, "\(found.problems)")
        #expect(found.problems.allSatisfy { !$0.contains("secret") })
    }

    @Test("files that are no kubeconfig", arguments: ["", "[]", "a: b", "current-context: dev", "current-context: dev\ncontexts: x", "\t"])
    func noKubeconfig(text: String) {
        let found = Self.read(text)
        #expect(found.access == nil)
        #expect(found.problems.count >= 1)
    }

    @Test("a file that is not there is an error with its path")
    func noFile() {
        #expect(throws: KubernetesAccessError("open /nowhere/config: No such file or directory")) { try Kubeconfig.access("/nowhere/config") }
    }

    @Test("in a pod the address is in the environment, of either family")
    func inCluster() throws {
        let access = try KubernetesAccess.inCluster(environment: ["KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"])
        #expect(access.server == "https://10.96.0.1:443")
        #expect(access.credentials == .tokenFile("/var/run/secrets/kubernetes.io/serviceaccount/token"))
        #expect(access.tls.caFile == "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt")
        #expect(
            try KubernetesAccess.inCluster(environment: ["KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"]).server
                == "https://[fd00::1]:6443")
        #expect(throws: KubernetesAccessError.self) { try KubernetesAccess.inCluster(environment: [:]) }
        #expect(throws: KubernetesAccessError.self) {
            try KubernetesAccess.inCluster(environment: ["KUBERNETES_SERVICE_HOST": "h", "KUBERNETES_SERVICE_PORT": "x"])
        }
    }

    @Test("no secret shows in a description or a dump")
    func secrets() {
        guard
            let access = Self.read(
                Self.config(user: "{ token: secret-token, client-certificate-data: \(Self.certificate), client-key-data: \(Self.certificate) }")
            ).access
        else { return #expect(Bool(false), "not read") }
        var dumped = ""
        dump(access, to: &dumped)
        dump(access.credentials, to: &dumped)
        for text in ["\(access)", String(reflecting: access), "\(access.credentials)", String(reflecting: access.credentials), dumped] {
            #expect(!text.contains("secret-token") && !text.contains("BEGIN") && !text.contains("45, 45, 45"), "\(text)")
        }
    }
}
