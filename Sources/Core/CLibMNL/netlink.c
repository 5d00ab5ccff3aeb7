// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "weir_netlink.h"

enum { BUFFER = 32768, RECEIVE_BUFFER = 1 << 20 };

struct netlink {
	struct mnl_socket *watch;
	struct netlink_event *events;
	uint32_t count, capacity;
	uint8_t buffer[BUFFER];
};

static int add(struct netlink *netlink, const struct netlink_event *event)
{
	if (netlink->count == netlink->capacity) {
		uint32_t capacity = netlink->capacity ? netlink->capacity * 2 : 64;
		struct netlink_event *events = realloc(netlink->events, capacity * sizeof *events);
		if (!events)
			return MNL_CB_ERROR;
		netlink->events = events;
		netlink->capacity = capacity;
	}
	netlink->events[netlink->count++] = *event;
	return MNL_CB_OK;
}

static void copy_text(char *to, size_t size, const struct nlattr *attribute)
{
	size_t length = strnlen(mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute));
	if (length >= size)
		length = size - 1;
	memcpy(to, mnl_attr_get_payload(attribute), length);
	to[length] = 0;
}

static bool has_number(const struct nlattr *attribute)
{
	return mnl_attr_get_payload_len(attribute) >= sizeof(uint32_t);
}

static void read_end(const struct nlattr *attribute, uint64_t *high, uint64_t *low)
{
	uint16_t length = mnl_attr_get_payload_len(attribute);
	uint64_t words[2];

	if (length == 4 && mnl_attr_get_u32(attribute)) {
		*low = 0xffff00000000 | ntohl(mnl_attr_get_u32(attribute));
	} else if (length == 16) {
		memcpy(words, mnl_attr_get_payload(attribute), sizeof words);
		*high = be64toh(words[0]);
		*low = be64toh(words[1]);
	}
}

// Tunnels whose packets are told from others: what they are in, and where their attributes are. Of the last four `port`
// is 0, since there is none; `content` is which protocols may be in them, `encapsulation` whether all of it is in UDP
// too.
static const struct tunnel_kind {
	const char *name;
	uint8_t protocol, family;
	uint16_t port, local, local6, remote, content, encapsulation, external;
} tunnel_kinds[] = {
    {"vxlan", IPPROTO_UDP, AF_UNSPEC, .port = IFLA_VXLAN_PORT, .local = IFLA_VXLAN_LOCAL, .local6 = IFLA_VXLAN_LOCAL6},
    {"geneve", IPPROTO_UDP, AF_UNSPEC, .port = IFLA_GENEVE_PORT},
#define GRE_ATTRIBUTES .local = IFLA_GRE_LOCAL, .remote = IFLA_GRE_REMOTE, .encapsulation = IFLA_GRE_ENCAP_TYPE
    {"gretap", IPPROTO_GRE, AF_INET, GRE_ATTRIBUTES},
    {"ip6gretap", IPPROTO_GRE, AF_INET6, GRE_ATTRIBUTES},
    {"gre", IPPROTO_GRE, AF_INET, GRE_ATTRIBUTES, .external = IFLA_GRE_COLLECT_METADATA},
    {"ip6gre", IPPROTO_GRE, AF_INET6, GRE_ATTRIBUTES, .external = IFLA_GRE_COLLECT_METADATA},
#define IP_ATTRIBUTES                                                                                                  \
	.local = IFLA_IPTUN_LOCAL, .remote = IFLA_IPTUN_REMOTE, .content = IFLA_IPTUN_PROTO,                           \
	.encapsulation = IFLA_IPTUN_ENCAP_TYPE
    {"ipip", IPPROTO_IPIP, AF_INET, IP_ATTRIBUTES},
    {"sit", IPPROTO_IPV6, AF_INET, IP_ATTRIBUTES},
    {"ip6tnl", IPPROTO_IPV6, AF_INET6, IP_ATTRIBUTES},
};

static uint16_t number16(const struct nlattr *attribute)
{
	return mnl_attr_get_payload_len(attribute) >= sizeof(uint16_t) ? mnl_attr_get_u16(attribute) : 0;
}

