// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

// What the ways to send and to receive share. How to call the whole: the top of gen.c.
#pragma once
#define _GNU_SOURCE
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include <netinet/in.h>
#include <sys/socket.h>

enum {
	PORT = 9999,
	ETHERNET = 14,
};

// ---- common.c ----

extern volatile sig_atomic_t stopped;
void stop_on_term(void);

// Says what failed and why, and ends.
_Noreturn void die(const char *what);
_Noreturn void usage(void);

uint64_t now_ns(void);
void wait_until(uint64_t due);

// report(PACKETS, LAYER_3_BYTES, LAYER_2_BYTES, START): the one line of JSON.
void report(uint64_t packets, uint64_t l3, uint64_t l2, uint64_t start);

// Room for as many sockets as anybody asks for.
void allow_files(void);

struct address {
	bool v6;
	struct in_addr four;
	struct in6_addr six;
};

struct address address_of(const char *text);
socklen_t socket_address(const struct address *a, uint16_t port, struct sockaddr_storage *out);
int network_bytes(bool v6);

// The Internet's checksum: add_words() of all parts, then folded(), in network order. Here, to be inlined: once for
// every packet.
static inline uint32_t add_words(uint32_t sum, const void *bytes, int length)
{
	const uint8_t *b = bytes;
	for (int i = 0; i + 1 < length; i += 2)
		sum += b[i] << 8 | b[i + 1];
	return length & 1 ? sum + (b[length - 1] << 8) : sum;
}

static inline uint16_t folded(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

// ---- frames.c, sockets.c, streams.c: the words of the command line ----

int raw(char **a, int pad, bool queued, uint32_t sources);

struct protocol {
	int number; // of a raw socket, or 0
	int header; // bytes that we write before the payload
};

struct protocol protocol_of(const char *name, bool v6);
int sock(char **a, struct protocol protocol, int segments, uint64_t pps, uint64_t passes);
int receive(const char *ip);
int hold(const char *ip, const char *name);

int pour(const char *ip, uint64_t bytes, int flows, uint64_t secs);
int drain(const char *ip, int flows);
