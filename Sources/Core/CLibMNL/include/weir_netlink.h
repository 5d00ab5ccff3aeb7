// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0
#ifndef WEIR_NETLINK_H
#define WEIR_NETLINK_H

// Links and addresses of this network namespace over libmnl, as flat structs.
// Functions return 0 or a count, or a negative errno.

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum netlink_event_kind { NETLINK_LINK, NETLINK_LINK_GONE, NETLINK_ADDRESS, NETLINK_ADDRESS_GONE };

struct netlink_event {
	uint8_t kind;
	// Of a link.
	bool lower_elsewhere; // `lower` counts in another namespace
	bool xdp;	      // an XDP program is attached
	uint16_t hardware;    // ARPHRD_…
	uint32_t index;
	uint32_t master; // IFLA_MASTER: bridge, bond, vrf above it
	uint32_t lower;	 // IFLA_LINK: what a VLAN or macvlan stands on, a veth's peer
	uint32_t flags;	 // IFF_…
	char name[16];
	char type[16]; // IFLA_INFO_KIND: "veth", "bridge", …; empty for hardware
	// Of a tunnel that is known (see netlink.c): how its packets look from outside. Addresses are 0 where there are
	// none.
	uint8_t tunnel_protocol; // 0: no such tunnel
	uint8_t tunnel_content;	 // of IP in IP: the one protocol that is in there, or 0
	uint16_t tunnel_port;
	uint64_t local_high, local_low, remote_high, remote_low;
	// Of a tunnel: AF_INET, AF_INET6 or, where it may be either, AF_UNSPEC. Of an address.
	uint8_t family;
	// Of an address; `index` is its link.
	uint8_t prefix;
	uint8_t scope;
	uint64_t high, low; // big-endian numbers; IPv4 as ::ffff:a.b.c.d
};

struct netlink;

/// A socket that hears of changes to links and addresses.
struct netlink *netlink_open(void);
/// What `bytes`, aligned to 4, say as if a socket had received them; without one, only for netlink_event_at.
struct netlink *netlink_recorded(const void *bytes, size_t size);
void netlink_close(struct netlink *netlink);
int netlink_fd(const struct netlink *netlink);
/// Reads everything anew. The events are then there to be fetched.
int netlink_dump(struct netlink *netlink);
/// Reads what changed, without waiting: how many events; 0 when there is nothing; -ENOBUFS when the kernel dropped
/// some; then nothing is left to be read and everything must be dumped anew.
int netlink_receive(struct netlink *netlink);
/// The event at `position` of the last dump or receive.
bool netlink_event_at(const struct netlink *netlink, uint32_t position, struct netlink_event *event);

/// A filter of traffic control.
struct netlink_filter {
	uint32_t handle, priority;
	char name[32]; // TCA_BPF_NAME, which libbpf makes of the program's name and number; empty for other kinds
};
/// Those at one side of a device's clsact; how many there are, at most `capacity`.
int netlink_filters(uint32_t ifindex, bool ingress, struct netlink_filter *all, uint32_t capacity);

#endif
