// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// The least a flow counter can do per packet: parse, one map lookup, two adds. Built once per variant:
//   -DMAP=<n> (bpf_map_type number, 0 = no map)  -DPERCPU  -DKEY6 (40-byte v6-mapped key, else 16-byte v4 key)
//   -DTS=1 ktime / 2 coarse ktime  -DNOPREALLOC  -DLOCK (bpf_spin_lock instead of atomics)  -DNOP (return at once)
//   -DCGROUP (cgroup_skb: no Ethernet header, return 1)
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#ifdef CGROUP
#define PASS 1
#define L2 0
#else
#define PASS -1 /* TCX_NEXT */
#define L2 sizeof(struct ethhdr)
#endif

struct key {
#ifdef KEY6
	__u32 src[4], dst[4];
#else
	__u32 src[1], dst[1];
#endif
	__u16 sport, dport;
	__u32 proto;
};
struct val {
	__u64 packets, bytes;
#ifdef TS
	__u64 first, last;
#endif
#ifdef LOCK
	struct bpf_spin_lock lock;
	__u32 pad;
#endif
};

#if MAP
struct {
	__uint(type, MAP);
	__type(key, struct key);
	__type(value, struct val);
	__uint(max_entries, 4096); // the loader resizes it
#ifdef NOPREALLOC
	__uint(map_flags, BPF_F_NO_PREALLOC);
#endif
} flows SEC(".maps");
#else
volatile __u32 sink_hole;
#endif

#if TS == 2
static __u64 (*const coarse)(void) = (void *)160; // bpf_ktime_get_coarse_ns
#define NOW coarse()
#elif TS == 1
#define NOW bpf_ktime_get_ns()
#endif

static __always_inline void add(struct val *v, __u64 len)
{
#ifdef LOCK
	bpf_spin_lock(&v->lock);
	v->packets += 1, v->bytes += len;
	bpf_spin_unlock(&v->lock);
#elif defined(PERCPU)
	v->packets += 1, v->bytes += len;
#else
	__sync_fetch_and_add(&v->packets, 1);
	__sync_fetch_and_add(&v->bytes, len);
#endif
#ifdef TS
	v->last = NOW;
#endif
}

static __always_inline int count(struct __sk_buff *skb)
{
	void *p = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct key k = {};
	__u16 et = skb->protocol;
	p += L2;
	if (et == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = p;
		if ((void *)(ip + 1) > end)
			return PASS;
#ifdef KEY6
		k.src[2] = k.dst[2] = 0xffff0000, k.src[3] = ip->saddr, k.dst[3] = ip->daddr;
#else
		k.src[0] = ip->saddr, k.dst[0] = ip->daddr;
#endif
		k.proto = ip->protocol;
		p += ip->ihl * 4;
#ifdef KEY6
	} else if (et == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = p;
		if ((void *)(ip + 1) > end)
			return PASS;
		__builtin_memcpy(k.src, &ip->saddr, 16), __builtin_memcpy(k.dst, &ip->daddr, 16);
		k.proto = ip->nexthdr;
		p += sizeof *ip;
#endif
	} else
		return PASS;
	if (k.proto == IPPROTO_TCP || k.proto == IPPROTO_UDP) {
		struct udphdr *u = p; // same offsets for the ports in both
		if ((void *)(u + 1) > end)
			return PASS;
		k.sport = u->source, k.dport = u->dest;
	}
#if MAP
	struct val *v = bpf_map_lookup_elem(&flows, &k);
	if (v) {
		add(v, skb->len);
		return PASS;
	}
	struct val n = {.packets = 1, .bytes = skb->len};
#ifdef TS
	n.first = n.last = NOW;
#endif
	if (bpf_map_update_elem(&flows, &k, &n, BPF_NOEXIST) && (v = bpf_map_lookup_elem(&flows, &k)))
		add(v, skb->len);
#else
	sink_hole = k.src[0] ^ k.dst[0] ^ k.sport ^ k.dport ^ k.proto;
#endif
	return PASS;
}

#ifdef NOP
#define BODY PASS
#else
#define BODY count(skb)
#endif
#ifdef CGROUP
SEC("cgroup_skb/ingress") int floor_in(struct __sk_buff *skb) { return BODY; }
SEC("cgroup_skb/egress") int floor_out(struct __sk_buff *skb) { return BODY; }
#else
SEC("tc") int floor_in(struct __sk_buff *skb) { return BODY; }
SEC("tc") int floor_out(struct __sk_buff *skb) { return BODY; }
#endif
char _license[] SEC("license") = "GPL";
