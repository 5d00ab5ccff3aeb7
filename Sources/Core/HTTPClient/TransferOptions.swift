// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CLibCurl

extension Transfer {
    /// Tells libcurl everything about the hop. Every value is copied by libcurl during the call.
    func configure(_ engine: Engine) throws(HTTPError) {
        let request = exchange.request
        // No signals; no waiting for a look-up that was given up.
        try set(CURLOPT_NOSIGNAL, 1)
        try set(CURLOPT_QUICK_EXIT, 1)
        // HTTP/1.1: pausing a transfer then is TCP's back-pressure, where HTTP/2 would go on filling libcurl's buffers.
        try set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        try set(CURLOPT_PROTOCOLS_STR, "http,https")
        // Redirects are ours: libcurl would only keep some of the credentials back.
        try set(CURLOPT_FOLLOWLOCATION, 0)
        try set(CURLOPT_CONNECTTIMEOUT_MS, min(max(1, request.connectTimeout.wholeMilliseconds), Int(Int32.max)))
        // Streams may be silent for long; a server that vanished must not go unnoticed.
        try set(CURLOPT_TCP_KEEPALIVE, 1)
        try set(CURLOPT_TCP_KEEPIDLE, 30)
        try set(CURLOPT_TCP_KEEPINTVL, 10)
        if request.acceptsGzip { try set(CURLOPT_ACCEPT_ENCODING, "gzip") }
        if let path = request.unixSocket { try set(CURLOPT_UNIX_SOCKET_PATH, path) }
        try setProxy(engine)
        try setMethod()
        try setTLS(hop.isAtOrigin ? request.tls : request.tls.elsewhere)
        try setTarget(engine)
    }

    private func setProxy(_ engine: Engine) throws(HTTPError) {
        let choice: ProxyChoice
        switch exchange.request.proxy {
        case _ where exchange.request.unixSocket != nil: choice = .direct
        case .none: choice = .direct
        case .environment: choice = ProxyChoice(engine.environment, scheme: hop.url.scheme)
        case .variables(let variables): choice = ProxyChoice(variables, scheme: hop.url.scheme)
        }
        // Empty texts, not none: none would make libcurl look at the environment.
        proxy = choice.excepts(hop.url.host) ? "" : choice.proxy
        try set(CURLOPT_PROXY, proxy)
        try set(CURLOPT_NOPROXY, "")
        try set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        // Our headers are for the server, not for a proxy on the way to it.
        try set(CURLOPT_HEADEROPT, Int(CURLHEADER_SEPARATE))
    }

    private func setMethod() throws(HTTPError) {
        if hop.method == "HEAD" {
            try set(CURLOPT_NOBODY, 1)
        } else if !hop.body.isEmpty || ["POST", "PUT", "PATCH"].contains(hop.method) {
            try set(CURLOPT_POST, 1)
            try check(unsafe CLibCurl_set_body(handle, hop.body, hop.body.count))
        }
        if hop.method != "GET" && hop.method != "HEAD" || !hop.body.isEmpty { try set(CURLOPT_CUSTOMREQUEST, hop.method) }
    }

    private func setTarget(_ engine: Engine) throws(HTTPError) {
        var headers = hop.headers
        func add(_ name: String, _ value: String) {
            if !headers.contains(where: { $0.name.lowercased() == name.lowercased() }) { headers.append((name, value)) }
        }
        add("User-Agent", engine.options.userAgent)
        if hop.isAtOrigin, hop.url.scheme == "https", let name = exchange.request.tls.serverName {
            // libcurl takes the name from the URL alone: so the URL gets that name, and the connection and Host what the URL had.
            guard let moved = unsafe CLibCurl_url_at(hop.url.text, name) else {
                throw HTTPError(.url, "use the server name '\(name)'")
            }
            defer { unsafe curl_free(moved) }
            try check(unsafe CLibCurl_set_text(handle, CURLOPT_URL, moved))
            try check(unsafe CLibCurl_connect_to(handle, "\(name):\(hop.url.port):\(hop.url.host):\(hop.url.port)"))
            add("Host", hop.url.port == "443" ? hop.url.host : "\(hop.url.host):\(hop.url.port)")
        } else {
            try set(CURLOPT_URL, hop.url.text)
        }
        for (name, value) in headers {
            // `Name:` would take a header away, `Name;` sends it empty.
            try check(unsafe CLibCurl_add_header(handle, value.isEmpty ? "\(name);" : "\(name): \(value)"))
        }
        // What libcurl would add: a wait for 100 Continue, and the type of forms.
        for name in ["Expect", "Content-Type"] where !headers.contains(where: { $0.name.lowercased() == name.lowercased() }) {
            try check(unsafe CLibCurl_add_header(handle, "\(name):"))
        }
    }

    private func setTLS(_ tls: TLSOptions) throws(HTTPError) {
        try set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        try set(CURLOPT_PROXY_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        if tls.insecureSkipVerify {
            try set(CURLOPT_SSL_VERIFYPEER, 0)
            try set(CURLOPT_SSL_VERIFYHOST, 0)
        }
        if tls.caData != nil || tls.caFile != nil {
            // The system's folder of authorities would count beside what was named.
            try set(CURLOPT_CAPATH, nil)
            try set(CURLOPT_CAINFO_BLOB, CURLOPT_CAINFO, tls.caData, tls.caFile)
            // Else libcurl would know a file by its path alone for a day.
            try set(CURLOPT_CA_CACHE_TIMEOUT, 0)
        }
        // A resumed session would stand on files that may have been replaced.
        if [tls.caFile, tls.certificateFile, tls.keyFile].contains(where: { $0 != nil }) { try set(CURLOPT_SSL_SESSIONID_CACHE, 0) }
        try set(CURLOPT_SSLCERT_BLOB, CURLOPT_SSLCERT, tls.certificateData, tls.certificateFile)
        try set(CURLOPT_SSLKEY_BLOB, CURLOPT_SSLKEY, tls.keyData, tls.keyFile)
    }

    // MARK: Options by type

    private func set(_ option: CURLoption, _ value: Int) throws(HTTPError) { try check(unsafe CLibCurl_set_number(handle, option, value)) }

    private func set(_ option: CURLoption, _ value: String?) throws(HTTPError) { try check(unsafe CLibCurl_set_text(handle, option, value)) }

    /// Data if there is some, else a file if one is named.
    private func set(_ blob: CURLoption, _ text: CURLoption, _ data: [UInt8]?, _ file: String?) throws(HTTPError) {
        if let data {
            try check(unsafe CLibCurl_set_blob(handle, blob, data, data.count))
        } else if let file {
            try set(text, file)
        }
    }

    private func check(_ code: CURLcode) throws(HTTPError) {
        guard code != CURLE_OK else { return }
        throw HTTPError(.connect, unsafe "set libcurl up for \(hop.url.place): \(String(cString: curl_easy_strerror(code)))")
    }
}

extension TLSOptions {
    /// For a server that the caller did not name: the same authorities, nothing that was meant for the one.
    var elsewhere: TLSOptions {
        var other = TLSOptions()
        other.caFile = caFile
        other.caData = caData
        return other
    }
}
