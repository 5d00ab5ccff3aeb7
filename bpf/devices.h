/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef DEVICES_H
#define DEVICES_H

/*
 * What counts at a device, whoever shows us its packets: tc or a packet socket. A packet counts at the one hook where
 * it enters this network namespace.
 */

#include "account.h"

/* Devices whose ingress counts, or whose packets an attached device below them has counted. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FLOW_WATCHED);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u32);
} watched SEC(".maps");

/* Where outer packets come from and go to whose inner packets count at the tunnel's device. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FLOW_TUNNEL_ENDS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct flow_tunnel_end);
	__type(value, __u32);
} tunnel_ends SEC(".maps");

/* A device whose frames start with Ethernet, or one without a link header (tun, ppp, …). */
enum link { ETHERNET = ETH_HLEN, RAW = 0 };

/* Whether what leaves was made here or is on its way through; a duplicate where the device that it came by counts. */
static __always_inline enum flow_hook hook_of_egress(struct __sk_buff *skb, bool *duplicate)
{
	__u32 from = skb->ingress_ifindex;

	*duplicate = from && bpf_map_lookup_elem(&watched, &from);
	return from ? FLOW_THROUGH : FLOW_MADE;
}

/* Made here or received, by a tunnel that ends here. */
APART int is_outer(struct __sk_buff *skb, const struct packet *packet, bool made)
{
	if (!packet)
		return false;
	struct flow_tunnel_end end = {.protocol = packet->protocol};
	const void *remote = made ? packet->key.dst : packet->key.src;
	__u32 offset = packet->transport & OFFSET_MASK;

	if (packet->fragment.part == LATER_PART)
		return false;
	__builtin_memcpy(end.local, made ? packet->key.src : packet->key.dst, sizeof(end.local));
	switch (end.protocol) {
	case IPPROTO_UDP: {
		struct ports copy;
		const struct ports *ports = HEADER_AT(skb, offset, &copy);
		if (!ports)
			return false;
		/* From anywhere: it is the port that takes. */
		end.kind = bpf_ntohs(ports->dst);
		return bpf_map_lookup_elem(&tunnel_ends, &end) != NULL;
	}
	case IPPROTO_GRE: {
		struct gre_header copy;
		const struct gre_header *gre = HEADER_AT(skb, offset, &copy);
		if (!gre)
			return false;
		end.kind = bpf_ntohs(gre->protocol);
		break;
	}
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
		break;
	default:
		return false;
	}
	/* One remote end, or all. */
	__builtin_memcpy(end.remote, remote, sizeof(end.remote));
	if (bpf_map_lookup_elem(&tunnel_ends, &end))
		return true;
	__builtin_memset(end.remote, 0, sizeof(end.remote));
	return bpf_map_lookup_elem(&tunnel_ends, &end) != NULL;
}

/* `duplicate`: another hook counts it, or has. */
static __always_inline void count_at_device(struct __sk_buff *skb, enum flow_hook hook, bool duplicate, enum link link)
{
	struct packet packet = {.key.hook = hook};
	int reason = parse(skb, &packet, link);

	if (config.want_interface)
		packet.key.ifindex = skb->ifindex;
	if (reason == PARSED && duplicate)
		reason = FLOW_DUPLICATE;
	else if (unlikely(control.tunnel_ends) && reason == PARSED && hook != FLOW_THROUGH &&
		 is_outer(skb, &packet, hook == FLOW_MADE))
		reason = FLOW_TUNNEL;
	account(&packet, reason, ALONE);
}

#endif
