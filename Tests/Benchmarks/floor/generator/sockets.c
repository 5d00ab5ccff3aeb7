// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

// Datagrams and packets of raw sockets.
#include "gen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_PORT = 20000, MAX_DATAGRAM = 65507, BUFFER = 64 << 20 };

struct protocol protocol_of(const char *name, bool v6)
{
	if (!name || !strcmp(name, "udp"))
		return (struct protocol){0, 0};
	if (!strcmp(name, "sctp"))
		return (struct protocol){IPPROTO_SCTP, 12};
	if (!strcmp(name, "icmp"))
		return (struct protocol){v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, 8};
	fprintf(stderr, "'%s' is not udp, sctp or icmp\n", name);
	exit(2);
}

// make_message(MESSAGE, PROTOCOL, LENGTH, FLOW): what the kernel does not write for a raw socket.
static void make_message(uint8_t *message, struct protocol protocol, int length, int flow)
{
	uint16_t *words = (void *)message;

	if (protocol.number == IPPROTO_SCTP) {
		words[0] = htons(FIRST_PORT + flow), words[1] = htons(PORT);
		words[7] = htons(length - 12); // of the one chunk; the CRC stays out: nobody here would check it
	} else if (protocol.number == IPPROTO_ICMP) {
		words[0] = words[1] = 0, words[2] = htons(1), words[3] = htons(flow); // echo reply, identifier, number
		words[1] = folded(add_words(0, message, length));
	} else if (protocol.number == IPPROTO_ICMPV6)
		words[0] = htons(129 << 8), words[2] = htons(1), words[3] = htons(flow); // the kernel adds the checksum
}

static int connected(const struct address *src, const struct address *dst, struct protocol protocol, int port)
{
	struct sockaddr_storage from, to;
	socklen_t size = socket_address(src, protocol.number ? 0 : port, &from);
	int fd = socket(src->v6 ? AF_INET6 : AF_INET, protocol.number ? SOCK_RAW : SOCK_DGRAM, protocol.number);

	socket_address(dst, protocol.number ? 0 : PORT, &to);
	if (fd < 0 || bind(fd, (void *)&from, size) || connect(fd, (void *)&to, size))
		die("sock");
	return fd;
}

int sock(char **a, struct protocol protocol, int segments, uint64_t pps, uint64_t passes)
{
	struct address src = address_of(a[0]), dst = address_of(a[1]);
	int flows = atoi(a[2]), payload = atoi(a[3]), sockets = protocol.number ? 1 : flows,
	    *fd = malloc(sockets * sizeof *fd);
	int length = protocol.header + payload * segments;
	int l3 = network_bytes(dst.v6) + (protocol.number ? protocol.header : 8) + payload;
	uint64_t sends = 0, secs = strtoull(a[4], 0, 10);
	static uint8_t buffer[MAX_DATAGRAM];

	if (payload < 8 * !!protocol.number || length > MAX_DATAGRAM)
		usage();
	allow_files();
	stop_on_term();
	for (int i = 0; i < sockets; i++) {
		fd[i] = connected(&src, &dst, protocol, FIRST_PORT + i);
		if (segments > 1 && setsockopt(fd[i], SOL_UDP, UDP_SEGMENT, &payload, sizeof payload))
			die("UDP_SEGMENT");
	}
	uint64_t start = now_ns(), end = start + secs * 1000000000ull;
	for (uint64_t pass = 0; !stopped && (secs ? now_ns() < end : pass < passes); pass++)
		for (int i = 0; i < flows; i++) {
			if (pps)
				wait_until(start + sends * 1000000000ull / pps);
			make_message(buffer, protocol, length, i);
			sends += send(fd[protocol.number ? 0 : i], buffer, length, 0) == length;
		}
	uint64_t packets = sends * segments;
	report(packets, packets * l3, packets * (ETHERNET + l3), start);
	return 0;
}

static int bound(const char *ip, bool *v6)
{
	struct address me = address_of(ip);
	struct sockaddr_storage at;
	socklen_t size = socket_address(&me, PORT, &at);
	int fd = socket(at.ss_family, SOCK_DGRAM, 0);

	*v6 = me.v6;
	if (fd < 0 || bind(fd, (void *)&at, size))
		die("bind");
	return fd;
}

int receive(const char *ip)
{
	bool v6;
	int fd = bound(ip, &v6), room = BUFFER;
	uint64_t packets = 0, bytes = 0, start = now_ns();
	static char buffer[65536];

	stop_on_term();
	// Large enough that what the hook has seen is also received.
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room))
		die("SO_RCVBUFFORCE");
	while (true) {
		ssize_t length = recv(fd, buffer, sizeof buffer, stopped ? MSG_DONTWAIT : 0);
		if (length >= 0)
			packets++, bytes += network_bytes(v6) + 8 + length;
		else if (errno == EINTR)
			continue;
		else if (errno == EAGAIN)
			break;
		else
			die("recv");
	}
	report(packets, bytes, bytes + ETHERNET * packets, start);
	return 0;
}

int hold(const char *ip, const char *name)
{
	struct address me = address_of(ip);
	struct protocol protocol = protocol_of(name, me.v6);
	bool v6;

	if (protocol.number) {
		// Takes nothing, as a full queue would make the kernel say that nobody is there.
		struct sock_filter nothing = {BPF_RET | BPF_K, 0, 0, 0};
		struct sock_fprog filter = {1, &nothing};
		int fd = socket(me.v6 ? AF_INET6 : AF_INET, SOCK_RAW, protocol.number);
		if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter))
			die("raw socket");
	} else
		bound(ip, &v6);
	pause();
	return 0;
}
