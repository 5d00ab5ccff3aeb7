// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FileTree
internal import HTTPClient
package import WeirKit
internal import YAMLSource

/// Reads a kubeconfig, the file by which people and programs outside of a cluster find it.
///
/// Keys that Weir has no use for are passed over, as the file is not Weir's. What cannot be done (programs that print credentials) is an
/// error that says what to do instead.
package enum Kubeconfig {
    /// The access of a context of the file at `path`; of its current one when `context` is empty. All that is wrong is said at once.
    package static func access(_ path: String, context: String = "") throws(KubernetesAccessError) -> KubernetesAccess {
        let bytes: [UInt8]
        do { bytes = try FileTree.read(path, limit: YAMLSource.maxBytes + 1) } catch { throw KubernetesAccessError(error.description) }
        let problems = ConfigProblems()
        guard let access = read(bytes, file: path, context: context, problems: problems) else {
            let all = problems.all.map { "\($0.position): \($0.message)" }.joined(separator: "; ")
            throw KubernetesAccessError("use the kubeconfig: \(all)")
        }
        return access
    }

    /// The same of its bytes; nil with every problem noted. No message quotes a secret.
    package static func read(_ bytes: [UInt8], file: String, context: String = "", problems: ConfigProblems) -> KubernetesAccess? {
        let before = problems.count
        guard let root = YAMLSource.parse(bytes, file: file, problems: problems) else { return nil }
        let reader = KubeconfigReader(
            problems: problems, folder: file.contains("/") ? String(file[..<(file.lastIndex(of: "/") ?? file.startIndex)]) : ".")
        guard case .mapping = root.content else {
            problems.note(.wrongShape, "expected a kubeconfig, found \(root.kindName)", at: root.position)
            return nil
        }
        let access = reader.access(root, context: context)
        return problems.count == before ? access : nil
    }
}

/// One reading of a kubeconfig.
private struct KubeconfigReader {
    let problems: ConfigProblems
    /// Paths in the file are relative to where it lies.
    let folder: String

    func access(_ root: ConfigNode, context wanted: String) -> KubernetesAccess? {
        var name = wanted
        var place = root.position
        if name.isEmpty {
            guard let current = text(root, "current-context") else {
                note(.missingKey, "there is no current-context; choose one of \(names(root, "contexts")) with 'context'", root.position)
                return nil
            }
            (name, place) = current
        }
        guard let context = item(root, "contexts", name, "context", at: place) else { return nil }
        guard let cluster = text(context, "cluster") else {
            note(.missingKey, "the context '\(name)' names no cluster", context.position)
            return nil
        }
        var access: KubernetesAccess?
        if let node = item(root, "clusters", cluster.text, "cluster", at: cluster.place) { access = read(cluster: node) }
        access?.clusterName = cluster.text
        // A context without a user asks as nobody.
        if let user = text(context, "user"), let node = item(root, "users", user.text, "user", at: user.place) {
            var login = access ?? KubernetesAccess(server: "")
            read(user: node, into: &login)
            if access != nil { access = login }
        }
        return access
    }

    private func read(cluster node: ConfigNode) -> KubernetesAccess? {
        guard let server = text(node, "server") else {
            note(.missingKey, "the cluster has no server, such as https://10.0.0.1:6443", node.position)
            return nil
        }
        var address = server.text
        while address.hasSuffix("/") { address.removeLast() }
        if !address.hasPrefix("https://"), !address.hasPrefix("http://") {
            note(.badValue, "the server is not an address such as https://10.0.0.1:6443", server.place)
        }
        if address.contains("@") { note(.badValue, "the server must be without user and password", server.place) }
        var access = KubernetesAccess(server: address)
        if let path = text(node, "certificate-authority") { access.tls.caFile = resolved(path.text) }
        if let data = pem(node, "certificate-authority-data") { access.tls.caData = data }
        access.tls.serverName = text(node, "tls-server-name")?.text
        if let insecure = text(node, "insecure-skip-tls-verify") {
            if let value = Bool(configText: insecure.text) {
                access.tls.insecureSkipVerify = value
            } else {
                note(.badValue, "insecure-skip-tls-verify is not true or false", insecure.place)
            }
            if access.tls.insecureSkipVerify, access.tls.caFile != nil || access.tls.caData != nil {
                note(.conflict, "insecure-skip-tls-verify makes the certificate authority useless: remove one of the two", insecure.place)
            }
        }
        if let proxy = text(node, "proxy-url") {
            if proxy.text.hasPrefix("http://") || proxy.text.hasPrefix("https://") || proxy.text.hasPrefix("socks5://") {
                access.proxy = .variables(["http_proxy": proxy.text, "https_proxy": proxy.text])
            } else {
                note(.badValue, "the proxy-url is not an address such as http://proxy.example.org:3128", proxy.place)
            }
        }
        return access
    }

