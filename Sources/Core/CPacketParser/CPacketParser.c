/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

#include "CPacketParser.h"

#include <endian.h>
#include "parse.h"

/* After parse.h only its own names are wanted. */
#undef config

_Static_assert(CPacketParser_first == (int)FIRST_PART && CPacketParser_later == (int)LATER_PART, "parse.h");
_Static_assert(CPacketParser_syn == (int)FLOW_SYN && CPacketParser_syn_ack == (int)FLOW_SYN_ACK, "flow_abi.h");

static uint64_t number(const __u32 words[2])
{
	uint64_t value;

	memcpy(&value, words, sizeof value);
	return be64toh(value);
}

struct CPacketParser_parsed CPacketParser_parse(const uint8_t *bytes, struct CPacketParser_packet given,
						struct CPacketParser_rules rules)
{
	const struct flow_config constants = {.want_protocol = rules.want_protocol,
					      .want_ports = rules.want_ports,
					      .want_initiator = rules.want_initiator,
					      .kernel_lengths = rules.kernel_lengths};
	struct user_packet user;
	struct packet packet = {0};
	struct CPacketParser_parsed parsed = {0};
	int result;

	/* What the parser reads of it, and nothing else: most of the 192 bytes are for other programs. */
	user.skb.len = given.length > given.captured ? given.length : given.captured;
	user.skb.protocol = htobe16(given.protocol);
	user.skb.gso_size = given.gso_size;
	user.skb.gso_segs = given.gso_segments;
	user.bytes = bytes;
	user.captured = given.captured;
	user.rules = &constants;
	if (given.link_header > user.skb.len) {
		/* No device hands such a packet to a program. */
		parsed.verdict = CPacketParser_malformed;
		parsed.bytes = rules.kernel_lengths ? user.skb.len : 0;
		parsed.packets = 1;
		return parsed;
	}
	result = parse(&user.skb, &packet, given.link_header);

	parsed.verdict = result == PARSED	 ? CPacketParser_counted
			 : result == FLOW_NON_IP ? CPacketParser_non_ip
						 : CPacketParser_malformed;
	parsed.bytes = packet.amount.bytes;
	parsed.packets = packet.amount.packets;
	if (result != PARSED)
		return parsed;
	parsed.src_high = number(packet.key.src);
	parsed.src_low = number(packet.key.src + 2);
	parsed.dst_high = number(packet.key.dst);
	parsed.dst_low = number(packet.key.dst + 2);
	parsed.flags = packet.flags;
	parsed.identification = packet.fragment.identification;
	parsed.part = packet.fragment.part;
	parsed.fragment_protocol = packet.fragment.protocol;
	parsed.src_port = packet.key.src_port;
	parsed.dst_port = packet.key.dst_port;
	parsed.protocol = packet.key.protocol;
	return parsed;
}
