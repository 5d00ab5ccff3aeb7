// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import HTTPClient
internal import OTLPExporter
internal import Testing
internal import WeirKit
internal import WeirTesting

@Suite("otlp: options and environment")
struct OptionsTests {
    /// Where requests would go, or what is wrong.
    private func made(_ yaml: String, _ environment: [String: String] = [:]) -> Settings? {
        let (options, problems) = OTLPOptions.reading(yaml)
        #expect(problems.isEmpty)
        return try? Settings(options, environment: environment)
    }

    private func problem(_ environment: [String: String], _ yaml: String = "plugin: otlp") -> String {
        do {
            _ = try Settings(OTLPOptions.reading(yaml).options, environment: environment)
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test("the sample is exactly the defaults")
    func sample() {
        let (options, problems) = OTLPOptions.reading(OTLPPlugin.sample)
        #expect(options == OTLPOptions())
        #expect(problems.isEmpty)
    }

    @Test("v1/metrics is added to a base and to nothing else")
    func paths() {
        #expect(made("plugin: otlp")?.url.text == "http://localhost:4318/v1/metrics")
        #expect(made("endpoint: http://c:4318")?.url.text == "http://c:4318/v1/metrics")
        #expect(made("endpoint: https://c/otlp/")?.url.text == "https://c/otlp/v1/metrics")
        #expect(made("endpoint: https://c/otlp?key=1")?.url.text == "https://c/otlp/v1/metrics?key=1")
        #expect(made("metrics_endpoint: http://c/api/v1/otlp")?.url.text == "http://c/api/v1/otlp")
        let base = ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://base"]
        #expect(made("plugin: otlp", base)?.url.text == "http://base/v1/metrics")
        #expect(made("plugin: otlp", base.merging(["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://own/x"]) { $1 })?.url.text == "http://own/x")
        #expect(made("endpoint: http://written", base)?.url.text == "http://written/v1/metrics")
        #expect(made("plugin: otlp", ["OTEL_EXPORTER_OTLP_ENDPOINT": ""])?.url.text == "http://localhost:4318/v1/metrics")
    }

    @Test("what is written stands above the environment, and the environment's word for metrics above the general one")
    func order() {
        let environment = [
            "OTEL_EXPORTER_OTLP_TIMEOUT": "2000", "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT": "3000", "OTEL_METRIC_EXPORT_INTERVAL": "15000",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none", "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "Delta",
            "OTEL_EXPORTER_OTLP_HEADERS": "X-Tenant = a%20b ,authorization=Basic%20x", "OTEL_EXPORTER_OTLP_CERTIFICATE": "/ca.pem",
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "/c.pem", "OTEL_EXPORTER_OTLP_CLIENT_KEY": "/k.pem",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        ]
        let found = made("plugin: otlp", environment)
        #expect(
            found?.timeout == .seconds(3) && found?.interval == .seconds(15) && found?.compression == Compression.none && found?.temporality == .delta
        )
        #expect(found?.headers.map(\.value) == ["a b", "Basic x"])
        #expect(found?.tls.caFile == "/ca.pem" && found?.tls.certificateFile == "/c.pem" && found?.tls.keyFile == "/k.pem")
        let written = made("{ timeout: 5s, interval: 30s, compression: gzip, temporality: cumulative, headers: { x-tenant: mine } }", environment)
        #expect(
            written?.timeout == .seconds(5) && written?.interval == .seconds(30) && written?.compression == .gzip
                && written?.temporality == .cumulative)
        #expect(written?.headers.map(\.value) == ["mine", "Basic x"])
        #expect(made("plugin: otlp", ["OTEL_METRIC_EXPORT_TIMEOUT": "4000"])?.timeout == .seconds(4))
        #expect(made("plugin: otlp", ["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "lowmemory"])?.temporality == .delta)
        #expect(
            made("plugin: otlp")?.timeout == .seconds(10) && made("plugin: otlp")?.interval == .seconds(60)
                && made("plugin: otlp")?.compression == .gzip)
    }

    @Test("every problem of the environment is said at once, and what to do; values that may be secrets are not")
    func badEnvironment() {
        let all = problem([
            "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318", "OTEL_EXPORTER_OTLP_TIMEOUT": "10s", "OTEL_METRIC_EXPORT_INTERVAL": "-1",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "zstd", "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "some",
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=se%zzcret", "OTEL_RESOURCE_ATTRIBUTES": "novalue", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
            "OTEL_EXPORTER_OTLP_CLIENT_KEY": "/k.pem",
        ])
        for part in [
            "OTEL_EXPORTER_OTLP_ENDPOINT is not a URL such as http://collector:4318",
            "OTEL_EXPORTER_OTLP_TIMEOUT is '10s', which is no number of milliseconds",
            "OTEL_METRIC_EXPORT_INTERVAL is '-1'", "OTEL_EXPORTER_OTLP_COMPRESSION is not one of gzip, none", "TEMPORALITY_PREFERENCE is 'some'",
            "OTEL_EXPORTER_OTLP_HEADERS: the value of 'authorization' is not percent-encoded", "OTEL_RESOURCE_ATTRIBUTES: an item is not name=value",
            "OTEL_EXPORTER_OTLP_PROTOCOL: grpc is not built in: use http/protobuf", "CLIENT_KEY belong together",
        ] {
            #expect(all.contains(part), "\(part)")
        }
        #expect(!all.contains("cret"))
        #expect(problem(["OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "http/json"]).contains("http/json is not built in"))
        // What is written is what runs: then the environment's word about another exporter is no mistake here.
        #expect(problem(["OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"], "protocol: http/protobuf").isEmpty)
        #expect(problem(["OTEL_EXPORTER_OTLP_HEADERS": "x=a%0ab"]).contains("control characters"))
        #expect(problem(["OTEL_EXPORTER_OTLP_HEADERS": "Content-Type=a"]).contains("the exporter's own"))
    }

    @Test(
        "what cannot be is refused where it stands",
        arguments: [
            ("endpoint: collector:4318", "is not auto or a URL such as http://collector:4318"), ("endpoint: 'http://u:p@c'", "is not auto or a URL"),
            ("protocol: grpc", "grpc is not built in"), ("protocol: soap", "'soap' is not a protocol of OTLP"),
            ("interval: 10ms", "interval is auto, or from 100ms to 24h"), ("timeout: never", "'never' is not auto or a duration"),
            ("{ endpoint: 'http://a', metrics_endpoint: 'http://b' }", "write one of them"),
            ("headers: { 'a b': c }", "'a b' is not the name of a header"),
            ("headers: [a]", "expected a mapping"), ("headers: { content-encoding: br }", "the exporter's own"),
            ("certificate_file: auto\nkey_file: /nowhere/k.pem", "belong together"), ("ca_file: ca.pem", "is not a path that begins with /"),
            ("ca_file: /nowhere/ca.pem", "/nowhere/ca.pem"), ("headers_file: /nowhere/h", "/nowhere/h"),
            ("max_batch_bytes: 1KiB", "max_batch_bytes is from 16KiB"),
            ("resource: { '': x }", "is not the name of an attribute"), ("intervall: 5s", "did you mean 'interval'?"),
        ])
    func refused(_ yaml: String, _ message: String) {
        let problems = OTLPOptions.reading(yaml).problems
        #expect(problems.contains { $0.hasPrefix("weir.yaml:") && $0.contains(message) }, "\(problems)")
    }

    @Test("a file of headers is read line by line, and what is wrong with it is said without its values")
    func headersFile() {
        func files(_ text: String) -> ConfigFiles { ConfigFiles { (_, _) throws(ConfigFileError) in Array(text.utf8) } }
        let good = OTLPOptions.reading("headers_file: h", files: files("# ours\nAuthorization: Bearer se:cret\r\n\nX-Org:  1 \n"))
        #expect(good.problems.isEmpty)
        let bad = OTLPOptions.reading("headers_file: h", files: files("X-Org: 1\nBearer secret"))
        #expect(bad.problems == ["weir.yaml:1:15: h:2: not a header such as Authorization: Bearer …"])
        #expect(
            OTLPOptions.reading("headers_file: h", files: files("bad name: secret")).problems == [
                "weir.yaml:1:15: h:1: 'bad name' is not the name of a header"
            ])
    }
}
