/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARSE_H
#define PARSE_H

/*
 * From a packet to its key, its layer-3 bytes and its number of packets.
 */

#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include "flow_abi.h"

#define IP_FRAGMENT_OFFSET 0x1fff /* of frag_off; the kernel keeps its name for it to itself */
#define IP_MORE_FRAGMENTS 0x2000
#define GSO_BY_FRAGS 0xffff /* SCTP: segments of unequal size, only gso_segs knows how many */
#define MAX_VLAN_TAGS 2
#define OFFSET_MASK 0x7fff /* the headers of a packet end before it: eight extensions of 2 KiB are half of it */
#define JUMBO_OPTION 0xc2  /* RFC 2675 */

/*
 * A function out of the way of most packets. Not static, so that the verifier looks at it once by itself and not again
 * for each of the many ways that lead to it: it then knows of its arguments no more than their types, which is why
 * pointers are compared with NULL and offsets masked.
 */
#ifdef __bpf__
#define APART __noinline
#else
#define APART static __noinline
#endif

/* Says which way most packets go, so that their instructions stand side by side: fewer cache lines of code. */
#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

enum part { WHOLE, FIRST_PART, LATER_PART };

/* Of which datagram a packet is a part. */
struct fragment {
	__u32 identification;
	__u8 protocol; /* see struct flow_datagram */
	__u8 part;     /* enum part */
	__u16 unused;
};

struct packet {
	struct flow_key key;
	struct flow_amount amount;
	__u32 flags;
	struct fragment fragment;
	__u32 transport; /* where its header is, and of which kind; the key has only what is wanted */
	__u8 protocol;
	__u8 unused[7];
};

/* Where the headers are: offsets from skb->data. */
struct layers {
	__u32 network;
	__u32 transport;
	__u32 length; /* layer-3 bytes as the header says, at most what is there */
	__u8 protocol;
	bool fragment;	/* not the first of its datagram: no transport header */
	bool jumbogram; /* IPv6 whose length stands in a hop-by-hop option */
	__u8 unused;	/* without holes, as functions apart are only given what is set as a whole */
};

enum parsed { PARSED = -1 }; /* else an enum flow_not_counted */

#ifdef __bpf__
#include <bpf/bpf_helpers.h>

extern const volatile struct flow_config config;

/*
 * The header at `offset`: in place where it is in the linear part, else copied out; NULL where the packet is too short.
 * Offsets start at skb->data. For cgroup_skb that is layer 3, wherever the socket code left it. For tc it is the link
 * header, both ways, and user space attaches only to devices whose link header is Ethernet's or none; and so it is for
 * packet sockets. So no helper that starts from the network header is needed: where the kernel has put a VLAN tag into
 * the frame itself, that header is behind the tag, and skb->protocol says the tag's.
 */
static __always_inline const void *header_at(struct __sk_buff *skb, __u32 offset, void *copy, __u32 size)
{
#ifndef COPIED_HEADERS
	void *place = (void *)(long)skb->data + offset;

	if (likely(place + size <= (void *)(long)skb->data_end))
		return place;
#endif
	return bpf_skb_load_bytes(skb, offset, copy, size) ? NULL : copy;
}
#else
/* Packets of files are read by the same rules; there only header_at and config are other ones. */
#include "user_packet.h"
#endif
#define HEADER_AT(skb, offset, copy) ((const typeof(*(copy)) *)header_at(skb, offset, copy, sizeof(*(copy))))

struct vlan_tag {
	__be16 tci;
	__be16 protocol;
};

/* Steps over tags that are in the frame; the outermost usually is not, but in the skb. */
static __always_inline __be16 skip_vlan_tags(struct __sk_buff *skb, __be16 protocol, __u32 *offset)
{
	struct vlan_tag copy;

	for (int i = 0; i < MAX_VLAN_TAGS; i++) {
		if (likely(protocol != bpf_htons(ETH_P_8021Q) && protocol != bpf_htons(ETH_P_8021AD)))
			break;
		const struct vlan_tag *tag = HEADER_AT(skb, *offset, &copy);
		if (!tag)
			break;
		protocol = tag->protocol;
		*offset += sizeof(*tag);
	}
	return protocol;
}

/* A first part that is the last one too is a datagram as a whole. */
static __always_inline void note_fragment(struct fragment *fragment, bool is_later, bool has_more)
{
	fragment->part = is_later ? LATER_PART : has_more ? FIRST_PART : WHOLE;
}

#include "extensions.h"

