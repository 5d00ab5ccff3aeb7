// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

// A deterministic generator, for IPv4 and IPv6. What it says it sent or received is the truth of the tests.
//
//   gen [-p SIZE] [-q] raw IF DSTMAC DSTIP FLOWS PKTS_PER_FLOW PAYLOAD PPS SECS
//         crafted frames by AF_PACKET and sendmmsg, round robin over the flows: pass k sends packet k of every flow.
//         Flow i is 10.100.0.(1 + i%64) or fd64::(1 + i%64), port 1024 + i/64, to DSTIP:9999.
//         PPS 0: as fast as possible. SECS 0: stop after PKTS_PER_FLOW passes.
//         -p SIZE: pad frames to SIZE bytes with zeros, as Ethernet does with less than 60.
//         -q: go through the queueing discipline, where a tc egress program sees them.
//   gen sock SRCIP DSTIP FLOWS PAYLOAD SECS [PPS]
//         FLOWS connected sockets from port 20000 on to DSTIP:9999, one send() each in turn. SECS 0: one send() each.
//   gen recv IP
//         receives on IP:9999 until SIGTERM, then what is still queued.
//   gen hold IP
//         binds IP:9999 and never reads.
//   gen pour DSTIP BYTES
//         one TCP connection to DSTIP:9999: sends BYTES, says that it has sent all, waits until the other end has too.
//   gen drain IP
//         takes one TCP connection on IP:9999 and reads it to its end. Both ends keep their sockets to the last
//         segment, so no segment of the connection is without one.
//
// Prints one line of JSON: packets (sent or received), l3_bytes, l2_bytes (Ethernet frames without checksum), secs,
// pps.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 32, PORT = 9999, SOURCES = 64, FIRST_PORT = 20000, ETHERNET = 14, MAX_FRAME = 1514, BUFFER = 64 << 20 };

static volatile sig_atomic_t stopped;

static void on_term(int signal) { stopped = signal; }

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void wait_until(uint64_t due)
{
	struct timespec t = {due / 1000000000, due % 1000000000};
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, 0);
}

static void report(uint64_t packets, uint64_t l3, uint64_t l2, uint64_t start)
{
	double secs = (now_ns() - start) / 1e9;
	printf("{\"packets\":%lu,\"l3_bytes\":%lu,\"l2_bytes\":%lu,\"secs\":%.4f,\"pps\":%.0f}\n", packets, l3, l2,
	       secs, packets / secs);
}

// ---- Addresses of either family ----

struct address {
	bool v6;
	struct in_addr four;
	struct in6_addr six;
};

static struct address address_of(const char *text)
{
	struct address a = {.v6 = strchr(text, ':')};
	if (inet_pton(a.v6 ? AF_INET6 : AF_INET, text, a.v6 ? (void *)&a.six : (void *)&a.four) != 1) {
		fprintf(stderr, "'%s' is not an address\n", text);
		exit(2);
	}
	return a;
}

static socklen_t socket_address(const struct address *a, uint16_t port, struct sockaddr_storage *out)
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

static int header_bytes(bool v6) { return (v6 ? 40 : 20) + 8; }

// ---- Frames ----

static uint32_t add_words(uint32_t sum, const void *bytes, int length)
{
	const uint8_t *b = bytes;
	for (int i = 0; i + 1 < length; i += 2)
		sum += b[i] << 8 | b[i + 1];
	return length & 1 ? sum + (b[length - 1] << 8) : sum;
}

