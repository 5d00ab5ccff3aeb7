// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

// A deterministic generator, for IPv4 and IPv6. What it says it sent or received is the truth of the tests.
//
//   gen [-p SIZE] [-q] [-s SOURCES] raw IF DSTMAC DSTIP FLOWS PKTS_PER_FLOW PAYLOAD PPS SECS
//         crafted frames by AF_PACKET and sendmmsg, round robin over the flows: pass k sends packet k of every flow.
//         Flow i is 10.100.0.(1 + i%SOURCES) or fd64::(1 + i%SOURCES), port 1024 + i/SOURCES, to DSTIP:9999.
//         -s SOURCES: 64 unless said otherwise; with up to 65,534 they go on in 10.100.1.0 and so forth.
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
#include "gen.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **v)
{
	int pad = 0, segments = 1, sources = 64, option;
	bool queued = false;
	const char *protocol = 0;

	while ((option = getopt(argc, v, "+g:p:qs:t:")) > 0) {
		if (option == 'g')
			segments = atoi(optarg);
		else if (option == 's')
			sources = atoi(optarg);
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
	if (argc == 9 && !strcmp(v[0], "raw") && sources > 0 && sources < 65535)
		return raw(v + 1, pad, queued, sources);
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
	usage();
}
