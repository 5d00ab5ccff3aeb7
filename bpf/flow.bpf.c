// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

/*
 * The hooks of tc and cgroup_skb; those of packet sockets are in packets.bpf.c. Each says what its place means;
 * devices.h knows which packets count at a device, parse.h reads the packet, account.h counts it.
 */

#include <linux/if_packet.h>
#include "devices.h"

#define SOCK_RAW 3	   /* of enum sock_type, which only libc shows */
#define LOOPBACK_IFINDEX 1 /* in every network namespace */
#define NEXT -1		   /* TCX_NEXT and TC_ACT_UNSPEC: whoever stands behind us decides */
#define PASS 1

/* ---- tc: a packet counts at the one hook where it enters this network namespace ---- */

static __always_inline int ingress(struct __sk_buff *skb, enum flow_hook hook, enum link link)
{
	if (leave_out_unsampled(skb, link, ALONE))
		return NEXT;
	/* A multicast packet of our own that the stack hands back to us: its egress counted. */
	count_at_device(skb, hook, skb->pkt_type == PACKET_LOOPBACK, link);
	return NEXT;
}

static __always_inline int egress(struct __sk_buff *skb, enum link link)
{
	if (leave_out_unsampled(skb, link, ALONE))
		return NEXT;
	bool duplicate;
	enum flow_hook hook = hook_of_egress(skb, &duplicate);

	count_at_device(skb, hook, duplicate, link);
	return NEXT;
}

/* Not inline, though nobody could: the toolchain's compiler would move the cold parts of other functions to where
 * libbpf finds none. */
SEC("tc") __noinline int weir_uplink_eth(struct __sk_buff *skb) { return ingress(skb, FLOW_UPLINK_IN, ETHERNET); }
SEC("tc") __noinline int weir_uplink_raw(struct __sk_buff *skb) { return ingress(skb, FLOW_UPLINK_IN, RAW); }
SEC("tc") __noinline int weir_port_eth(struct __sk_buff *skb) { return ingress(skb, FLOW_PORT_IN, ETHERNET); }
SEC("tc") __noinline int weir_port_raw(struct __sk_buff *skb) { return ingress(skb, FLOW_PORT_IN, RAW); }
SEC("tc") __noinline int weir_out_eth(struct __sk_buff *skb) { return egress(skb, ETHERNET); }
SEC("tc") __noinline int weir_out_raw(struct __sk_buff *skb) { return egress(skb, RAW); }

/* ---- cgroup_skb: what sockets send and receive, with the cgroup that owns the socket ---- */

static __always_inline bool is_multicast(const struct flow_key *key)
{
	if (key->dst[0] == 0 && key->dst[1] == 0 && key->dst[2] == bpf_htonl(0xffff))
		return (key->dst[3] & bpf_htonl(0xf0000000)) == bpf_htonl(0xe0000000);
	return (key->dst[0] & bpf_htonl(0xff000000)) == bpf_htonl(0xff000000);
}

/*
 * Multicast and broadcast, directed broadcast too, whose address looks like any other: the link layer knows them, and
 * what this host sent to such a group comes back as PACKET_LOOPBACK. Over lo and links without a header all packets
 * are PACKET_HOST, so the address is asked as well.
 */
static __always_inline bool has_many_receivers(struct __sk_buff *skb, const struct flow_key *key)
{
	return skb->pkt_type != PACKET_HOST || is_multicast(key);
}

/* The local port of a raw socket is its protocol, a byte: so nearly all sockets are spared the call that shows the
 * type. */
static __always_inline bool is_raw(struct __sk_buff *skb)
{
	struct bpf_sock *sock = skb->sk;

	if (!sock || sock->src_port > IPPROTO_RAW)
		return false;
	sock = bpf_sk_fullsock(sock);
	return sock && sock->type == SOCK_RAW;
}

static __always_inline int count_at_socket(struct __sk_buff *skb, enum flow_hook hook)
{
	enum addition how = hook == FLOW_SOCKET_IN ? ALONE : SHARED;

	if (leave_out_unsampled(skb, RAW, how))
		return PASS;
	struct packet packet = {.key.hook = hook};
	int reason = parse(skb, &packet, RAW);

	if (config.want_owner) {
		__u64 cgroup = bpf_skb_cgroup_id(skb);
		packet.key.cgroup[0] = cgroup;
		packet.key.cgroup[1] = cgroup >> 32;
	}
	/* One packet, several receivers: each has its own entry, and user space counts one of them. */
	if (hook == FLOW_SOCKET_IN && reason == PARSED && (has_many_receivers(skb, &packet.key) || is_raw(skb)))
		packet.key.receiver = (__u16)bpf_get_socket_cookie(skb) ?: 1;
	if (config.exclude_loopback && reason == PARSED && skb->ifindex == LOOPBACK_IFINDEX)
		reason = FLOW_INTERFACE;
	account(&packet, reason, how);
	return PASS;
}

SEC("cgroup_skb/egress") __noinline int weir_socket_out(struct __sk_buff *skb)
{
	return count_at_socket(skb, FLOW_SOCKET_OUT);
}
SEC("cgroup_skb/ingress") __noinline int weir_socket_in(struct __sk_buff *skb)
{
	return count_at_socket(skb, FLOW_SOCKET_IN);
}

char _license[] SEC("license") = "Dual BSD/GPL";