static uint16_t folded(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

static void make_frame(uint8_t *frame, const unsigned *station, const struct address *dst, int payload)
{
	struct ether_header *ethernet = (void *)frame;
	void *network = ethernet + 1;
	struct udphdr *udp = network + (dst->v6 ? 40 : 20);

	for (int k = 0; k < 6; k++)
		ethernet->ether_dhost[k] = station[k], ethernet->ether_shost[k] = k ? k : 2;
	ethernet->ether_type = htons(dst->v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
	if (dst->v6)
		*(struct ip6_hdr *)network = (struct ip6_hdr){.ip6_flow = htonl(6u << 28),
							      .ip6_plen = htons(8 + payload),
							      .ip6_nxt = IPPROTO_UDP,
							      .ip6_hlim = 64,
							      .ip6_dst = dst->six};
	else
		*(struct ip *)network = (struct ip){.ip_v = 4,
						    .ip_hl = 5,
						    .ip_ttl = 64,
						    .ip_p = IPPROTO_UDP,
						    .ip_len = htons(28 + payload),
						    .ip_dst = dst->four};
	udp->uh_dport = htons(PORT);
	udp->uh_ulen = htons(8 + payload);
}

// IPv4 needs its header's checksum and may leave out UDP's; with IPv6 it is the other way round.
static void make_flow(uint8_t *frame, bool v6, uint64_t flow)
{
	void *network = frame + ETHERNET;
	struct udphdr *udp = network + (v6 ? 40 : 20);
	uint32_t host = 1 + flow % SOURCES;

	udp->uh_sport = htons(1024 + flow / SOURCES);
	if (!v6) {
		struct ip *ip = network;
		ip->ip_src.s_addr = htonl(0x0a640000 + host);
		ip->ip_sum = 0;
		ip->ip_sum = folded(add_words(0, ip, 20));
		return;
	}
	struct ip6_hdr *ip = network;
	ip->ip6_src.s6_addr[0] = 0xfd, ip->ip6_src.s6_addr[1] = 0x64, ip->ip6_src.s6_addr[15] = host;
	udp->uh_sum = 0;
	// The payload is zeros: the addresses, the length twice, the protocol and the ports are all there is to add.
	uint16_t sum = folded(add_words(add_words(ntohs(udp->uh_ulen) + IPPROTO_UDP, &ip->ip6_src, 32), udp, 8));
	udp->uh_sum = sum ? sum : 0xffff;
}

static int raw(char **a, int pad, bool queued)
{
	struct address dst = address_of(a[2]);
	int fd = socket(AF_PACKET, SOCK_RAW, 0), bypass = !queued, payload = atoi(a[5]),
	    l3 = header_bytes(dst.v6) + payload;
	int length = ETHERNET + l3 > pad ? ETHERNET + l3 : pad;
	uint64_t flows = strtoull(a[3], 0, 10), per_flow = strtoull(a[4], 0, 10), pps = strtoull(a[6], 0, 10);
	uint64_t secs = strtoull(a[7], 0, 10), sent = 0, total = secs ? ~0ull : flows * per_flow;
	struct sockaddr_ll link = {.sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(a[0]), .sll_halen = 6};
	static uint8_t frames[BATCH][MAX_FRAME];
	struct mmsghdr messages[BATCH] = {0};
	struct iovec parts[BATCH];
	unsigned station[6];

	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &bypass, sizeof bypass))
		die("AF_PACKET");
	link.sll_protocol = htons(dst.v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
	if (sscanf(a[1], "%x:%x:%x:%x:%x:%x", station, station + 1, station + 2, station + 3, station + 4,
		   station + 5) != 6 ||
	    length > MAX_FRAME)
		return fprintf(stderr, "usage: see the top of gen.c\n"), 2;
	for (int i = 0; i < BATCH; i++) {
		make_frame(frames[i], station, &dst, payload);
		parts[i] = (struct iovec){frames[i], length};
		messages[i].msg_hdr = (struct msghdr){
		    .msg_name = &link, .msg_namelen = sizeof link, .msg_iov = &parts[i], .msg_iovlen = 1};
	}
	uint64_t start = now_ns(), end = start + secs * 1000000000ull, flow = 0;
	while (sent < total) {
		int count = total - sent < BATCH ? total - sent : BATCH;
		for (int i = 0; i < count; i++, flow = flow + 1 == flows ? 0 : flow + 1)
			make_flow(frames[i], dst.v6, flow);
		if (pps)
			wait_until(start + sent * 1000000000ull / pps);
		for (int done = 0, r; done < count; done += r)
			if ((r = sendmmsg(fd, messages + done, count - done, 0)) < 0) {
				if (errno != ENOBUFS)
					die("sendmmsg");
				r = 0;
			}
		sent += count;
		if (secs && now_ns() >= end)
			break;
	}
	report(sent, sent * l3, sent * length, start);
	return 0;
}

// ---- Sockets ----

static int sock(char **a, uint64_t pps)
{
	struct address src = address_of(a[0]), dst = address_of(a[1]);
	int flows = atoi(a[2]), payload = atoi(a[3]), *fd = malloc(flows * sizeof *fd);
	uint64_t sent = 0, secs = strtoull(a[4], 0, 10), l3 = header_bytes(dst.v6) + payload;
	struct rlimit limit = {1 << 20, 1 << 20};
	static char buffer[1500];

	setrlimit(RLIMIT_NOFILE, &limit);
	for (int i = 0; i < flows; i++) {
		struct sockaddr_storage from, to;
		socklen_t size = socket_address(&src, FIRST_PORT + i, &from);
		socket_address(&dst, PORT, &to);
		fd[i] = socket(from.ss_family, SOCK_DGRAM, 0);
		if (fd[i] < 0 || bind(fd[i], (void *)&from, size) || connect(fd[i], (void *)&to, size))
			die("sock");
	}
	uint64_t start = now_ns(), end = start + secs * 1000000000ull;
	do
		for (int i = 0; i < flows; i++) {
			if (pps)
				wait_until(start + sent * 1000000000ull / pps);
			sent += send(fd[i], buffer, payload, 0) == payload;
		}
	while (now_ns() < end && !stopped);
	report(sent, sent * l3, sent * (ETHERNET + l3), start);
	return 0;
}

static int bound(const char *ip, bool *v6)
{
	struct address me = address_of(ip);
	struct sockaddr_storage at;
	socklen_t size = socket_address(&me, PORT, &at);
	int fd = socket(at.ss_family, SOCK_DGRAM, 0), buffer = BUFFER;

	*v6 = me.v6;
	// Large enough that what the hook has seen is also received.
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) || bind(fd, (void *)&at, size))
		die("bind");
	return fd;
}