static __always_inline int parse_ipv4(struct __sk_buff *skb, struct packet *packet, struct layers *at)
{
	struct iphdr copy;
	const struct iphdr *ip = HEADER_AT(skb, at->network, &copy);
	__u32 there = skb->len - at->network;

	if (unlikely(!ip || ip->version != 4 || ip->ihl < 5))
		return FLOW_MALFORMED;
	__u32 header = ip->ihl * 4;
	__u32 total = bpf_ntohs(ip->tot_len);
	if (unlikely(header > there || (total && total < header)))
		return FLOW_MALFORMED;

	packet->key.src[2] = packet->key.dst[2] = bpf_htonl(0xffff);
	packet->key.src[3] = ip->saddr;
	packet->key.dst[3] = ip->daddr;
	at->protocol = ip->protocol;
	at->transport = at->network + header;
	at->length = total && total < there ? total : there;
	if (unlikely(ip->frag_off & bpf_htons(IP_FRAGMENT_OFFSET | IP_MORE_FRAGMENTS))) {
		at->fragment = ip->frag_off & bpf_htons(IP_FRAGMENT_OFFSET);
		note_fragment(&packet->fragment, at->fragment, true);
		packet->fragment.identification = bpf_ntohs(ip->id);
		packet->fragment.protocol = ip->protocol;
	}
	if (unlikely(ip->protocol == IPPROTO_AH) && !at->fragment)
		walk_extensions(skb, packet, at);
	return PARSED;
}

static __always_inline int parse_ipv6(struct __sk_buff *skb, struct packet *packet, struct layers *at)
{
	struct ipv6hdr copy;
	const struct ipv6hdr *ip = HEADER_AT(skb, at->network, &copy);
	__u32 there = skb->len - at->network;

	if (unlikely(!ip || ip->version != 6))
		return FLOW_MALFORMED;
	__u32 payload = bpf_ntohs(ip->payload_len);
	__u32 total = sizeof(*ip) + payload;

	__builtin_memcpy(packet->key.src, &ip->saddr, 16);
	__builtin_memcpy(packet->key.dst, &ip->daddr, 16);
	at->protocol = ip->nexthdr;
	at->transport = at->network + sizeof(*ip);
	at->jumbogram = !payload && ip->nexthdr == IPPROTO_HOPOPTS;
	at->length = !at->jumbogram && total < there ? total : there;
	if (unlikely(is_extension(at->protocol)))
		walk_extensions(skb, packet, at);
	return PARSED;
}

struct ports {
	__be16 src;
	__be16 dst;
};

struct icmp_kind {
	__u8 type;
	__u8 code;
};

static __always_inline bool has_ports(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP ||
	       protocol == IPPROTO_DCCP || protocol == IPPROTO_UDPLITE;
}

/* Ports, or ICMP type and code. A transport header that is cut off leaves them zero: the flow counts all the same. */
static __always_inline void parse_ports(struct __sk_buff *skb, struct packet *packet, const struct layers *at)
{
	if (likely(has_ports(at->protocol))) {
		struct ports copy;
		const struct ports *ports = HEADER_AT(skb, at->transport, &copy);
		if (likely(ports)) {
			packet->key.src_port = bpf_ntohs(ports->src);
			packet->key.dst_port = bpf_ntohs(ports->dst);
		}
	} else if (at->protocol == IPPROTO_ICMP || at->protocol == IPPROTO_ICMPV6) {
		struct icmp_kind copy;
		const struct icmp_kind *icmp = HEADER_AT(skb, at->transport, &copy);
		if (icmp) {
			packet->key.src_port = icmp->type;
			packet->key.dst_port = icmp->code;
		}
	}
}

/* The bytes of a TCP header that hold its length and its flags. */
struct tcp_shape {
	__u8 unused : 4, words : 4;
	__u8 fin : 1, syn : 1, rst : 1, psh : 1, ack : 1, urg : 1, ece : 1, cwr : 1;
};
#define TCP_SHAPE_OFFSET 12

static __always_inline void parse_handshake(struct __sk_buff *skb, struct packet *packet, const struct layers *at)
{
	struct tcp_shape copy;
	const struct tcp_shape *tcp;

	if (at->protocol != IPPROTO_TCP || at->fragment)
		return;
	tcp = HEADER_AT(skb, at->transport + TCP_SHAPE_OFFSET, &copy);
	if (tcp && tcp->syn)
		packet->flags = tcp->ack ? FLOW_SYN_ACK : FLOW_SYN;
}

/* Bytes of the transport header that every segment of a super-packet repeats. */
static __always_inline __u32 transport_header(struct __sk_buff *skb, const struct layers *at)
{
	struct tcp_shape copy;
	const struct tcp_shape *tcp;

	switch (at->protocol) {
	case IPPROTO_TCP:
		tcp = HEADER_AT(skb, at->transport + TCP_SHAPE_OFFSET, &copy);
		return tcp && tcp->words > 5 ? tcp->words * 4 : sizeof(struct tcphdr);
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return 8;
	case IPPROTO_SCTP:
		return 12;
	default:
		return 0;
	}
}

struct jumbo_option {
	__u8 next, length;
	__u8 kind, size;
	__be32 payload;
};

