// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import HTTPClient
internal import WeirKit

/// What is obeyed: the options, where they say `auto` the environment, where that is silent the defaults.
///
/// Of two variables for one thing the one for metrics stands above the general one, as OpenTelemetry's specification has it.
package struct Settings: Sendable {
    package private(set) var url = ReceiverURL(configText: "http://localhost:4318/v1/metrics")!
    package private(set) var headers: [NamedText] = []
    var headersFile: HeaderFile?
    package private(set) var compression = Compression.gzip
    package private(set) var timeout = Duration.seconds(10)
    package private(set) var interval = Duration.seconds(60)
    package private(set) var temporality = Temporality.cumulative
    /// Of the environment, and of the options, which stand above.
    var environmentResource: [NamedText] = []
    var writtenResource: [NamedText] = []
    package private(set) var tls = TLSOptions()
    var ownMetrics = false
    var limits = BatchLimits()
    var maxGoneSeries = 0

    /// Throws every problem of the environment at once.
    package init(_ options: OTLPOptions, environment: [String: String]) throws {
        var variables = Variables(environment)
        ownMetrics = options.ownMetrics
        limits = BatchLimits(points: options.maxBatchPoints, bytes: options.maxBatchBytes.bytes)
        maxGoneSeries = options.maxGoneSeries
        writtenResource = options.resource
        headersFile = options.headersFile

        readURL(options, &variables)
        if options.wireProtocol == .auto {
            variables.read("PROTOCOL") { text in WireProtocol(rawValue: text) == nil ? WireProtocol.refusal(of: text) : nil }
        }
        headers = options.headers
        if let list = variables.list("HEADERS", { NamedText.headerProblem($0, $1) }) {
            headers += list.filter { header in !headers.contains { $0.name.lowercased() == header.name.lowercased() } }
        }
        compression = options.compression.value ?? variables.choice("COMPRESSION") ?? compression
        timeout = options.timeout.value ?? variables.milliseconds("TIMEOUT") ?? timeout
        interval = options.interval.value ?? variables.milliseconds(named: "OTEL_METRIC_EXPORT_INTERVAL") ?? interval
        // The specification bounds an export in two ways; a request here obeys the shorter one.
        if options.timeout == .auto, let whole = variables.milliseconds(named: "OTEL_METRIC_EXPORT_TIMEOUT") { timeout = min(timeout, whole) }
        temporality = options.temporality.value ?? variables.temporality ?? temporality
        environmentResource = variables.list(named: "OTEL_RESOURCE_ATTRIBUTES", { NamedText.attributeProblem($0, $1) }) ?? []
        if let name = variables.text(named: "OTEL_SERVICE_NAME") {
            environmentResource.removeAll { $0.name == "service.name" }
            environmentResource.append(NamedText(name: "service.name", value: name))
        }
        readTLS(options, &variables)
        if !variables.problems.isEmpty { throw SettingsError(description: variables.problems.joined(separator: "; ")) }
    }

    private mutating func readURL(_ options: OTLPOptions, _ variables: inout Variables) {
        if let whole = options.metricsEndpoint.value {
            url = whole
        } else if let base = options.endpoint.value {
            url = base.metrics
        } else if let whole: ReceiverURL = variables.value(named: "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT") {
            url = whole
        } else if let base: ReceiverURL = variables.value(named: "OTEL_EXPORTER_OTLP_ENDPOINT") {
            url = base.metrics
        }
    }

    private mutating func readTLS(_ options: OTLPOptions, _ variables: inout Variables) {
        tls.insecureSkipVerify = options.insecureSkipVerify
        tls.caFile = options.caFile.value ?? variables.text("CERTIFICATE")
        if let certificate = options.certificateFile.value {
            tls.certificateFile = certificate
            tls.keyFile = options.keyFile.value
        } else {
            tls.certificateFile = variables.text("CLIENT_CERTIFICATE")
            tls.keyFile = variables.text("CLIENT_KEY")
            if (tls.certificateFile == nil) != (tls.keyFile == nil) {
                variables.problems.append(
                    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY belong together: set both or neither")
            }
        }
    }
}

/// What is wrong with the environment.
package struct SettingsError: Error, CustomStringConvertible {
    package let description: String
}
