// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0
#ifndef WEIR_DNS_QUESTION_H
#define WEIR_DNS_QUESTION_H

// One question and the c-ares channel of its present message. Used by the thread alone once it is asked.

#include <ares.h>
#include <poll.h>
#include "include/weir_dns.h"

// A channel with one question and one server has a UDP socket, and a TCP socket after a truncated answer: two, and
// room.
enum { DNS_QUESTION_SOCKETS = 4 };

struct dns_question {
	struct dns_question *next;
	uint64_t id;
	char name[DNS_MAX_NAME];
	ares_channel channel;
	bool has_channel;
	uint8_t polled; // how many sockets it gave to poll
	uint32_t messages;
	uint32_t first_server, server; // the ones that were asked first and last
	// Of the last message, once `ended`.
	bool ended;
	enum dns_status status;
	uint8_t *reply;
	uint32_t length;
};

/// Once per process, before anything else.
void dns_library_init(void);
/// NULL when there is no memory or the name is too long.
struct dns_question *dns_question_make(uint64_t id, const char *name);
void dns_question_free(struct dns_question *question);
/// Sends a message to options->servers[server]. The question may have ended when it returns.
void dns_question_send(struct dns_question *question, const struct dns_options *options, uint32_t server);
/// Whether an ended question should be sent once more: to a server that was not asked yet, or, when nobody answered, to
/// any.
bool dns_question_may_go_on(const struct dns_question *question, const struct dns_options *options);
/// Whether an ended question got what it asked for, be it that there is no such name.
bool dns_question_is_answered(const struct dns_question *question);
/// Fills in what to poll; returns how many.
size_t dns_question_sockets(struct dns_question *question, struct pollfd polled[DNS_QUESTION_SOCKETS]);
/// The smaller of `timeout` (milliseconds, -1 for none) and what the question waits for.
int dns_question_timeout(const struct dns_question *question, int timeout);
/// Reads, writes, and looks at the clock; returns how many entries of `polled` were the question's.
size_t dns_question_process(struct dns_question *question, const struct pollfd *polled);
/// The same when nobody could poll.
void dns_question_process_all(struct dns_question *question);

#endif
