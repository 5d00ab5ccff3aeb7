/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef EXTENSIONS_H
#define EXTENSIONS_H

/*
 * The headers that may stand between an IP header and the transport's: IPv6 extensions, and AH in IPv4. A part of
 * parse.h, which has HEADER_AT.
 */

#define MAX_EXTENSIONS 8
#define IP6_FRAGMENT_OFFSET 0xfff8
#define IP6_MORE_FRAGMENTS 1

/* Missing in linux/in.h and linux/in6.h. */
#define IPPROTO_HIP 139
#define IPPROTO_SHIM6 140

/* Every extension header that may stand before the transport header starts like this. */
struct extension {
	__u8 next;
	__u8 length;
	__be16 fragment; /* of a fragment header: offset and flags; the identification follows */
};

/* A walk over extension headers: where it stands. */
struct walk {
	__u32 offset;
	__u32 protocol;
	struct fragment fragment;
};

static __always_inline bool is_extension(__u8 protocol)
{
	switch (protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_AH:
	case IPPROTO_DSTOPTS:
	case IPPROTO_MH:
	case IPPROTO_HIP:
	case IPPROTO_SHIM6:
		return true;
	default:
		return false;
	}
}

/* Mobility, HIP and Shim6 are the message itself where nothing follows them, and so what the packet is. */
static __always_inline bool is_message(__u8 protocol, __u8 next)
{
	return protocol >= IPPROTO_MH && next == IPPROTO_NONE;
}

/* The masks never take anything away. */
APART int skip_extensions(struct __sk_buff *skb, struct walk *at)
{
	struct extension copy;

	if (!at)
		return 0;
	for (int i = 0; i < MAX_EXTENSIONS && is_extension(at->protocol); i++) {
		__u32 offset = at->offset & OFFSET_MASK;
		const struct extension *header = HEADER_AT(skb, offset, &copy);
		if (!header || is_message(at->protocol, header->next))
			break;
		if (at->protocol == IPPROTO_FRAGMENT) {
			__be32 number;
			const __be32 *identification = HEADER_AT(skb, offset + sizeof(*header), &number);
			if (!identification)
				break;
			note_fragment(&at->fragment, header->fragment & bpf_htons(IP6_FRAGMENT_OFFSET),
				      header->fragment & bpf_htons(IP6_MORE_FRAGMENTS));
			at->fragment.identification = bpf_ntohl(*identification);
			offset += 8;
		} else if (at->protocol == IPPROTO_AH) {
			offset += (header->length + 2) * 4;
		} else {
			offset += (header->length + 1) * 8;
		}
		at->offset = offset;
		at->protocol = header->next;
		if (at->fragment.part == LATER_PART)
			break;
	}
	return 0;
}

static __always_inline void walk_extensions(struct __sk_buff *skb, struct packet *packet, struct layers *at)
{
	struct walk walk = {.offset = at->transport, .protocol = at->protocol, .fragment = packet->fragment};

	skip_extensions(skb, &walk);
	at->transport = walk.offset & OFFSET_MASK;
	at->protocol = walk.protocol;
	at->fragment = walk.fragment.part == LATER_PART;
	packet->fragment = walk.fragment;
}

#endif
