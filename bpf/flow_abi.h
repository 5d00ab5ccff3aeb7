/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef FLOW_ABI_H
#define FLOW_ABI_H

/*
 * What the kernel half and user space agree on: the only header that both include.
 */

#include <linux/types.h>

/* The hook that counted a packet. It is part of every key: the same addresses mean another thing at another hook. */
enum flow_hook {
	FLOW_UPLINK_IN = 0,  /* ingress of a device whose far end is another host */
	FLOW_PORT_IN = 1,    /* ingress of a device whose far end is on this host: a container's veth, a tap */
	FLOW_MADE = 2,	     /* egress of a packet that this network namespace made */
	FLOW_THROUGH = 3,    /* egress of a packet that came in by a device nobody watches */
	FLOW_SOCKET_OUT = 4, /* sent by a socket */
	FLOW_SOCKET_IN = 5,  /* delivered to a socket */
};

/*
 * Who with whom. A projection is a prefix: the map's key size says how much of the struct it looks at,
 * and a field inside the prefix that nobody asked for stays zero.
 *
 *    0               16               32   33    34       36       38       40      44      48
 *    | src           | dst            |hook|proto|receiver|src_port|dst_port| cgroup        |
 *    |               |                |    |     |        |        |        |ifindex|
 *    |<------------------ hosts (36) ------------------->|
 *    |<------------------------ ports (40) -------------------------------->|
 *    |<--------------------------- interface (44) --------------------------------->|
 *    |<----------------------------- owner (48) ------------------------------------------->|
 *
 * Sockets have owners and devices have numbers: `hook` says which of the two the last bytes are.
 */
struct flow_key {
	__u32 src[4]; /* network order; IPv4 as ::ffff:a.b.c.d */
	__u32 dst[4];
	__u8 hook;
	__u8 protocol;
	__u16 receiver; /* tells apart the copies that several multicast or raw sockets get; 0 for all else */
	__u16 src_port; /* host order; ICMP: the type */
	__u16 dst_port; /* host order; ICMP: the code */
	union {
		__u32 cgroup[2]; /* the id's low and high half: as one __u64 the struct would need its alignment */
		__u32 ifindex;
	};
};

enum flow_key_size {
	FLOW_KEY_HOSTS = 36,
	FLOW_KEY_PORTS = 40,
	FLOW_KEY_INTERFACE = 44,
	FLOW_KEY_OWNER = 48,
};

/* Handshake bits of a packet. */
enum flow_flag {
	FLOW_SYN = 1,	  /* the source opened: SYN without ACK */
	FLOW_SYN_ACK = 2, /* the source answered: SYN with ACK */
};

/* The value's first 16 bytes are all there is when nobody asked for the initiator. */
struct flow_value {
	__u64 bytes;
	__u64 packets;
	/* A byte for each bit of enum flow_flag: a plain store of 1 needs no atomic, whoever else stores it too. */
	__u8 syn;
	__u8 syn_ack;
	__u8 unused[6];
};

enum flow_value_size {
	FLOW_VALUE_PLAIN = 16,
	FLOW_VALUE_INITIATOR = 24,
};

/* A packet whose flow found no room in the map, by way of the ring buffer. */
struct flow_event {
	__u64 bytes;
	__u64 packets;
	__u32 flags;
	__u32 generation;
	struct flow_key key;
};

struct flow_amount {
	__u64 bytes;
	__u64 packets;
};

/* Why a packet that should have been in the map or the ring is in neither. */
enum flow_overflow {
	FLOW_MAP_FULL,
	FLOW_RING_FULL,
	FLOW_BUSY,
	FLOW_NO_MEMORY,
	FLOW_OVERFLOW_COUNT,
};

/* Why a packet was seen and rightly left out. */
enum flow_not_counted {
	FLOW_DUPLICATE, /* counted at another hook */
	FLOW_LOCAL,	/* its sender's hook counted it (decided in user space) */
	FLOW_COPY,	/* one more receiver of the same packet (decided in user space) */
	FLOW_TUNNEL,
	FLOW_UNSAMPLED,
	FLOW_INTERFACE, /* an interface that the user left out */
	FLOW_NON_IP,
	FLOW_MALFORMED,
	FLOW_NOT_COUNTED_COUNT,
};

/*
 * One CPU's book of one generation. With the rows of the map and the ring it
 * obeys, to the byte: seen = in map + in ring + sum(overflow) + sum(not_counted)
 */