static void read_tunnel(const struct nlattr *data, struct netlink_event *event)
{
	const struct tunnel_kind *kind = NULL;
	const struct nlattr *attribute;
	bool external = false;

	for (size_t i = 0; i < sizeof tunnel_kinds / sizeof *tunnel_kinds; i++)
		if (!strcmp(event->type, tunnel_kinds[i].name))
			kind = &tunnel_kinds[i];
	if (!kind)
		return;
	event->tunnel_protocol = kind->protocol;
	event->family = kind->family;
	mnl_attr_for_each_nested(attribute, data)
	{
		uint16_t type = mnl_attr_get_type(attribute);
		if (!type)
			continue;
		if (type == kind->port)
			event->tunnel_port = ntohs(number16(attribute));
		else if (type == kind->local || type == kind->local6)
			read_end(attribute, &event->local_high, &event->local_low);
		else if (type == kind->remote)
			read_end(attribute, &event->remote_high, &event->remote_low);
		else if (type == kind->content && mnl_attr_get_payload_len(attribute))
			event->tunnel_content = mnl_attr_get_u8(attribute);
		else if (type == kind->encapsulation && number16(attribute))
			event->tunnel_protocol = 0;
		external |= type == kind->external;
	}
	// GRE to many: packets begin with the outer header there already (ipgre_header_ops).
	bool one = event->remote_high >> 56 != 0xff && (event->remote_high || event->remote_low) &&
		   !(event->family == AF_INET && IN_MULTICAST((uint32_t)event->remote_low));
	if (kind->external && !external && !one)
		event->tunnel_protocol = 0;
}

static int read_link(struct netlink *netlink, const struct nlmsghdr *message)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(message);
	struct netlink_event event = {
	    .kind = message->nlmsg_type == RTM_DELLINK ? NETLINK_LINK_GONE : NETLINK_LINK,
	    .index = link->ifi_index,
	    .hardware = link->ifi_type,
	    .flags = link->ifi_flags,
	};
	const struct nlattr *attribute, *nested;

	// AF_BRIDGE messages speak of a bridge port, not of the device: one of these "deletes" a link that only left
	// its bridge.
	if (link->ifi_family != AF_UNSPEC)
		return MNL_CB_OK;
	mnl_attr_for_each(attribute, message, sizeof *link)
	{
		switch (mnl_attr_get_type(attribute)) {
		case IFLA_IFNAME:
			copy_text(event.name, sizeof event.name, attribute);
			break;
		case IFLA_MASTER:
			if (has_number(attribute))
				event.master = mnl_attr_get_u32(attribute);
			break;
		case IFLA_LINK:
			if (has_number(attribute))
				event.lower = mnl_attr_get_u32(attribute);
			break;
		case IFLA_LINK_NETNSID:
			event.lower_elsewhere = true;
			break;
		case IFLA_XDP:
			mnl_attr_for_each_nested(nested,
						 attribute) if (mnl_attr_get_type(nested) == IFLA_XDP_ATTACHED &&
								mnl_attr_get_payload_len(nested)) event.xdp =
			    mnl_attr_get_u8(nested) != XDP_ATTACHED_NONE;
			break;
		case IFLA_LINKINFO:
			// The kernel writes the kind before what it says of one.
			mnl_attr_for_each_nested(nested, attribute)
			{
				if (mnl_attr_get_type(nested) == IFLA_INFO_KIND)
					copy_text(event.type, sizeof event.type, nested);
				else if (mnl_attr_get_type(nested) == IFLA_INFO_DATA)
					read_tunnel(nested, &event);
			}
			break;
		}
	}
	return add(netlink, &event);
}

