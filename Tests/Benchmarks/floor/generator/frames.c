// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

// Crafted frames by AF_PACKET.
#include "gen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	BATCH = 32,
	MAX_FRAME = 1514,
};

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
static void make_flow(uint8_t *frame, bool v6, uint64_t flow, uint32_t sources)
{
	void *network = frame + ETHERNET;
	struct udphdr *udp = network + (v6 ? 40 : 20);
	uint32_t host = 1 + flow % sources;

	udp->uh_sport = htons(1024 + flow / sources);
	if (!v6) {
		struct ip *ip = network;
		ip->ip_src.s_addr = htonl(0x0a640000 + host);
		ip->ip_sum = 0;
		ip->ip_sum = folded(add_words(0, ip, 20));
		return;
	}
	struct ip6_hdr *ip = network;
	ip->ip6_src.s6_addr[0] = 0xfd, ip->ip6_src.s6_addr[1] = 0x64;
	ip->ip6_src.s6_addr[14] = host >> 8, ip->ip6_src.s6_addr[15] = host;
	udp->uh_sum = 0;
	// The payload is zeros: the addresses, the length twice, the protocol and the ports are all there is to add.
	uint16_t sum = folded(add_words(add_words(ntohs(udp->uh_ulen) + IPPROTO_UDP, &ip->ip6_src, 32), udp, 8));
	udp->uh_sum = sum ? sum : 0xffff;
}

int raw(char **a, int pad, bool queued, uint32_t sources)
{
	struct address dst = address_of(a[2]);
	int fd = socket(AF_PACKET, SOCK_RAW, 0), bypass = !queued, payload = atoi(a[5]),
	    l3 = network_bytes(dst.v6) + 8 + payload;
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
		usage();
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
			make_flow(frames[i], dst.v6, flow, sources);
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