static int receive(const char *ip)
{
	bool v6;
	int fd = bound(ip, &v6);
	uint64_t packets = 0, bytes = 0, start = now_ns();
	static char buffer[65536];
	struct sigaction action = {.sa_handler = on_term};

	sigaction(SIGTERM, &action, 0);
	while (true) {
		ssize_t length = recv(fd, buffer, sizeof buffer, stopped ? MSG_DONTWAIT : 0);
		if (length >= 0)
			packets++, bytes += header_bytes(v6) + length;
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

static int hold(const char *ip)
{
	bool v6;
	bound(ip, &v6);
	pause();
	return 0;
}

static int tcp_socket(const char *ip, struct sockaddr_storage *at, socklen_t *size)
{
	struct address address = address_of(ip);
	int fd, one = 1;

	*size = socket_address(&address, PORT, at);
	fd = socket(at->ss_family, SOCK_STREAM, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one))
		die("socket");
	return fd;
}

static void read_to_end(int fd)
{
	static char buffer[65536];
	ssize_t length;

	while ((length = read(fd, buffer, sizeof buffer)) > 0)
		;
	if (length < 0)
		die("read");
}

static int pour(const char *ip, uint64_t bytes)
{
	struct sockaddr_storage at;
	socklen_t size;
	int fd = tcp_socket(ip, &at, &size);
	static char buffer[65536];

	if (connect(fd, (void *)&at, size))
		die("connect");
	while (bytes) {
		ssize_t sent = write(fd, buffer, bytes < sizeof buffer ? bytes : sizeof buffer);
		if (sent < 0)
			die("write");
		bytes -= sent;
	}
	shutdown(fd, SHUT_WR);
	read_to_end(fd);
	return 0;
}

static int drain(const char *ip)
{
	struct sockaddr_storage at;
	socklen_t size;
	int listener = tcp_socket(ip, &at, &size), fd;

	if (bind(listener, (void *)&at, size) || listen(listener, 1) || (fd = accept(listener, 0, 0)) < 0)
		die("listen");
	read_to_end(fd);
	return 0;
}

int main(int argc, char **v)
{
	int pad = 0, option;
	bool queued = false;

	while ((option = getopt(argc, v, "+p:q")) > 0) {
		if (option == 'p')
			pad = atoi(optarg);
		else if (option == 'q')
			queued = true;
		else
			return 2;
	}
	argc -= optind, v += optind;
	if (argc == 9 && !strcmp(v[0], "raw"))
		return raw(v + 1, pad, queued);
	if ((argc == 6 || argc == 7) && !strcmp(v[0], "sock"))
		return sock(v + 1, argc == 7 ? strtoull(v[6], 0, 10) : 0);
	if (argc == 2 && !strcmp(v[0], "recv"))
		return receive(v[1]);
	if (argc == 2 && !strcmp(v[0], "hold"))
		return hold(v[1]);
	if (argc == 3 && !strcmp(v[0], "pour"))
		return pour(v[1], strtoull(v[2], 0, 10));
	if (argc == 2 && !strcmp(v[0], "drain"))
		return drain(v[1]);
	return fprintf(stderr, "usage: see the top of gen.c\n"), 2;
}
