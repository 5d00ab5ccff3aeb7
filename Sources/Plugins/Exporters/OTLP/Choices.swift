// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

/// What the value of a point means.
public enum Temporality: String, ConfigChoice {
    /// Everything since the series began.
    case cumulative
    /// What came since the point before.
    case delta
}

public enum Compression: String, ConfigChoice {
    case gzip, none
}

/// How requests are written and carried. There is one; the others are named to say so.
public enum WireProtocol: String, ConfigChoice {
    case protobuf = "http/protobuf"

    /// Why some other protocol cannot be had, and what to do.
    static func refusal(of text: String) -> String {
        switch text {
        case "grpc":
            "grpc is not built in: use http/protobuf, and the receiver's port for OTLP over HTTP, which is usually 4318 where gRPC has 4317"
        case "http/json": "http/json is not built in: use http/protobuf, which every receiver of OTLP over HTTP takes at the same address"
        default: "'\(text)' is not a protocol of OTLP: use http/protobuf"
        }
    }
}

/// The URL of a receiver.
public struct ReceiverURL: ConfigValue, Hashable {
    public let text: String

    /// `http://` or `https://`, a host without user and password, no blanks, no fragment.
    public init?(configText: String) {
        guard let scheme = ["http://", "https://"].first(where: { configText.lowercased().hasPrefix($0) }) else { return nil }
        let rest = configText.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.isEmpty, authority.first != ":", !authority.contains("@"), configText.utf8.count <= 2048,
            configText.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "#") })
        else { return nil }
        text = configText
    }

    public static var example: String { "a URL such as http://collector:4318, without user and password (those are for headers_file)" }
    public var configText: String { text }

    /// The URL for metrics below this base, as OpenTelemetry's specification forms it.
    var metrics: ReceiverURL {
        let path = text.prefix { $0 != "?" }
        let query = text.dropFirst(path.count)
        return ReceiverURL(made: path + (path.hasSuffix("/") ? "" : "/") + "v1/metrics" + query)
    }

    private init(made text: some StringProtocol) { self.text = String(text) }
}
