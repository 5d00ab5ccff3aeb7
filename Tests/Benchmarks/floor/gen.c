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
//   gen [-t PROTOCOL] [-g SEGMENTS] sock SRCIP DSTIP FLOWS PAYLOAD SECS [PPS [PASSES]]
//         FLOWS flows from port 20000 on to DSTIP:9999, one send() for each in turn. SECS 0: PASSES turns (1).
//         SIGTERM ends it sooner, and the other that have SECS.
//         A payload larger than the device's MTU leaves in fragments, and counts here as the datagram that it is.
//         -t udp: a connected socket for each flow.
//         -t sctp: packets by a raw socket, which needs no SCTP in the kernel.
//         -t icmp: echo replies that nobody asked for and nobody answers, by a raw socket. ICMP has no ports.
//         -g SEGMENTS: each send() is a super-packet of so many datagrams (UDP_SEGMENT), and counts as them.
//   gen recv IP
//         receives on IP:9999 until SIGTERM, then what is still queued.
//   gen [-t PROTOCOL] hold IP
//         binds IP:9999, or a raw socket, and never reads.
//   gen pour DSTIP BYTES [FLOWS [SECS]]
//         FLOWS (1) TCP connections to DSTIP:9999, all at once: sends BYTES on each in turn, or less when SECS are
//         over; says that it has sent all, waits until the other ends have too.
//   gen drain IP [FLOWS]
//         takes FLOWS (1) TCP connections on IP:9999 and reads all to their ends. Both ends keep their sockets to the
//         last segment, so no segment of the connections is without one.
//
// Prints one line of JSON: packets (sent or received), l3_bytes, l2_bytes (Ethernet frames without checksum), secs,
// pps.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <poll.h>
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

enum {
	BATCH = 32,
	PORT = 9999,
	SOURCES = 64,
	FIRST_PORT = 20000,
	ETHERNET = 14,
	MAX_FRAME = 1514,
	MAX_DATAGRAM = 65507,
	BUFFER = 64 << 20
};

static volatile sig_atomic_t stopped;

static void on_term(int signal) { stopped = signal; }

static void stop_on_term(void)
{
	struct sigaction action = {.sa_handler = on_term};

	sigaction(SIGTERM, &action, 0);
}

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

struct protocol {
	int number; // of a raw socket, or 0
	int header; // bytes that we write before the payload
};

static struct protocol protocol_of(const char *name, bool v6)
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

static int network_bytes(bool v6) { return v6 ? 40 : 20; }

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

static int sock(char **a, struct protocol protocol, int segments, uint64_t pps, uint64_t passes)
{
	struct address src = address_of(a[0]), dst = address_of(a[1]);
	int flows = atoi(a[2]), payload = atoi(a[3]), sockets = protocol.number ? 1 : flows,
	    *fd = malloc(sockets * sizeof *fd);
	int length = protocol.header + payload * segments;
	int l3 = network_bytes(dst.v6) + (protocol.number ? protocol.header : 8) + payload;
	uint64_t sends = 0, secs = strtoull(a[4], 0, 10);
	struct rlimit limit = {1 << 20, 1 << 20};
	static uint8_t buffer[MAX_DATAGRAM];

	if (payload < 8 * !!protocol.number || length > MAX_DATAGRAM)
		return fprintf(stderr, "usage: see the top of gen.c\n"), 2;
	setrlimit(RLIMIT_NOFILE, &limit);
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

static int receive(const char *ip)
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

static int hold(const char *ip, const char *name)
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

// Reads all to their ends, whichever has something, and leaves them open: the kernel closes them when we exit.
static void read_to_end(struct pollfd *fds, int count)
{
	static char buffer[65536];
	int left = count;

	while (left) {
		if (poll(fds, count, -1) < 0 && errno != EINTR)
			die("poll");
		for (int i = 0; i < count; i++) {
			ssize_t length = fds[i].revents ? read(fds[i].fd, buffer, sizeof buffer) : 1;
			if (length < 0)
				die("read");
			if (!length)
				fds[i].fd = ~fds[i].fd, left--; // poll() passes over what is negative
		}
	}
}

static struct pollfd *connections(int flows)
{
	struct rlimit limit = {1 << 20, 1 << 20};

	setrlimit(RLIMIT_NOFILE, &limit);
	return calloc(flows, sizeof(struct pollfd));
}

static int pour(const char *ip, uint64_t bytes, int flows, uint64_t secs)
{
	struct sockaddr_storage at;
	socklen_t size;
	struct pollfd *fds = connections(flows);
	uint64_t end = secs ? now_ns() + secs * 1000000000ull : ~0ull;
	static char buffer[65536];

	stop_on_term();
	for (int i = 0; i < flows; i++) {
		fds[i] = (struct pollfd){.fd = tcp_socket(ip, &at, &size), .events = POLLIN};
		if (connect(fds[i].fd, (void *)&at, size))
			die("connect");
	}
	for (uint64_t done = 0; !stopped && done < bytes && now_ns() < end; done += sizeof buffer)
		for (int i = 0; i < flows; i++)
			if (write(fds[i].fd, buffer, bytes - done < sizeof buffer ? bytes - done : sizeof buffer) < 0 &&
			    errno != EINTR)
				die("write");
	for (int i = 0; i < flows; i++)
		shutdown(fds[i].fd, SHUT_WR);
	read_to_end(fds, flows);
	return 0;
}

static int drain(const char *ip, int flows)
{
	struct sockaddr_storage at;
	socklen_t size;
	struct pollfd *fds = connections(flows);
	int listener = tcp_socket(ip, &at, &size);

	if (bind(listener, (void *)&at, size) || listen(listener, flows))
		die("listen");
	for (int i = 0; i < flows; i++) {
		fds[i] = (struct pollfd){.fd = accept(listener, 0, 0), .events = POLLIN};
		if (fds[i].fd < 0)
			die("accept");
	}
	read_to_end(fds, flows);
	return 0;
}

int main(int argc, char **v)
{
	int pad = 0, segments = 1, option;
	bool queued = false;
	const char *protocol = 0;

	while ((option = getopt(argc, v, "+g:p:qt:")) > 0) {
		if (option == 'g')
			segments = atoi(optarg);
		else if (option == 't')
			protocol = optarg;
		else if (option == 'p')
			pad = atoi(optarg);
		else if (option == 'q')
			queued = true;
		else
			return 2;
	}
	argc -= optind, v += optind;
	if (argc == 9 && !strcmp(v[0], "raw"))
		return raw(v + 1, pad, queued);
	if (argc >= 6 && argc <= 8 && !strcmp(v[0], "sock"))
		return sock(v + 1, protocol_of(protocol, strchr(v[1], ':')), segments,
			    argc > 6 ? strtoull(v[6], 0, 10) : 0, argc > 7 ? strtoull(v[7], 0, 10) : 1);
	if (argc == 2 && !strcmp(v[0], "recv"))
		return receive(v[1]);
	if (argc == 2 && !strcmp(v[0], "hold"))
		return hold(v[1], protocol);
	if (argc >= 3 && argc <= 5 && !strcmp(v[0], "pour"))
		return pour(v[1], strtoull(v[2], 0, 10), argc > 3 ? atoi(v[3]) : 1,
			    argc > 4 ? strtoull(v[4], 0, 10) : 0);
	if ((argc == 2 || argc == 3) && !strcmp(v[0], "drain"))
		return drain(v[1], argc > 2 ? atoi(v[2]) : 1);
	return fprintf(stderr, "usage: see the top of gen.c\n"), 2;
}
