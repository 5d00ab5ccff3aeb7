/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef USER_PACKET_H
#define USER_PACKET_H

/*
 * What bpf/parse.h needs where there is no kernel: where a packet's bytes are, and the constants of the plan.
 */

#include <string.h>
#include <linux/bpf.h>
#include "flow_abi.h"

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif

/* The parser is handed the first member, the kernel's own view of a packet, and finds the rest around it. */
struct user_packet {
	struct __sk_buff skb; /* len is the length on the wire */
	const __u8 *bytes;
	__u32 captured; /* bytes that are there: at most skb.len, less where a capture cut the packet */
	const struct flow_config *rules;
};

/* `config` of the program: every function of parse.h that reads it has its packet in `skb`. */
#define config (*((const struct user_packet *)skb)->rules)

/* Always a copy: headers stand at any address, and user space may not read a word from an odd one. */
static __always_inline const void *header_at(struct __sk_buff *skb, __u32 offset, void *copy, __u32 size)
{
	const struct user_packet *packet = (const struct user_packet *)skb;

	if (offset > packet->captured || size > packet->captured - offset)
		return NULL;
	return memcpy(copy, packet->bytes + offset, size);
}

#endif
