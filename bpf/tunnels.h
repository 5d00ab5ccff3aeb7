/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TUNNELS_H
#define TUNNELS_H

/*
 * What stands inside of an encapsulated packet: steps over the header of the tunnel. Only super-packets are looked at,
 * of which a program is not told whether UDP is cut or what is in it. So VXLAN and Geneve are known by their headers,
 * at any port: most of their bits are fixed, and an IP header has to follow. A part of parse.h, which has HEADER_AT.
 */

struct gre_header {
	__be16 flags;
	__be16 protocol;
};
#define GRE_CHECKSUM 0x8000
#define GRE_KEY 0x2000
#define GRE_SEQUENCE 0x1000
#define GRE_VERSION 7

static __always_inline __be16 enter_gre(struct __sk_buff *skb, __u32 *offset)
{
	struct gre_header copy;
	const struct gre_header *gre = HEADER_AT(skb, *offset, &copy);

	if (!gre || gre->flags & bpf_htons(GRE_VERSION))
		return 0;
	*offset += sizeof(*gre);
	*offset += gre->flags & bpf_htons(GRE_CHECKSUM) ? 4 : 0;
	*offset += gre->flags & bpf_htons(GRE_KEY) ? 4 : 0;
	*offset += gre->flags & bpf_htons(GRE_SEQUENCE) ? 4 : 0;
	return gre->protocol;
}

/*
 * What follows a UDP header:
 *
 *    VXLAN     |  flags (8: has an id)  |  group policy, else 0   |     id (24)     |    0    |
 *    Geneve    | 0 | words of options | flags, 6 bits 0 | protocol |     id (24)     |    0    |
 */
struct udp_tunnel {
	__u8 first;
	__u8 second;
	__be16 protocol;
	__u8 id[3];
	__u8 zero;
};
#define VXLAN_HAS_ID 0x08
#define VXLAN_HAS_POLICY 0x80
#define GENEVE_WORDS 0x3f
#define GENEVE_VERSION 0xc0
#define GENEVE_RESERVED 0x3f

static __always_inline __be16 enter_udp(struct __sk_buff *skb, __u32 *offset)
{
	struct udp_tunnel copy;
	const struct udp_tunnel *tunnel = HEADER_AT(skb, *offset + sizeof(struct udphdr), &copy);

	if (!tunnel || tunnel->zero)
		return 0;
	*offset += sizeof(struct udphdr) + sizeof(*tunnel);
	if (tunnel->protocol == bpf_htons(ETH_P_TEB) || tunnel->protocol == bpf_htons(ETH_P_IP) ||
	    tunnel->protocol == bpf_htons(ETH_P_IPV6)) {
		if (tunnel->first & GENEVE_VERSION || tunnel->second & GENEVE_RESERVED)
			return 0;
		*offset += (tunnel->first & GENEVE_WORDS) * 4;
		return tunnel->protocol;
	}
	if (tunnel->first == VXLAN_HAS_ID && !tunnel->second && !tunnel->protocol)
		return bpf_htons(ETH_P_TEB);
	return tunnel->first == (VXLAN_HAS_ID | VXLAN_HAS_POLICY) ? bpf_htons(ETH_P_TEB) : 0;
}

/* The EtherType of what is inside, and in `offset` where it begins; 0 for what is no tunnel. */
static __always_inline __be16 enter_tunnel(struct __sk_buff *skb, __u8 protocol, __u32 *offset)
{
	switch (protocol) {
	case IPPROTO_IPIP:
		return bpf_htons(ETH_P_IP);
	case IPPROTO_IPV6:
		return bpf_htons(ETH_P_IPV6);
	case IPPROTO_GRE:
		return enter_gre(skb, offset);
	case IPPROTO_UDP:
		return enter_udp(skb, offset);
	default:
		return 0;
	}
}

static __always_inline __be16 ethernet_type(struct __sk_buff *skb, __u32 offset)
{
	struct ethhdr copy;
	const struct ethhdr *ethernet = HEADER_AT(skb, offset, &copy);

	return ethernet ? ethernet->h_proto : 0;
}

#endif