struct flow_book {
	struct flow_amount seen;
	__u64 ring_closed; /* the ring was full once: this CPU stops trying until the next generation */
	__u64 orphans;	   /* fragments that count without ports, as nobody knows the first of their datagram */
	struct flow_amount not_counted[FLOW_NOT_COUNTED_COUNT];
	struct flow_amount overflow[FLOW_OVERFLOW_COUNT];
};

/* Constants of one load, in .rodata: the verifier removes what they rule out. */
struct flow_config {
	__u8 want_protocol;
	__u8 want_ports;
	__u8 want_owner;
	__u8 want_interface;
	__u8 want_initiator;
	__u8 per_cpu;	       /* the flow maps are per CPU: no other CPU adds to our value */
	__u8 kernel_lengths;   /* count skb->len and one packet, as other agents do */
	__u8 exclude_loopback; /* cgroup hooks: leave out what goes over lo */
	__u8 preemptible;      /* PREEMPT_RT: softirqs are, so every addition needs an atomic */
	__u8 join_fragments;   /* give the fragments of a datagram the ports of the first */
	__u8 unused[2];
	__u32 wake_inserts; /* this many new flows in one generation wake user space before the window ends */
	__u32 sample_below; /* a packet counts where a random number is below it: 2^32 / n for one in n; 0: all do */
};

/* Which datagram a fragment belongs to. */
struct flow_datagram {
	__u32 src[4];
	__u32 dst[4];
	__u32 identification;
	__u8 protocol; /* IPv6: 0, as its fragments need not agree on what follows */
	__u8 unused[3];
};

/* What the first fragment of a datagram says for those that have no transport header. */
struct flow_first_fragment {
	__u64 time; /* of CLOCK_MONOTONIC */
	__u16 src_port;
	__u16 dst_port;
	__u8 protocol;
	__u8 unused[3];
};

/* Datagrams whose first fragment is remembered, and for how long: as long as Linux waits for the rest of one. */
#define FLOW_DATAGRAMS 4096
#define FLOW_DATAGRAM_NANOSECONDS 30000000000ULL

/* Devices that can be watched: buckets for so many are there from the start, entries are not. */
#define FLOW_WATCHED 16384

/* An end on this host of a tunnel whose inner packets count: the outer ones do not. */
struct flow_tunnel_end {
	__u32 local[4];	 /* network order; IPv4 as ::ffff:a.b.c.d */
	__u32 remote[4]; /* all zero: whoever it is */
	__u16 kind; /* UDP: the port that receives, at both ends; GRE: the EtherType of what is inside; IP in IP: 0 */
	__u8 protocol;
	__u8 unused;
};

/* As FLOW_WATCHED. */
#define FLOW_TUNNEL_ENDS 4096

#define FLOW_CACHE_LINE 64

/* Shared memory (.bss). User space writes `generation`'s line; a program never does. */
struct flow_control {
	__u32 generation __attribute__((aligned(FLOW_CACHE_LINE)));
	__u32 tunnel_ends; /* how many there are: most hosts have none and nothing to look up */
	struct {
		__u64 count __attribute__((aligned(FLOW_CACHE_LINE)));
		__u64 rung; /* user space was woken; plain, so that two CPUs may wake it both */
	} inserts[2];
};

#define FLOW_LAYOUT(condition) _Static_assert(condition, #condition)
FLOW_LAYOUT(__builtin_offsetof(struct flow_key, src_port) == FLOW_KEY_HOSTS);
FLOW_LAYOUT(__builtin_offsetof(struct flow_key, cgroup) == FLOW_KEY_PORTS);
FLOW_LAYOUT(__builtin_offsetof(struct flow_key, ifindex) + sizeof(__u32) == FLOW_KEY_INTERFACE);
FLOW_LAYOUT(sizeof(struct flow_key) == FLOW_KEY_OWNER);
FLOW_LAYOUT(__builtin_offsetof(struct flow_value, syn) == FLOW_VALUE_PLAIN);
FLOW_LAYOUT(sizeof(struct flow_value) == FLOW_VALUE_INITIATOR);
FLOW_LAYOUT(sizeof(struct flow_event) == 72);
FLOW_LAYOUT(sizeof(struct flow_book) == 224);
FLOW_LAYOUT(sizeof(struct flow_config) == 20);
FLOW_LAYOUT(sizeof(struct flow_datagram) == 40);
FLOW_LAYOUT(sizeof(struct flow_first_fragment) == 16);
FLOW_LAYOUT(sizeof(struct flow_tunnel_end) == 36);
FLOW_LAYOUT(sizeof(struct flow_control) == 3 * FLOW_CACHE_LINE);

#endif
