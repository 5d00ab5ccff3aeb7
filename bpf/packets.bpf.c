// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

/*
 * The hooks of packet sockets, one socket for each device: for hosts where nothing may be attached to devices. What the
 * socket shows of a device is what tc would, but for the place: on the way in before tc, on the way out behind the
 * queue, when the driver gets the packet. An object of its own, since a socket filter may not look into a packet:
 * parse.h copies every header out.
 *
 * Both ways run with softirqs off, as tc does. Two things never get here: a multicast packet of our own that the stack
 * hands back (PACKET_LOOPBACK), and what an interface of another network namespace carries.
 */

#define COPIED_HEADERS
#include <linux/if_packet.h>
#include "devices.h"

#define KEEP_NOTHING 0 /* of the packet: none is ever queued to the socket */

static __always_inline int count_both_ways(struct __sk_buff *skb, enum flow_hook hook, enum link link)
{
	bool duplicate = false;

	if (leave_out_unsampled(skb, link, ALONE))
		return KEEP_NOTHING;
	if (skb->pkt_type == PACKET_OUTGOING)
		hook = hook_of_egress(skb, &duplicate);
	count_at_device(skb, hook, duplicate, link);
	return KEEP_NOTHING;
}

/* Not inline: as in flow.bpf.c. */
SEC("socket") __noinline int weir_packet_uplink_eth(struct __sk_buff *skb)
{
	return count_both_ways(skb, FLOW_UPLINK_IN, ETHERNET);
}
SEC("socket") __noinline int weir_packet_uplink_raw(struct __sk_buff *skb)
{
	return count_both_ways(skb, FLOW_UPLINK_IN, RAW);
}
SEC("socket") __noinline int weir_packet_port_eth(struct __sk_buff *skb)
{
	return count_both_ways(skb, FLOW_PORT_IN, ETHERNET);
}
SEC("socket") __noinline int weir_packet_port_raw(struct __sk_buff *skb)
{
	return count_both_ways(skb, FLOW_PORT_IN, RAW);
}

/* What enters through lo has left through it. */
SEC("socket") __noinline int weir_packet_loopback_eth(struct __sk_buff *skb)
{
	return skb->pkt_type == PACKET_OUTGOING ? count_both_ways(skb, FLOW_MADE, ETHERNET) : KEEP_NOTHING;
}

char _license[] SEC("license") = "Dual BSD/GPL";
