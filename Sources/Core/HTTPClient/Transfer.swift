// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CLibCurl

/// One hop in libcurl's hands. Lives on the engine's thread alone.
@safe
final class Transfer {
    enum Result {
        case outcome(Inbox.Outcome)
        case redirect(Hop)
    }

    let exchange: Exchange
    let hop: Hop
    let redirects: Int
    // Closed by deinit; the loop has taken the easy handle out of the multi handle by then.
    let handle: OpaquePointer
    /// As the variables name it, with whatever password; empty: none.
    var proxy = ""
    private var parser: HeadParser
    private var head: ResponseHead?
    /// Where the head says to go on.
    private var next: Hop?
    /// What we found wrong, which is more than libcurl's "the callback failed".
    private(set) var failure: HTTPError?
    private var lastMove = ContinuousClock.now
    private var uploaded: Int64 = 0
    /// Of the body, since `rest` was last asked.
    private var newBytes = 0
    /// A stream that brought so much has more, and is not to wait for it.
    private static let smallBytes = 96 << 10
    /// While it gathers: until when.
    private(set) var restsUntil: ContinuousClock.Instant?

    init(_ exchange: Exchange, _ hop: Hop, redirects: Int, _ engine: Engine) throws(HTTPError) {
        self.exchange = exchange
        self.hop = hop
        self.redirects = redirects
        parser = HeadParser(maxBytes: exchange.request.maxHeaderBytes)
        let opened = unsafe CLibCurl_open(
            { context, bytes, count in
                unsafe Transfer.of(context).takeHead(Array(UnsafeBufferPointer(start: bytes, count: count)))
            },
            { context, bytes, count in
                unsafe Transfer.of(context).takeBody(UnsafeBufferPointer(start: bytes, count: count))
            })
        guard let opened = unsafe opened else { throw HTTPError(.connect, "reach \(exchange.place): libcurl has no memory") }
        unsafe handle = opened
        // Calls come only while the loop lets libcurl work on this transfer, and it holds it then.
        unsafe CLibCurl_set_context(handle, Unmanaged.passUnretained(self).toOpaque())
        try configure(engine)
    }

    deinit { unsafe CLibCurl_close(handle) }

    var easy: UnsafeMutableRawPointer { unsafe CLibCurl_easy(handle) }

    private static func of(_ context: UnsafeMutableRawPointer?) -> Transfer {
        unsafe Unmanaged<Transfer>.fromOpaque(context!).takeUnretainedValue()
    }

    /// The reader has room again. libcurl hands over what it kept at once. A `failure` after it ends the transfer.
    func resume() {
        lastMove = .now
        let code = unsafe CLibCurl_resume(handle)
        if code != CURLE_OK, failure == nil { failure = described(code) }
    }

    /// After its turn: a stream that brought a little is left alone while more gathers, if that is wanted. Until when.
    func rest(_ now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        defer { newBytes = 0 }
        let time = exchange.request.gatherTime
        guard time > .zero, exchange.isStream else { return nil }
        if newBytes > 0 { exchange.gathered() }
        // A full one goes on when its reader has room.
        guard restsUntil == nil, (1..<Self.smallBytes).contains(newBytes), !exchange.isFull else {
            return restsUntil
        }
        guard unsafe CLibCurl_pause(handle) == CURLE_OK else { return nil }
        restsUntil = now + time
        return restsUntil
    }

    /// True when its rest is over: it is to be resumed.
    func endRest(_ now: ContinuousClock.Instant) -> Bool {
        guard let until = restsUntil, until <= now else { return false }
        restsUntil = nil
        return true
    }

    // MARK: What libcurl brings

    private func takeHead(_ line: [UInt8]) -> CLibCurl_answer {
        lastMove = .now
        switch parser.line(line) {
        case .more: return CLibCurl_taken
        case .tooLarge:
            return fail(.tooLarge, "the headers have more than \(exchange.request.maxHeaderBytes) bytes")
        case .malformed(let what): return fail(.protocolError, what)
        case .complete(let head): return complete(head)
        }
    }

