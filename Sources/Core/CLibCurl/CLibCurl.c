// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
/* The macros that check arguments by constant options have nothing to check where the option is a variable. */
#define CURL_DISABLE_TYPECHECK
#include "CLibCurl.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_started;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start(void) { is_started = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK; }

bool CLibCurl_start(void)
{
	pthread_once(&once, start);
	return is_started;
}

struct start {
	char name[16];
	void (*body)(void *context);
	void *context;
};

static void *run(void *data)
{
	struct start start = *(struct start *)data;

	free(data);
	pthread_setname_np(pthread_self(), start.name);
	start.body(start.context);
	return NULL;
}

int CLibCurl_run(const char *name, void (*body)(void *context), void *context)
{
	/* Those of the processor's must end the process with its own report. */
	static const int kept[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT};
	struct start *start = calloc(1, sizeof *start);
	sigset_t blocked, before;
	pthread_t thread;
	int code;

	if (!start)
		return ENOMEM;
	snprintf(start->name, sizeof start->name, "%s", name);
	start->body = body;
	start->context = context;
	sigfillset(&blocked);
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
		sigdelset(&blocked, kept[i]);
	/* The new thread, and those that libcurl makes to look names up, inherit the mask. */
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	code = pthread_create(&thread, NULL, run, start);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (code)
		free(start);
	else
		pthread_detach(thread);
	return code;
}

struct CLibCurl_transfer {
	CURL *easy;
	struct curl_slist *headers;
	struct curl_slist *connect_to;
	void *context;
	CLibCurl_take head;
	CLibCurl_take body;
	char message[CURL_ERROR_SIZE];
};

static size_t take_head(char *bytes, size_t size, size_t count, void *data)
{
	struct CLibCurl_transfer *transfer = data;

	count *= size;
	return transfer->head(transfer->context, (const uint8_t *)bytes, count) == CLibCurl_taken
		   ? count
		   : CURL_WRITEFUNC_ERROR;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *data)
{
	struct CLibCurl_transfer *transfer = data;

	count *= size;
	switch (transfer->body(transfer->context, (const uint8_t *)bytes, count)) {
	case CLibCurl_taken:
		return count;
	case CLibCurl_full:
		return CURL_WRITEFUNC_PAUSE;
	default:
		return CURL_WRITEFUNC_ERROR;
	}
}

struct CLibCurl_transfer *CLibCurl_open(CLibCurl_take head, CLibCurl_take body)
{
	struct CLibCurl_transfer *transfer = calloc(1, sizeof *transfer);
	CURL *easy = curl_easy_init();

	if (!transfer || !easy) {
		free(transfer);
		curl_easy_cleanup(easy);
		return NULL;
	}
	transfer->easy = easy;
	transfer->head = head;
	transfer->body = body;
	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->message);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_head);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	return transfer;
}

void CLibCurl_close(struct CLibCurl_transfer *transfer)
{
	curl_easy_cleanup(transfer->easy);
	curl_slist_free_all(transfer->headers);
	curl_slist_free_all(transfer->connect_to);
	free(transfer);
}

void CLibCurl_set_context(struct CLibCurl_transfer *transfer, void *context) { transfer->context = context; }

CURL *CLibCurl_easy(const struct CLibCurl_transfer *transfer) { return transfer->easy; }

CURLcode CLibCurl_set_number(struct CLibCurl_transfer *transfer, CURLoption option, long value)
{
	return curl_easy_setopt(transfer->easy, option, value);
}

CURLcode CLibCurl_set_text(struct CLibCurl_transfer *transfer, CURLoption option, const char *value)
{
	return curl_easy_setopt(transfer->easy, option, value);
}

CURLcode CLibCurl_set_blob(struct CLibCurl_transfer *transfer, CURLoption option, const uint8_t *bytes, size_t count)
{
	struct curl_blob blob = {.data = (void *)bytes, .len = count, .flags = CURL_BLOB_COPY};

	return curl_easy_setopt(transfer->easy, option, &blob);
}