/*
 * BIG TCP: into an IPv6 super-packet beyond 64 KiB the kernel puts a hop-by-hop header with the length, which it takes
 * out again when it cuts the packet (ipv6_hopopt_jumbo_remove, since Linux 5.19): no wire has ever seen it.
 */
static __always_inline __u32 unsent_header(struct __sk_buff *skb, const struct layers *at)
{
	struct jumbo_option copy;
	const struct jumbo_option *jumbo;

	if (!at->jumbogram)
		return 0;
	jumbo = HEADER_AT(skb, at->network + sizeof(struct ipv6hdr), &copy);
	if (!jumbo || jumbo->next != IPPROTO_TCP || jumbo->length || jumbo->kind != JUMBO_OPTION)
		return 0;
	return sizeof(*jumbo);
}

#include "tunnels.h"

/*
 * Where the headers of every segment end. The kernel cuts the packet within a tunnel, and repeats the outer headers,
 * the tunnel's and the inner ones; where no tunnel is found, the outer ones are all there are.
 */
static __always_inline __u32 repeated_headers(struct __sk_buff *skb, const struct layers *outer)
{
	struct packet packet = {};
	struct layers inner = {.network = outer->transport};
	__be16 type = enter_tunnel(skb, outer->protocol, &inner.network);

	if (type == bpf_htons(ETH_P_TEB)) {
		type = ethernet_type(skb, inner.network);
		inner.network += ETH_HLEN;
		type = skip_vlan_tags(skb, type, &inner.network);
	}
	inner.network &= OFFSET_MASK;
	bool parsed = (type == bpf_htons(ETH_P_IP) && parse_ipv4(skb, &packet, &inner) == PARSED) ||
		      (type == bpf_htons(ETH_P_IPV6) && parse_ipv6(skb, &packet, &inner) == PARSED);
	/* A mask takes something away where somebody has put 16 KiB of extensions outside and inside. */
	if (parsed && inner.transport > outer->transport)
		return inner.transport - outer->network + transport_header(skb, &inner);
	return outer->transport - outer->network + transport_header(skb, outer);
}

/*
 * A GSO or GRO super-packet stands for n packets, whose headers H the wire carries n times: L + (n - 1) * H. virtio,
 * tun and AF_PACKET leave gso_segs at 0, so n is worked out.
 */
APART int measure_segments(struct __sk_buff *skb, struct flow_amount *amount, const struct layers *given)
{
	__u32 size = skb->gso_size, segments = skb->gso_segs;

	if (!amount || !given)
		return 0;
	struct layers at = *given;
	at.network &= OFFSET_MASK; /* as in skip_extensions */
	at.transport &= OFFSET_MASK;
	__u32 unsent = unsent_header(skb, &at);
	__u32 length = skb->len - at.network - unsent;
	__u32 headers = repeated_headers(skb, &at) - unsent;
	if (!segments && size != GSO_BY_FRAGS && length > headers)
		segments = (length - headers + size - 1) / size;
	if (!segments)
		segments = 1;
	amount->bytes = length + (__u64)(segments - 1) * headers;
	amount->packets = segments;
	return 0;
}

/* What the packet costs on a wire. */
static __always_inline void measure(struct __sk_buff *skb, struct packet *packet, const struct layers *at)
{
	if (config.kernel_lengths) {
		packet->amount.bytes = skb->len;
		packet->amount.packets = 1;
	} else if (likely(!skb->gso_size)) {
		packet->amount.bytes = at->length;
		packet->amount.packets = 1;
	} else {
		/* A copy has an address, so that the layers of ordinary packets can stay in registers. */
		struct layers copy = *at;
		measure_segments(skb, &packet->amount, &copy);
	}
}

/* Fills in `packet`, whose key is zero but for the hook. `link_header`: bytes before layer 3, in-band tags excluded. */
static __always_inline int parse(struct __sk_buff *skb, struct packet *packet, __u32 link_header)
{
	struct layers at = {.network = link_header};
	__be16 protocol = skb->protocol;
	int result;

	if (link_header)
		protocol = skip_vlan_tags(skb, protocol, &at.network);
	if (likely(protocol == bpf_htons(ETH_P_IP)))
		result = parse_ipv4(skb, packet, &at);
	else if (protocol == bpf_htons(ETH_P_IPV6))
		result = parse_ipv6(skb, packet, &at);
	else
		result = FLOW_NON_IP;
	if (unlikely(result != PARSED)) {
		packet->amount.bytes = config.kernel_lengths ? skb->len : skb->len - at.network;
		packet->amount.packets = 1;
		return result;
	}
	packet->transport = at.transport;
	packet->protocol = at.protocol;
	if (config.want_protocol)
		packet->key.protocol = at.protocol;
	if (config.want_ports && !at.fragment)
		parse_ports(skb, packet, &at);
	if (config.want_initiator)
		parse_handshake(skb, packet, &at);
	measure(skb, packet, &at);
	return PARSED;
}

#endif
