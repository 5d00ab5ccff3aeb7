// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import ScriptedServer

/// A cloud's metadata service, as its documentation describes it, or broken.
package struct FakeMetadata: Sendable {
    /// In which way it is broken.
    package enum Fault: String, CaseIterable, Sendable {
        /// Every answer but the token's is 401.
        case unauthorized
        /// Every answer is 404, as from a service of another cloud.
        case notFound
        /// Every answer is 503.
        case unavailable
        /// A proxy's page with status 200.
        case html
        /// An answer that does not end.
        case huge
        /// Accepts, and says nothing.
        case hang
        /// Says half an answer, and then nothing.
        case stall
        /// A byte every 100 ms.
        case drip
        /// Cuts the connection.
        case reset
        /// Closes in the middle of the body.
        case cut
        /// Sends everybody elsewhere: to the path `/elsewhere`, which answers as if it were the service.
        case redirect
        /// Right bodies under a wrong content type.
        case wrongType
        /// The path of the token is 404.
        case noToken
        /// Something that is no HTTP.
        case noise
        /// Values that nobody can mean: blanks, quotes, too long.
        case junk
    }

    package let cloud: String
    package var fault: Fault?
    /// What it tells: `zone`, `region`, `zone_id`, `account_id`, `host_id`, `host_type`, `host_name`, `image_id`, and `subnet`, `subnet6` for ranges.
    package var values: [String: String]
    private let answers: @Sendable ([String: String]) -> [String: String]
    private let tokenPath: String?
    private let tokenLifetime: String
    private let header: (name: String, value: String)?

    /// Nil for a cloud that is none of those in `clouds`.
    package init?(_ cloud: String, fault: Fault? = nil) {
        guard let documented = Self.documented[cloud] else { return nil }
        self.cloud = cloud
        self.fault = fault
        values = documented.values
        answers = documented.answers
        switch cloud {
        case "aws":
            (tokenPath, tokenLifetime, header) = (
                "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds", ("X-aws-ec2-metadata-token", Self.tokenText)
            )
        case "alibaba_cloud":
            (tokenPath, tokenLifetime, header) = (
                "/latest/api/token", "X-aliyun-ecs-metadata-token-ttl-seconds", ("X-aliyun-ecs-metadata-token", Self.tokenText)
            )
        case "gcp": (tokenPath, tokenLifetime, header) = (nil, "", ("Metadata-Flavor", "Google"))
        case "azure": (tokenPath, tokenLifetime, header) = (nil, "", ("Metadata", "true"))
        case "oracle_cloud": (tokenPath, tokenLifetime, header) = (nil, "", ("Authorization", "Bearer Oracle"))
        default: (tokenPath, tokenLifetime, header) = (nil, "", nil)
        }
    }

    package static var clouds: [String] { documented.keys.sorted() }

    private static let tokenText = "AQAEAPzv1Zk_documented-tokens-look-so=="

    package var handler: ScriptedServer.Handler {
        let answers = answers(values)
        return { [self] request, connection in
            if let fault, try broken(fault, request, connection, answers) { return }
            try answer(request, connection, answers)
        }
    }

    /// The right answer, or the right refusal.
    private func answer(_ request: ScriptedRequest, _ connection: ScriptedConnection, _ answers: [String: String], type: String? = nil) throws {
        // No cloud serves what was forwarded.
        guard request.header("X-Forwarded-For") == nil else { return try connection.respond(403, "") }
        if let tokenPath, request.path == tokenPath {
            guard request.method == "PUT" else { return try connection.respond(405, "") }
            guard let lifetime = request.header(tokenLifetime).flatMap({ Int($0) }), (1...21_600).contains(lifetime) else {
                return try connection.respond(400, "")
            }
            return try connection.respond(200, headers: [(tokenLifetime, String(lifetime))], Self.tokenText)
        }
        guard request.method == "GET" else { return try connection.respond(405, "") }
        if let header, request.header(header.name)?.lowercased() != header.value.lowercased() {
            return try connection.respond(cloud == "gcp" ? 403 : cloud == "azure" ? 400 : 401, "")
        }
        guard let body = answers[cloud == "azure" ? request.path : request.target] else { return try connection.respond(404, "not found") }
        if cloud == "azure", request.query("api-version") == nil { return try connection.respond(400, #"{"error":"Bad request"}"#) }
        var headers = [("Content-Type", type ?? (body.hasPrefix("{") ? "application/json" : "text/plain"))]
        if cloud == "gcp" { headers += [("Metadata-Flavor", "Google"), ("Server", "Metadata Server for VM")] }
        try connection.respond(200, headers: headers, body)
    }

    /// Whether the fault has taken the place of the answer.
    private func broken(
        _ fault: Fault, _ request: ScriptedRequest, _ connection: ScriptedConnection, _ answers: [String: String]
    ) throws -> Bool {
        let isToken = request.path == tokenPath
        switch fault {
        case .unauthorized:
            if isToken { return false }
            try connection.respond(401, "<html><body>401 - Unauthorized</body></html>")
        case .notFound: try connection.respond(404, "404 page not found")
        case .unavailable: try connection.respond(503, "")
        case .html:
            // With the signature too: it is the values that betray it.
            try connection.respond(
                200, headers: [("Content-Type", "text/html"), ("Metadata-Flavor", "Google")],
                "<!DOCTYPE html>\n<html><body>Please log in</body></html>\n")
        case .huge:
            try connection.startChunks(headers: [("Metadata-Flavor", "Google")])
            let piece = [UInt8](repeating: UInt8(ascii: "a"), count: 65_536)
            while true { try connection.chunk(piece) }
        case .hang: try connection.hang()
        case .stall:
            try connection.write("HTTP/1.1 200 OK\r\nMetadata-Flavor: Google\r\nContent-Length: 100\r\n\r\neu-we")
            try connection.hang()
        case .drip:
            try connection.write("HTTP/1.1 200 OK\r\nMetadata-Flavor: Google\r\nContent-Length: 1000\r\n\r\n")
            while true {
                try connection.write("e")
                try connection.pause(.milliseconds(100))
            }
        case .reset: connection.reset()
        case .cut:
            try connection.write("HTTP/1.1 200 OK\r\nMetadata-Flavor: Google\r\nContent-Length: 100\r\n\r\neu-west-1a")
            connection.close()
        case .redirect:
            if request.path == "/elsewhere" { return false }
            try connection.respond(302, headers: [("Location", "/elsewhere")], "")
        case .wrongType: try answer(request, connection, answers, type: "image/png")
        case .noToken:
            guard isToken else { return false }
            try connection.respond(404, "")
        case .noise:
            try connection.write("\u{0}\u{1}SSH-2.0-OpenSSH_9.2\r\n\r\n")
            connection.close()
        case .junk:
            if isToken { return false }
            let junk = ["eu west", "\"", "\u{7}", String(repeating: "a", count: 300), "é"]
            let text = junk[request.target.utf8.count % junk.count]
            let body = answers[request.target]?.hasPrefix("{") == true ? "{}" : text
            try connection.respond(200, headers: [("Metadata-Flavor", "Google")], body)
        }
        return true
    }
}
