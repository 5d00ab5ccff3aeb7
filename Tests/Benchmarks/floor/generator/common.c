// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

#include "gen.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

volatile sig_atomic_t stopped;

static void on_term(int signal) { stopped = signal; }

void stop_on_term(void)
{
	struct sigaction action = {.sa_handler = on_term};

	sigaction(SIGTERM, &action, 0);
}

void die(const char *what)
{
	perror(what);
	exit(1);
}

void usage(void)
{
	fprintf(stderr, "usage: see the top of gen.c\n");
	exit(2);
}

uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

void wait_until(uint64_t due)
{
	struct timespec t = {due / 1000000000, due % 1000000000};
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, 0);
}

void report(uint64_t packets, uint64_t l3, uint64_t l2, uint64_t start)
{
	double secs = (now_ns() - start) / 1e9;
	printf("{\"packets\":%lu,\"l3_bytes\":%lu,\"l2_bytes\":%lu,\"secs\":%.4f,\"pps\":%.0f}\n", packets, l3, l2,
	       secs, packets / secs);
}

void allow_files(void)
{
	struct rlimit limit = {1 << 20, 1 << 20};

	setrlimit(RLIMIT_NOFILE, &limit);
}

struct address address_of(const char *text)
{
	struct address a = {.v6 = strchr(text, ':')};
	if (inet_pton(a.v6 ? AF_INET6 : AF_INET, text, a.v6 ? (void *)&a.six : (void *)&a.four) != 1) {
		fprintf(stderr, "'%s' is not an address\n", text);
		exit(2);
	}
	return a;
}

socklen_t socket_address(const struct address *a, uint16_t port, struct sockaddr_storage *out)
{
	*out = (struct sockaddr_storage){0};
	if (a->v6) {
		*(struct sockaddr_in6 *)out =
		    (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = a->six};
		return sizeof(struct sockaddr_in6);
	}
	*(struct sockaddr_in *)out =
	    (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = a->four};
	return sizeof(struct sockaddr_in);
}

int network_bytes(bool v6) { return v6 ? 40 : 20; }
