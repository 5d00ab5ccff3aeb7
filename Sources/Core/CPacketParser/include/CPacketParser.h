/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef CPACKETPARSER_H
#define CPACKETPARSER_H

/* The parser of bpf/, compiled for user space. */

#include <stdbool.h>
#include <stdint.h>

/* What of a packet the plan needs: what it does not need stays zero. */
struct CPacketParser_rules {
	bool want_protocol;
	bool want_ports;
	bool want_initiator;
	bool kernel_lengths; /* count the length of the socket buffer, and one packet */
};

/* A packet as the kernel's program would meet it. */
struct CPacketParser_packet {
	uint32_t captured;    /* bytes that are there */
	uint32_t length;      /* bytes that were on the wire, at least as many */
	uint32_t link_header; /* bytes before layer 3, in-band VLAN tags excluded; 0 where there are neither */
	uint32_t gso_size;    /* 0: not a super-packet */
	uint32_t gso_segments;
	uint16_t protocol; /* the EtherType behind the link header */
};

/* Handshake bits of a counted packet, when the initiator is wanted. */
enum CPacketParser_flag { CPacketParser_syn = 1, CPacketParser_syn_ack = 2 };

/* Part of a datagram that is counted: as a whole, or the first of its fragments, or one behind it. */
enum CPacketParser_part { CPacketParser_whole, CPacketParser_first, CPacketParser_later };

enum CPacketParser_verdict { CPacketParser_counted, CPacketParser_non_ip, CPacketParser_malformed };

/* Addresses are big-endian numbers, IPv4 as ::ffff:a.b.c.d. Amounts are there whatever the verdict. */
struct CPacketParser_parsed {
	uint64_t src_high, src_low;
	uint64_t dst_high, dst_low;
	uint64_t bytes;
	uint64_t packets;
	uint32_t flags; /* of enum CPacketParser_flag */
	uint16_t src_port, dst_port;
	uint32_t identification; /* of a fragment */
	uint8_t protocol;
	uint8_t verdict;	   /* of enum CPacketParser_verdict */
	uint8_t part;		   /* of enum CPacketParser_part */
	uint8_t fragment_protocol; /* that all fragments of the datagram name; 0 for IPv6 */
};

/* Reads at most `captured` of `bytes`; NULL is fine when there are none. */
struct CPacketParser_parsed CPacketParser_parse(const uint8_t *bytes, struct CPacketParser_packet packet,
						struct CPacketParser_rules rules);

#endif