static int read_address(struct netlink *netlink, const struct nlmsghdr *message)
{
	const struct ifaddrmsg *address = mnl_nlmsg_get_payload(message);
	struct netlink_event event = {
	    .kind = message->nlmsg_type == RTM_DELADDR ? NETLINK_ADDRESS_GONE : NETLINK_ADDRESS,
	    .index = address->ifa_index,
	    .family = address->ifa_family,
	    .prefix = address->ifa_prefixlen,
	    .scope = address->ifa_scope,
	};
	const struct nlattr *attribute;
	bool local = false;

	// IFA_LOCAL is the host's own; IFA_ADDRESS is the same, or the far end of a point-to-point link.
	mnl_attr_for_each(attribute, message, sizeof *address)
	{
		uint16_t type = mnl_attr_get_type(attribute), length = mnl_attr_get_payload_len(attribute);
		if ((type != IFA_LOCAL && type != IFA_ADDRESS) || (local && type == IFA_ADDRESS))
			continue;
		local = type == IFA_LOCAL;
		if (address->ifa_family == AF_INET && length >= 4) {
			event.low = 0xffff00000000 | ntohl(mnl_attr_get_u32(attribute));
		} else if (address->ifa_family == AF_INET6 && length >= 16) {
			uint64_t words[2];
			memcpy(words, mnl_attr_get_payload(attribute), sizeof words);
			event.high = be64toh(words[0]);
			event.low = be64toh(words[1]);
		}
	}
	return event.high || event.low ? add(netlink, &event) : MNL_CB_OK;
}

static int read_message(const struct nlmsghdr *message, void *context)
{
	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return mnl_nlmsg_get_payload_len(message) < sizeof(struct ifinfomsg) ? MNL_CB_OK
										     : read_link(context, message);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return mnl_nlmsg_get_payload_len(message) < sizeof(struct ifaddrmsg) ? MNL_CB_OK
										     : read_address(context, message);
	default:
		return MNL_CB_OK;
	}
}

struct netlink *netlink_open(void)
{
	struct netlink *netlink = calloc(1, sizeof *netlink);
	int size = RECEIVE_BUFFER, groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;

	if (!netlink)
		return NULL;
	netlink->watch = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (netlink->watch && !mnl_socket_bind(netlink->watch, groups, MNL_SOCKET_AUTOPID)) {
		// A burst of containers should not cost a dump; where it is refused the default must do.
		setsockopt(mnl_socket_get_fd(netlink->watch), SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
		return netlink;
	}
	int error = errno;
	netlink_close(netlink);
	errno = error;
	return NULL;
}

struct netlink *netlink_recorded(const void *bytes, size_t size)
{
	struct netlink *netlink = calloc(1, sizeof *netlink);

	// One by one: libmnl takes a length beyond 2 GiB, which no kernel writes, for a negative one, and so for a good
	// one.
	for (size_t at = 0; netlink && at < size && size - at >= sizeof(struct nlmsghdr);) {
		const struct nlmsghdr *message = (const void *)((const char *)bytes + at);
		if (message->nlmsg_len < sizeof *message || message->nlmsg_len > size - at ||
		    mnl_cb_run(message, message->nlmsg_len, 0, 0, read_message, netlink) < MNL_CB_OK)
			break;
		at += MNL_ALIGN(message->nlmsg_len);
	}
	return netlink;
}

void netlink_close(struct netlink *netlink)
{
	if (!netlink)
		return;
	if (netlink->watch)
		mnl_socket_close(netlink->watch);
	free(netlink->events);
	free(netlink);
}

int netlink_fd(const struct netlink *netlink) { return mnl_socket_get_fd(netlink->watch); }

// Asks on a socket of its own: an answer cannot be mistaken for a change, nor the other way round.
static int dump(uint16_t type, const void *request, size_t length, uint8_t *buffer, mnl_cb_t callback, void *context)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	uint32_t sequence = (uint32_t)time(NULL);
	ssize_t size;
	int result = -1;

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID))
		goto out;
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message->nlmsg_seq = sequence;
	memcpy(mnl_nlmsg_put_extra_header(message, length), request, length);
	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		goto out;
	do {
		size = mnl_socket_recvfrom(socket, buffer, BUFFER);
		result = size < 0
			     ? -1
			     : mnl_cb_run(buffer, size, sequence, mnl_socket_get_portid(socket), callback, context);
	} while (result > MNL_CB_STOP);
