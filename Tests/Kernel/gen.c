// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0
// Deterministic UDP load generator.
//   gen raw  IF DSTMAC DSTIP FLOWS PKTS_PER_FLOW PAYLOAD PPS SECS   crafted frames, AF_PACKET + sendmmsg
//   gen sock SRCIP     DSTIP FLOWS PAYLOAD SECS                     FLOWS connected UDP sockets, one send() each
//   gen hold IP                                                     bind UDP 9999 and never read it
// raw visits the flows round robin: pass k sends packet k of every flow. PPS 0 = as fast as possible,
// SECS 0 = stop after PKTS_PER_FLOW passes. Flow i: 10.100.0.(1 + i%64) : 1024 + i/64 -> DSTIP:9999.
// Prints one JSON line: sent, l2_bytes (Ethernet frame bytes, no FCS), secs, pps.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 32, PORT = 9999, NSRC = 64, HDR = 14 + 20 + 8, MAXF = 1514 };

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}
static void die(const char *what)
{
	perror(what);
	exit(1);
}
static uint16_t csum(const void *p, int len)
{
	const uint16_t *w = p;
	uint32_t s = 0;
	for (; len > 1; len -= 2)
		s += *w++;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return ~s;
}
static void report(uint64_t sent, uint64_t l2, uint64_t t0)
{
	double s = (now_ns() - t0) / 1e9;
	printf("{\"sent\":%lu,\"l2_bytes\":%lu,\"secs\":%.4f,\"pps\":%.0f}\n", sent, l2, s, sent / s);
}

static int raw(char **a)
{
	int fd = socket(AF_PACKET, SOCK_RAW, 0), one = 1, payload = atoi(a[5]), len = HDR + payload;
	uint64_t flows = strtoull(a[3], 0, 10), per = strtoull(a[4], 0, 10), pps = strtoull(a[6], 0, 10);
	uint64_t secs = strtoull(a[7], 0, 10), sent = 0, total = secs ? ~0ull : flows * per;
	struct sockaddr_ll ll = {.sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(a[0]), .sll_halen = 6};
	static uint8_t frames[BATCH][MAXF];
	struct mmsghdr mm[BATCH] = {0};
	struct iovec iov[BATCH];
	unsigned m[6];

	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one))
		die("AF_PACKET");
	sscanf(a[1], "%x:%x:%x:%x:%x:%x", m, m + 1, m + 2, m + 3, m + 4, m + 5);
	for (int i = 0; i < BATCH; i++) {
		struct ether_header *e = (void *)frames[i];
		struct ip *ip = (void *)(e + 1);
		struct udphdr *u = (void *)(ip + 1);
		for (int k = 0; k < 6; k++)
			e->ether_dhost[k] = m[k], e->ether_shost[k] = k ? k : 2;
		e->ether_type = htons(ETHERTYPE_IP);
		*ip = (struct ip){.ip_v = 4, .ip_hl = 5, .ip_ttl = 64, .ip_p = IPPROTO_UDP, .ip_len = htons(len - 14)};
		ip->ip_dst.s_addr = inet_addr(a[2]);
		u->uh_dport = htons(PORT), u->uh_ulen = htons(8 + payload);
		iov[i] = (struct iovec){frames[i], len};
		mm[i].msg_hdr =
		    (struct msghdr){.msg_name = &ll, .msg_namelen = sizeof ll, .msg_iov = &iov[i], .msg_iovlen = 1};
	}
	uint64_t t0 = now_ns(), end = t0 + secs * 1000000000ull, flow = 0;
	while (sent < total) {
		int n = total - sent < BATCH ? total - sent : BATCH;
		for (int i = 0; i < n; i++, flow = flow + 1 == flows ? 0 : flow + 1) {
			struct ip *ip = (void *)(frames[i] + 14);
			ip->ip_src.s_addr = htonl(0x0a640001 + flow % NSRC);
			((struct udphdr *)(ip + 1))->uh_sport = htons(1024 + flow / NSRC);
			ip->ip_sum = 0, ip->ip_sum = csum(ip, 20);
		}
		if (pps) {
			uint64_t due = t0 + sent * 1000000000ull / pps;
			struct timespec t = {due / 1000000000, due % 1000000000};
			clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, 0);
		}
		for (int off = 0, r; off < n; off += r)
			if ((r = sendmmsg(fd, mm + off, n - off, 0)) < 0) {
				if (errno != ENOBUFS)
					die("sendmmsg");
				r = 0;
			}
		sent += n;
		if (secs && now_ns() >= end)
			break;
	}
	report(sent, sent * len, t0);
	return 0;
}

static int sock(char **a)
{
	int flows = atoi(a[2]), payload = atoi(a[3]), *fd = malloc(flows * sizeof *fd);
	uint64_t sent = 0, secs = strtoull(a[4], 0, 10);
	struct rlimit rl = {1 << 20, 1 << 20};
	char buf[1500] = {0};

	setrlimit(RLIMIT_NOFILE, &rl);
	for (int i = 0; i < flows; i++) {
		struct sockaddr_in src = {
		    .sin_family = AF_INET, .sin_port = htons(20000 + i), .sin_addr.s_addr = inet_addr(a[0])};
		struct sockaddr_in dst = {
		    .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = inet_addr(a[1])};
		fd[i] = socket(AF_INET, SOCK_DGRAM, 0);
		if (fd[i] < 0 || bind(fd[i], (void *)&src, sizeof src) || connect(fd[i], (void *)&dst, sizeof dst))
			die("sock");
	}
	uint64_t t0 = now_ns(), end = t0 + secs * 1000000000ull;
	while (now_ns() < end)
		for (int i = 0; i < flows; i++)
			sent += send(fd[i], buf, payload, 0) == payload;
	report(sent, sent * (HDR + payload), t0);
	return 0;
}

static int hold(char **a)
{
	struct sockaddr_in me = {.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = inet_addr(a[0])};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(fd, (void *)&me, sizeof me))
		die("bind");
	pause();
	return 0;
}

int main(int argc, char **v)
{
	if (argc == 10 && !strcmp(v[1], "raw"))
		return raw(v + 2);
	if (argc == 7 && !strcmp(v[1], "sock"))
		return sock(v + 2);
	if (argc == 3 && !strcmp(v[1], "hold"))
		return hold(v + 2);
	return fprintf(stderr, "usage: see the top of gen.c\n"), 2;
}
