// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0
#ifndef WEIR_DNS_H
#define WEIR_DNS_H

// PTR questions over c-ares, on one thread of their own.
//
// Each message to a server has a c-ares channel to itself: its own socket and so its own random port, and what one
// server does to one question (a closed connection, a truncated answer without TCP behind it) does not touch the
// others.

#include <stdbool.h>
#include <stdint.h>

enum { DNS_MAX_SERVERS = 8, DNS_MAX_NAME = 96, DNS_MAX_MESSAGE = 65535 };

struct dns_server {
	uint8_t address[16]; // network order; IPv4 in the first four bytes
	uint16_t port;	     // host order; 0 is 53
	bool is_ipv6;
};

struct dns_options {
	struct dns_server servers[DNS_MAX_SERVERS];
	uint32_t server_count;
	uint32_t timeout_ms; // of each message
	uint32_t tries;	     // messages per question, over all servers
};

enum dns_status {
	DNS_REPLIED,	 // `reply` is what the server said, whatever that is
	DNS_TIMED_OUT,	 // nobody answered
	DNS_UNREACHABLE, // no way to a server, or nobody listens there
	DNS_FAILED,	 // the library could not ask: no memory, no socket
};

struct dns_outcome {
	const uint8_t *reply; // valid during the call
	uint32_t length;
	uint32_t messages; // how many were sent, repeats over TCP apart
	enum dns_status status;
};

// Called on the thread, once per question that was neither cancelled nor cut off by dns_stop.
typedef void (*dns_done)(void *context, uint64_t id, const struct dns_outcome *outcome);
// Called on the thread as its last act: `context` is not used any more.
typedef void (*dns_ended)(void *context);

struct dns_loop;

/// Starts the thread. NULL when there is no memory, descriptor or thread for it; then `ended` is never called.
struct dns_loop *dns_start(const struct dns_options *options, dns_done done, dns_ended ended, void *context);
/// Asks for the PTR record of `name`. False when there is no memory.
bool dns_ask(struct dns_loop *loop, uint64_t id, const char *name);
/// Forgets a question: its socket is closed and `done` is not called, unless it is being called already.
void dns_cancel(struct dns_loop *loop, uint64_t id);
/// Tells the thread to end, without waiting for it. `loop` is gone then.
void dns_stop(struct dns_loop *loop);
/// The servers that the system is set up to ask (/etc/resolv.conf): how many there are, at most DNS_MAX_SERVERS.
uint32_t dns_system_servers(struct dns_server servers[DNS_MAX_SERVERS]);

#endif
