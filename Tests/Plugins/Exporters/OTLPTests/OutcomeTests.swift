// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import OTLPExporter
internal import OTLPMessages
internal import SwiftProtobuf
internal import Testing
internal import WeirKit

@Suite("otlp: what an answer means")
struct OutcomeTests {
    /// Sun, 06 Nov 1994 08:49:37 GMT.
    private let then: UInt64 = 784_111_777_000_000_000

    private func outcome(_ status: Int, type: String = "application/x-protobuf", retryAfter: String? = nil, body: [UInt8]? = []) -> Outcome {
        Outcome(status: status, type: type, retryAfter: retryAfter, body: body, now: then)
    }

    @Test("the four statuses that OTLP names are tried again, every other one from 300 on is final", arguments: 300...599)
    func statuses(_ status: Int) {
        switch outcome(status) {
        case .again: #expect([429, 502, 503, 504].contains(status))
        case .refused(let reason, _): #expect(![429, 502, 503, 504].contains(status) && reason.hasPrefix("http_"))
        default: Issue.record("\(status) is no success")
        }
    }

    @Test("a server that invents statuses makes few words of them")
    func reasons() {
        let reasons = Set((-10...2000).map { status in if case .refused(let reason, _) = outcome(status) { reason } else { "" } })
        #expect(reasons.count < 15)
    }

    @Test("an answer without a body took everything; a partial success says how many it did not")
    func success() throws {
        #expect(outcome(200) == .delivered(rejected: 0, message: ""))
        #expect(outcome(202, type: "") == .delivered(rejected: 0, message: ""))
        var response = OTLPExportMetricsServiceResponse()
        response.partialSuccess.rejectedDataPoints = 3
        response.partialSuccess.errorMessage = "too old\nby far"
        let body: [UInt8] = try response.serializedBytes()
        #expect(outcome(200, body: body) == .delivered(rejected: 3, message: "too old by far"))
        #expect(outcome(200, type: "Application/X-Protobuf; x=y", body: body) == .delivered(rejected: 3, message: "too old by far"))
        response.partialSuccess.rejectedDataPoints = -9
        #expect(outcome(200, body: try response.serializedBytes()) == .delivered(rejected: 0, message: "too old by far"))
    }

    @Test(
        "a success whose body cannot be read is a success all the same",
        arguments: [nil, [0xff], Array("{}".utf8), [0x0a, 0x05, 0x08]] as [[UInt8]?])
    func unread(_ body: [UInt8]?) {
        #expect(outcome(200, body: body) == .deliveredUnread)
        #expect(outcome(200, type: "application/json", body: body) == .deliveredUnread)
    }

    @Test("what the receiver says is wrong is one short line, from a Status or from text")
    func messages() throws {
        var status = OTLPStatus()
        status.message = "no\u{1b}[31m such tenant"
        #expect(outcome(400, body: try status.serializedBytes()) == .refused(reason: "http_400", message: "no [31m such tenant"))
        #expect(outcome(400, type: "text/plain", body: Array("bad\r\nrequest".utf8)) == .refused(reason: "http_400", message: "bad  request"))
        guard case .refused(_, let long) = outcome(418, type: "text/html", body: [UInt8](repeating: 0xc3, count: 5000)) else {
            return #expect(Bool(false))
        }
        #expect(long.utf8.count <= 256)
        #expect(outcome(500, body: [0xff]) == .refused(reason: "http_500", message: ""))
    }

    @Test("Retry-After is seconds or a date, and no server is obeyed for more than ten minutes")
    func retryAfter() {
        func wait(_ text: String) -> Duration? { RetryAfter.wait(text, now: then) }
        #expect(wait("0") == .zero)
        #expect(wait("120") == .seconds(120))
        #expect(wait("601") == .seconds(600))
        #expect(wait("99999999999999999999999999") == .seconds(600))
        #expect(wait("Sun, 06 Nov 1994 08:49:47 GMT") == .seconds(10))
        #expect(wait("Sun, 06 Nov 1994 08:49:30 GMT") == .zero)
        #expect(wait("Sun, 06 Nov 2094 08:49:30 GMT") == .seconds(600))
        for text in [
            "", "-1", "1.5", " 1", "+1", "soon", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET",
        ] {
            #expect(wait(text) == nil, "'\(text)'")
        }
        #expect(outcome(503, retryAfter: "7") == .again(after: .seconds(7), reason: "http_503", message: ""))
        #expect(outcome(429, retryAfter: "nonsense") == .again(after: nil, reason: "http_429", message: ""))
    }
}
