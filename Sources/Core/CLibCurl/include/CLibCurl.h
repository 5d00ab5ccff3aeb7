// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0
#ifndef CLIBCURL_H
#define CLIBCURL_H

// What Swift cannot say to libcurl itself: functions of variable arguments, unions, and memory that must outlive a
// call. What it can (curl_multi_perform and the like) it calls directly.

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// CURLOPT_QUICK_EXIT: without it a transfer that is given up while its name is looked up holds all others up.
#if LIBCURL_VERSION_NUM < 0x075700
#error "libcurl 7.87 or later is needed"
#endif

/// One easy handle with what it points to.
struct CLibCurl_transfer;

enum CLibCurl_answer {
	CLibCurl_taken,
	CLibCurl_full, // asks again after CLibCurl_resume; for bodies alone
	CLibCurl_abort,
};

/// Called by libcurl from curl_multi_perform and CLibCurl_resume; the bytes live until it returns.
typedef enum CLibCurl_answer (*CLibCurl_take)(void *context, const uint8_t *bytes, size_t count);

/// Initializes the library, once; false when it cannot be.
bool CLibCurl_start(void);

/// Runs `body` on a new, detached thread on which no signal is handled. The name has at most 15 bytes. An errno, or 0.
int CLibCurl_run(const char *name, void (*body)(void *context), void *context);

/// `head` gets the lines of heads and trailers with their ends, `body` the rest. NULL: no memory.
struct CLibCurl_transfer *CLibCurl_open(CLibCurl_take head, CLibCurl_take body);
/// What the two are called with.
void CLibCurl_set_context(struct CLibCurl_transfer *transfer, void *context);
/// Must not be part of a multi handle any more.
void CLibCurl_close(struct CLibCurl_transfer *transfer);
CURL *CLibCurl_easy(const struct CLibCurl_transfer *transfer);

/// Options by the type of their value; texts, blobs and the body are copied. NULL takes a text away.
CURLcode CLibCurl_set_number(struct CLibCurl_transfer *transfer, CURLoption option, long value);
CURLcode CLibCurl_set_text(struct CLibCurl_transfer *transfer, CURLoption option, const char *value);
CURLcode CLibCurl_set_blob(struct CLibCurl_transfer *transfer, CURLoption option, const uint8_t *bytes, size_t count);
CURLcode CLibCurl_set_body(struct CLibCurl_transfer *transfer, const uint8_t *bytes, size_t count);
/// Adds a line to CURLOPT_HTTPHEADER, and the one line of CURLOPT_CONNECT_TO.
CURLcode CLibCurl_add_header(struct CLibCurl_transfer *transfer, const char *line);
CURLcode CLibCurl_connect_to(struct CLibCurl_transfer *transfer, const char *line);

/// Leaves the connection alone until CLibCurl_resume. Not to be called by what libcurl calls.
CURLcode CLibCurl_pause(struct CLibCurl_transfer *transfer);
/// Lets a body that was full, or paused, come on; may call `body` at once.
CURLcode CLibCurl_resume(struct CLibCurl_transfer *transfer);
/// libcurl's words about the last failure, or "". Lives as long as the transfer.
const char *CLibCurl_message(const struct CLibCurl_transfer *transfer);
/// Bytes of the body that were sent.
int64_t CLibCurl_uploaded(const struct CLibCurl_transfer *transfer);
/// The connection, with TLS, stands or stood.
bool CLibCurl_is_connected(const struct CLibCurl_transfer *transfer);

/// A multi handle that keeps at most so many idle connections. NULL: no memory.
CURLM *CLibCurl_multi(long idle_connections);
/// The next transfer that has ended, with how; NULL when there is none.
struct CLibCurl_transfer *CLibCurl_next_done(CURLM *multi, CURLcode *code);
void *CLibCurl_context(const struct CLibCurl_transfer *transfer);

/// The parts of a URL; each is freed by CLibCurl_free_url.
struct CLibCurl_url {
	char *text; // normalized
	char *scheme;
	char *host; // an IPv6 address in its brackets
	char *port; // the scheme's own when none is written
	char *path;
};

/// Takes a URL apart, `text` being relative to `base` unless that is NULL. A user or password in it is an error.
/// NULL: it worked; else a static text.
const char *CLibCurl_parse_url(const char *base, const char *text, struct CLibCurl_url *url);
void CLibCurl_free_url(struct CLibCurl_url *url);
/// The same URL at another host; freed by curl_free. NULL: no memory, or no such host.
char *CLibCurl_url_at(const char *text, const char *host);

#endif
