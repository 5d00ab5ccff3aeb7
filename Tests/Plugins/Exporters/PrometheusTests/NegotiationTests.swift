// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PrometheusExporter
internal import Testing

@Suite("prometheus: which format a scraper gets")
struct NegotiationTests {
    @Test(
        "the Accept header decides",
        arguments: [
            // Nothing said, anything goes, a browser, curl.
            ("", .text),
            ("*/*", .text),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", .text),
            // Prometheus 2.x and 3.x as they ask.
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                .openMetrics
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                .openMetrics
            ),
            // Weights.
            ("text/plain;q=0.9, application/openmetrics-text;q=0.8", .text),
            ("text/plain;q=0.8, application/openmetrics-text;q=0.81", .openMetrics),
            ("text/plain, application/openmetrics-text;q=0", .text),
            ("text/plain;q=0, */*", .openMetrics),
            ("*/*;q=0.9, text/plain;q=0.1", .openMetrics),
            ("application/*", .openMetrics),
            ("text/*;q=0.5, application/openmetrics-text;q=0.4", .text),
            // Of equals the more exact, then the first.
            ("*/*, application/openmetrics-text", .openMetrics),
            ("application/openmetrics-text, text/plain", .openMetrics),
            ("text/plain, application/openmetrics-text", .text),
            // Versions that we do not write, and letters of either case.
            ("application/openmetrics-text;version=2.0.0, text/plain;q=0.1", .text),
            ("Application/OpenMetrics-Text; Version=\"1.0.0\" ; Q=1.000", .openMetrics),
            // Neither, and nonsense: a page all the same.
            ("application/json", .text),
            ("application/openmetrics-text;q=2, ;;;,,q=1,/", .text),
        ] as [(String, ExpositionFormat)])
    func accept(_ header: String, _ format: ExpositionFormat) {
        #expect(ExpositionFormat.preferred(byAccept: header) == format)
    }

    @Test("the answer says what it is")
    func contentType() {
        #expect(ExpositionFormat.text.contentType == "text/plain; version=0.0.4; charset=utf-8")
        #expect(ExpositionFormat.openMetrics.contentType == "application/openmetrics-text; version=1.0.0; charset=utf-8")
    }
}
