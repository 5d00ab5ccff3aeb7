// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import HTTPClient
import ScriptedServer
import Testing

/// A request that no proxy variable of the machine leads astray.
func request(_ url: String, _ change: (inout HTTPRequest) -> Void = { _ in }) -> HTTPRequest {
    var request = HTTPRequest(url)
    request.proxy = .none
    change(&request)
    return request
}

extension HTTPClient {
    /// Why a request fails; nil, with the test failed, when it does not.
    func failure(_ request: HTTPRequest, sourceLocation: SourceLocation = #_sourceLocation) async -> HTTPError? {
        do throws(HTTPError) {
            let response = try await send(request)
            Issue.record("\(request.url) was answered: \(response.status), \(response.body.count) bytes", sourceLocation: sourceLocation)
            return nil
        } catch { return error }
    }
}

extension HTTPStream {
    /// All chunks, until the end or a failure.
    func drained() async -> (bytes: [UInt8], error: HTTPError?) {
        var bytes: [UInt8] = []
        do throws(HTTPError) {
            while let chunk = try await nextChunk() { bytes += chunk }
            return (bytes, nil)
        } catch { return (bytes, error) }
    }
}

extension HTTPResponse {
    var text: String { String(decoding: body, as: UTF8.self) }
}

/// Waits until something holds; false when it did not in time.
func eventually(within time: Duration = .seconds(20), _ condition: () -> Bool) async -> Bool {
    let end = ContinuousClock.now + time
    while !condition() {
        if ContinuousClock.now > end { return false }
        try? await Task.sleep(for: .milliseconds(2))
    }
    return true
}
