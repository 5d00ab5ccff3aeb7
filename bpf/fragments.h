/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef FRAGMENTS_H
#define FRAGMENTS_H

/*
 * The fragments of a datagram have the ports of the first, which alone has a transport header. Only devices see
 * fragments; user space does the same for packet files (PacketReplay/FragmentTable.swift).
 */

#include "parse.h"

/* The least recently used datagram makes room: no stranger who sends first fragments takes more than this. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FLOW_DATAGRAMS);
	__type(key, struct flow_datagram);
	__type(value, struct flow_first_fragment);
} datagrams SEC(".maps");

/*
 * False where the fragment stays without ports: its first one is not known, came later, or was too long ago. Not APART:
 * a verifier before Linux 6.8 would look at it where nobody calls it, and the map is not always made.
 */
static __noinline bool join_fragment(struct packet *packet)
{
	struct flow_datagram datagram = {.identification = packet->fragment.identification,
					 .protocol = packet->fragment.protocol};
	__u64 now = bpf_ktime_get_ns();

	__builtin_memcpy(datagram.src, packet->key.src, sizeof(datagram.src));
	__builtin_memcpy(datagram.dst, packet->key.dst, sizeof(datagram.dst));
	if (packet->fragment.part == FIRST_PART) {
		struct flow_first_fragment first = {.time = now,
						    .src_port = packet->key.src_port,
						    .dst_port = packet->key.dst_port,
						    .protocol = packet->key.protocol};
		bpf_map_update_elem(&datagrams, &datagram, &first, BPF_ANY);
		return true;
	}
	struct flow_first_fragment *first = bpf_map_lookup_elem(&datagrams, &datagram);
	if (!first || now - first->time > FLOW_DATAGRAM_NANOSECONDS)
		return false;
	packet->key.src_port = first->src_port;
	packet->key.dst_port = first->dst_port;
	packet->key.protocol = first->protocol;
	return true;
}

#endif