out:;
	int error = result < 0 ? -errno : 0;
	if (socket)
		mnl_socket_close(socket);
	return error;
}

int netlink_dump(struct netlink *netlink)
{
	struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
	struct ifaddrmsg address = {.ifa_family = AF_UNSPEC};
	int error = -EINTR;

	// EINTR: something changed while the kernel was walking its lists, so the answer may be torn.
	for (int attempt = 0; attempt < 10 && error == -EINTR; attempt++) {
		netlink->count = 0;
		error = dump(RTM_GETLINK, &link, sizeof link, netlink->buffer, read_message, netlink);
		if (!error)
			error = dump(RTM_GETADDR, &address, sizeof address, netlink->buffer, read_message, netlink);
	}
	return error;
}

int netlink_receive(struct netlink *netlink)
{
	bool lost = false;

	netlink->count = 0;
	// After a loss everything older than the dump that must follow is thrown away: applied behind it, it would
	// bring back what is gone. The limit is far beyond what the socket's buffer holds.
	for (int message = 0; message < 1 << 16; message++) {
		ssize_t size = recv(netlink_fd(netlink), netlink->buffer, BUFFER, MSG_DONTWAIT);
		if (size < 0 && errno == EAGAIN)
			break;
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0 && errno != ENOBUFS)
			return -errno;
		// What we cannot read is as good as lost.
		if (size < 0 || (!lost && mnl_cb_run(netlink->buffer, size, 0, 0, read_message, netlink) < 0))
			lost = true;
	}
	if (lost)
		netlink->count = 0;
	return lost ? -ENOBUFS : (int)netlink->count;
}

bool netlink_event_at(const struct netlink *netlink, uint32_t position, struct netlink_event *event)
{
	if (position >= netlink->count)
		return false;
	*event = netlink->events[position];
	return true;
}

struct filters {
	struct netlink_filter *all;
	uint32_t count, capacity;
};

static int read_filter(const struct nlmsghdr *message, void *context)
{
	struct filters *filters = context;
	const struct tcmsg *filter = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute, *nested;
	struct netlink_filter found = {0};

	// Beside the filters the kernel lists their chains, which have no handle.
	if (message->nlmsg_type != RTM_NEWTFILTER || mnl_nlmsg_get_payload_len(message) < sizeof *filter ||
	    !filter->tcm_handle)
		return MNL_CB_OK;
	found.handle = filter->tcm_handle;
	found.priority = TC_H_MAJ(filter->tcm_info) >> 16;
	bool is_bpf = false;
	mnl_attr_for_each(attribute, message, sizeof *filter)
	{
		if (mnl_attr_get_type(attribute) == TCA_KIND) {
			char kind[8];
			copy_text(kind, sizeof kind, attribute);
			is_bpf = !strcmp(kind, "bpf");
		} else if (mnl_attr_get_type(attribute) == TCA_OPTIONS && is_bpf) {
			mnl_attr_for_each_nested(nested, attribute) if (mnl_attr_get_type(nested) == TCA_BPF_NAME)
			    copy_text(found.name, sizeof found.name, nested);
		}
	}
	if (filters->count < filters->capacity)
		filters->all[filters->count] = found;
	filters->count++;
	return MNL_CB_OK;
}

int netlink_filters(uint32_t ifindex, bool ingress, struct netlink_filter *all, uint32_t capacity)
{
	struct tcmsg request = {
	    .tcm_family = AF_UNSPEC,
	    .tcm_ifindex = ifindex,
	    .tcm_parent = TC_H_MAKE(TC_H_CLSACT, ingress ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS),
	};
	struct filters filters = {.all = all, .capacity = capacity};
	uint8_t *buffer = malloc(BUFFER);
	int error = buffer ? dump(RTM_GETTFILTER, &request, sizeof request, buffer, read_filter, &filters) : -ENOMEM;
	free(buffer);
	return error ? error : (int)(filters.count < capacity ? filters.count : capacity);
}
