// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Keys and certificates made by openssl(1) for one test, good for two days. All are files of PEM text in `folder`.
package final class TestCertificates: Sendable {
    package let folder: TestFolder
    /// The authority behind `server`, `expired` and `client`.
    package var authority: String { file("ca.pem") }
    /// Another of the same name, behind `stranger`.
    package var otherAuthority: String { file("other-ca.pem") }
    /// For 127.0.0.1, ::1, localhost and api.test.
    package var server: Pair { pair("server") }
    /// For the same, but its time is over.
    package var expired: Pair { pair("expired") }
    package var client: Pair { pair("client") }
    /// A client's certificate from the other authority.
    package var stranger: Pair { pair("stranger") }

    package struct Pair: Sendable {
        package let certificate: String
        package let key: String
    }

    package init() throws {
        folder = try TestFolder()
        // Nothing of the system's own configuration.
        try folder.write("[req]\ndistinguished_name = name\n[name]\n", to: "openssl.cnf")
        for name in ["ca", "other-ca"] {
            try openssl(
                request(name, "Test authority") + ["-x509", "-days", "2"]
                    + extensions("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"))
        }
        let names = extensions("subjectAltName=IP:127.0.0.1,IP:::1,DNS:localhost,DNS:api.test")
        try openssl(request("server", "server") + ["-x509", "-days", "2"] + signer("ca") + names)
        try openssl(request("client", "client") + ["-x509", "-days", "2"] + signer("ca"))
        try openssl(request("stranger", "stranger") + ["-x509", "-days", "2"] + signer("other-ca"))
        // Only a certificate that is made of a request can be over from the start.
        try openssl(request("expired", "expired") + names)
        try openssl(
            ["x509", "-req", "-in", file("expired.pem"), "-days", "-1", "-copy_extensions", "copy", "-out", file("expired.new")] + signer("ca"))
        try folder.write(String(decoding: folder.read("expired.new"), as: UTF8.self), to: "expired.pem")
    }

    /// The path of a file in the folder.
    package func file(_ name: String) -> String { "\(folder.path)/\(name)" }

    /// The text of one of the files.
    package func text(_ path: String) -> [UInt8] { folder.read(String(path.dropFirst(folder.path.count + 1))) }

    private func pair(_ name: String) -> Pair { Pair(certificate: file("\(name).pem"), key: file("\(name).key")) }

    private func request(_ name: String, _ subject: String) -> [String] {
        ["req", "-config", file("openssl.cnf"), "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
            + ["-keyout", file("\(name).key"), "-out", file("\(name).pem"), "-subj", "/CN=\(subject)"]
    }

    private func signer(_ name: String) -> [String] { ["-CA", file("\(name).pem"), "-CAkey", file("\(name).key")] }

    private func extensions(_ texts: String...) -> [String] { texts.flatMap { ["-addext", $0] } }

    private func openssl(_ words: [String]) throws { try TestProgram.run(["openssl"] + words, package: "openssl", in: folder) }
}