CURLcode CLibCurl_set_body(struct CLibCurl_transfer *transfer, const uint8_t *bytes, size_t count)
{
	CURLcode code = curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)count);

	/* NULL would mean that a callback gives the body. */
	return code ? code : curl_easy_setopt(transfer->easy, CURLOPT_COPYPOSTFIELDS, count ? (const char *)bytes : "");
}

static CURLcode add(struct CLibCurl_transfer *transfer, CURLoption option, struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (!longer)
		return CURLE_OUT_OF_MEMORY;
	*list = longer;
	return curl_easy_setopt(transfer->easy, option, longer);
}

CURLcode CLibCurl_add_header(struct CLibCurl_transfer *transfer, const char *line)
{
	return add(transfer, CURLOPT_HTTPHEADER, &transfer->headers, line);
}

CURLcode CLibCurl_connect_to(struct CLibCurl_transfer *transfer, const char *line)
{
	return add(transfer, CURLOPT_CONNECT_TO, &transfer->connect_to, line);
}

// Both ways: else libcurl looks at the transfer at once, to see what may go on.
CURLcode CLibCurl_pause(struct CLibCurl_transfer *transfer) { return curl_easy_pause(transfer->easy, CURLPAUSE_ALL); }

CURLcode CLibCurl_resume(struct CLibCurl_transfer *transfer) { return curl_easy_pause(transfer->easy, CURLPAUSE_CONT); }

const char *CLibCurl_message(const struct CLibCurl_transfer *transfer) { return transfer->message; }

int64_t CLibCurl_uploaded(const struct CLibCurl_transfer *transfer)
{
	curl_off_t count = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &count);
	return count;
}

bool CLibCurl_is_connected(const struct CLibCurl_transfer *transfer)
{
	curl_off_t microseconds = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &microseconds);
	return microseconds > 0;
}

CURLM *CLibCurl_multi(long idle_connections)
{
	CURLM *multi = curl_multi_init();

	if (multi) {
		curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, idle_connections);
		curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	}
	return multi;
}

struct CLibCurl_transfer *CLibCurl_next_done(CURLM *multi, CURLcode *code)
{
	int left;
	CURLMsg *message;

	while ((message = curl_multi_info_read(multi, &left))) {
		char *transfer = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		*code = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		return (struct CLibCurl_transfer *)transfer;
	}
	return NULL;
}

void *CLibCurl_context(const struct CLibCurl_transfer *transfer) { return transfer->context; }

const char *CLibCurl_parse_url(const char *base, const char *text, struct CLibCurl_url *url)
{
	CURLU *handle = curl_url();
	CURLUcode code = handle ? CURLUE_OK : CURLUE_OUT_OF_MEMORY;

	*url = (struct CLibCurl_url){0};
	if (!code && base)
		code = curl_url_set(handle, CURLUPART_URL, base, 0);
	if (!code)
		code = curl_url_set(handle, CURLUPART_URL, text, CURLU_DISALLOW_USER);
	if (!code)
		code = curl_url_get(handle, CURLUPART_URL, &url->text, 0);
	if (!code)
		code = curl_url_get(handle, CURLUPART_SCHEME, &url->scheme, 0);
	if (!code)
		code = curl_url_get(handle, CURLUPART_HOST, &url->host, 0);
	if (!code)
		code = curl_url_get(handle, CURLUPART_PORT, &url->port, CURLU_DEFAULT_PORT);
	if (!code)
		code = curl_url_get(handle, CURLUPART_PATH, &url->path, 0);
	curl_url_cleanup(handle);
	if (code)
		CLibCurl_free_url(url);
	return code ? curl_url_strerror(code) : NULL;
}

void CLibCurl_free_url(struct CLibCurl_url *url)
{
	curl_free(url->text);
	curl_free(url->scheme);
	curl_free(url->host);
	curl_free(url->port);
	curl_free(url->path);
	*url = (struct CLibCurl_url){0};
}

char *CLibCurl_url_at(const char *text, const char *host)
{
	CURLU *handle = curl_url();
	char *moved = NULL;

	if (handle && !curl_url_set(handle, CURLUPART_URL, text, 0) && !curl_url_set(handle, CURLUPART_HOST, host, 0))
		curl_url_get(handle, CURLUPART_URL, &moved, 0);
	curl_url_cleanup(handle);
	return moved;
}
