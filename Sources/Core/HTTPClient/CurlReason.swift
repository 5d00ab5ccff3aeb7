// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CLibCurl

extension HTTPError.Reason {
    /// What libcurl's code means for us.
    init(_ code: CURLcode, isConnected: Bool) {
        self =
            switch code {
            case CURLE_URL_MALFORMAT: .url
            case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .resolve
            case CURLE_COULDNT_CONNECT, CURLE_PROXY, CURLE_INTERFACE_FAILED, CURLE_OUT_OF_MEMORY: .connect
            case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE,
                CURLE_SSL_CRL_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_ENGINE_INITFAILED, CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_SHUTDOWN_FAILED,
                CURLE_SSL_CLIENTCERT, CURLE_SSL_INVALIDCERTSTATUS:
                .tls
            case CURLE_OPERATION_TIMEDOUT: .timeout
            // Before that it was the proxy that refused.
            case CURLE_RECV_ERROR, CURLE_SEND_ERROR: isConnected ? .reset : .connect
            case CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE: .closed
            default: .protocolError
            }
    }
}