    private func read(user node: ConfigNode, into access: inout KubernetesAccess) {
        refuse(node, "exec", "programs that print credentials are not run here")
        refuse(node, "auth-provider", "auth-provider was removed from Kubernetes 1.26")
        refuse(node, "username", "API servers no longer take user names and passwords")
        refuse(node, "password", "API servers no longer take user names and passwords")
        for key in ["as", "as-groups", "as-uid", "as-user-extra"] { refuse(node, key, "acting as somebody else is not supported") }
        // The file wins, as it does for kubectl.
        if let file = text(node, "tokenFile") {
            access.credentials = .tokenFile(resolved(file.text))
        } else if let token = text(node, "token") {
            if token.text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) {
                access.credentials = .token(Secret(token.text))
            } else {
                note(.badValue, "the token has characters that no token has", token.place)
            }
        }
        if let path = text(node, "client-certificate") { access.tls.certificateFile = resolved(path.text) }
        if let path = text(node, "client-key") { access.tls.keyFile = resolved(path.text) }
        if let data = pem(node, "client-certificate-data") { access.tls.certificateData = data }
        if let data = pem(node, "client-key-data") { access.tls.keyData = data }
        // Data wins over files, half by half; a certificate and a key must come in one way, for that is how they are handed on.
        let hasCertificate = access.tls.certificateFile != nil || access.tls.certificateData != nil
        let hasKey = access.tls.keyFile != nil || access.tls.keyData != nil
        if hasCertificate != hasKey {
            note(
                .missingKey, "a client certificate and its key belong together; \(hasKey ? "client-certificate" : "client-key") is missing",
                node.position)
        }
    }

    // MARK: What it is made of

    /// The mapping `inner` of the item called `name` of the list `list`.
    private func item(_ root: ConfigNode, _ list: String, _ name: String, _ inner: String, at place: ConfigPosition) -> ConfigNode? {
        let items = self.items(root, list)
        guard let found = items.first(where: { text($0, "name")?.text == name }) else {
            let known = items.compactMap { text($0, "name")?.text }
            note(.badValue, "\(list) has no '\(name)'\(Suggestion.suffix(for: name, among: known))", place)
            return nil
        }
        guard let node = value(found, inner), case .mapping = node.content else {
            note(.wrongShape, "'\(name)' of \(list) has no mapping '\(inner)'", found.position)
            return nil
        }
        return node
    }

    private func items(_ root: ConfigNode, _ list: String) -> [ConfigNode] {
        guard let node = value(root, list) else { return [] }
        guard case .list(let items) = node.content else {
            if node.text != "" { note(.wrongShape, "\(list) is not a list", node.position) }
            return []
        }
        return items
    }

    private func names(_ root: ConfigNode, _ list: String) -> String {
        let names = items(root, list).compactMap { text($0, "name")?.text }
        return names.isEmpty ? "none" : names.prefix(20).joined(separator: ", ")
    }

    private func value(_ node: ConfigNode, _ key: String) -> ConfigNode? {
        guard case .mapping(let entries) = node.content else { return nil }
        return entries.first { $0.key.text == key }?.value
    }

    /// The text of a key; nil when it is not there or empty.
    private func text(_ node: ConfigNode, _ key: String) -> (text: String, place: ConfigPosition)? {
        guard let value = value(node, key) else { return nil }
        guard let text = value.text else {
            note(.wrongShape, "expected a text for '\(key)', found \(value.kindName)", value.position)
            return nil
        }
        return text.isEmpty ? nil : (text, value.position)
    }

    private func refuse(_ node: ConfigNode, _ key: String, _ why: String) {
        guard case .mapping(let entries) = node.content, let entry = entries.first(where: { $0.key.text == key }), entry.value.text != "" else {
            return
        }
        note(.conflict, "'\(key)': \(why); give this agent a service account, by tokenFile or by a client certificate", entry.key.position)
    }

    /// Certificates and keys in base64.
    private func pem(_ node: ConfigNode, _ key: String) -> [UInt8]? {
        guard let (text, place) = text(node, key) else { return nil }
        guard let bytes = Base64.decode(text) else {
            note(.badValue, "\(key) is not base64", place)
            return nil
        }
        guard String(decoding: bytes.prefix(4096), as: UTF8.self).contains("-----BEGIN ") else {
            note(.badValue, "\(key) holds no PEM text (-----BEGIN …)", place)
            return nil
        }
        return bytes
    }

    private func resolved(_ path: String) -> String { path.hasPrefix("/") ? path : "\(folder)/\(path)" }

    private func note(_ kind: ConfigProblem.Kind, _ message: String, _ place: ConfigPosition) { problems.note(kind, message, at: place) }
}