    private func complete(_ head: ResponseHead) -> CLibCurl_answer {
        let request = exchange.request
        if request.maxRedirects > 0, Hop.isRedirect(head) {
            guard redirects < request.maxRedirects else {
                return fail(.redirect, "it is redirected more than \(request.maxRedirects) times")
            }
            do throws(HTTPError) { next = try hop.redirected(head, request) } catch {
                failure = error
                return CLibCurl_abort
            }
            return CLibCurl_taken
        }
        if let coding = Self.unwantedCoding(head, acceptsGzip: request.acceptsGzip) {
            return fail(.protocolError, "the answer is coded as '\(coding)'")
        }
        self.head = head
        exchange.receive(head)
        return CLibCurl_taken
    }

    /// libcurl unpacks every transfer coding it knows, asked or not, one inside the other. What it unpacks for a reader that waits
    /// would pile up, and nobody who means well sends such.
    private static func unwantedCoding(_ head: ResponseHead, acceptsGzip: Bool) -> String? {
        let transfer = head.headers.values("transfer-encoding").joined(separator: ",").lowercased()
        if !["", "chunked", "identity"].contains(transfer) { return transfer }
        let content = head.headers.values("content-encoding").joined(separator: ",").lowercased()
        return acceptsGzip && !["", "gzip", "x-gzip", "identity"].contains(content) ? content : nil
    }

    private func takeBody(_ bytes: UnsafeBufferPointer<UInt8>) -> CLibCurl_answer {
        lastMove = .now
        // Nobody reads the body of a redirect; what libcurl says of this is not looked at.
        guard next == nil else { return CLibCurl_abort }
        newBytes += bytes.count
        switch unsafe exchange.receive(bytes) {
        case .taken: return CLibCurl_taken
        case .full: return CLibCurl_full
        case .over: return CLibCurl_abort
        case .tooLarge:
            let limit = exchange.isStream ? exchange.request.maxStreamBytes : exchange.request.maxBodyBytes
            return fail(.tooLarge, "the body has more than \(limit) bytes")
        }
    }

    private func fail(_ reason: HTTPError.Reason, _ what: String) -> CLibCurl_answer {
        failure = HTTPError(reason, "read \(hop.url.place): \(what)")
        return CLibCurl_abort
    }

    // MARK: How it ends

    func result(_ code: CURLcode) -> Result {
        if let failure { return .outcome(.failed(failure)) }
        if let next { return .redirect(next) }
        guard code == CURLE_OK else { return .outcome(.failed(described(code))) }
        // What libcurl calls a success, when the connection ends between two lines of the head.
        guard head != nil else { return .outcome(.failed(HTTPError(.closed, "read \(hop.url.place): it ended within its headers"))) }
        return .outcome(.whole)
    }

    private func described(_ code: CURLcode) -> HTTPError {
        // Both texts are copied; the first lives in the transfer, the second is static.
        let own = unsafe String(cString: CLibCurl_message(handle))
        let general = unsafe String(cString: curl_easy_strerror(code))
        // libcurl quotes a proxy that it cannot use, user and password and all; its end may be cut off.
        let quotesProxy = proxy.contains("@") && own.contains(proxy.prefix(12))
        let text = quotesProxy ? "the proxy that the variables name cannot be used: \(general)" : own.isEmpty ? general : own
        return HTTPError(HTTPError.Reason(code, isConnected: isConnected), "reach \(hop.url.place): \(text)")
    }

    private var isConnected: Bool { unsafe CLibCurl_is_connected(handle) }

    // MARK: Time

    /// The earliest moment at which a limit may have passed; a later move puts it off.
    func nextLimit() -> ContinuousClock.Instant? {
        let idle = exchange.request.idleTimeout.map { lastMove + $0 }
        return [exchange.deadline, idle].compactMap { $0 }.min()
    }

    /// What limit has passed, if any.
    func overdue(_ now: ContinuousClock.Instant) -> HTTPError? {
        if let deadline = exchange.deadline, deadline <= now { return exchange.timedOut() }
        guard let limit = exchange.request.idleTimeout else { return nil }
        let sent = unsafe CLibCurl_uploaded(handle)
        // The server is not to blame while its reader makes it wait, nor before it is reached: that has its own limit.
        if sent != uploaded || exchange.isFull || !isConnected { lastMove = now }
        uploaded = sent
        guard now - lastMove >= limit else { return nil }
        return HTTPError(.timeout, "read \(hop.url.place): nothing moved for \(limit)")
    }
}
