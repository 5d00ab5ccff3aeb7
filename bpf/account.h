/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef ACCOUNT_H
#define ACCOUNT_H

/*
 * The maps, and the rule that every packet ends in exactly one of them: a flow's value, the ring, or a cell of the
 * book.
 */

#include "fragments.h"
#include "parse.h"

/*
 * Two of everything that is counted: programs write one generation while user space reads the other.
 * User space makes them per CPU where keys are few, and shortens key and value to the projection: hence no __type().
 */
#define FLOW_MAP(name)                                                                                                 \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_HASH);                                                                       \
		__uint(max_entries, 131072);                                                                           \
		__uint(key_size, sizeof(struct flow_key));                                                             \
		__uint(value_size, sizeof(struct flow_value));                                                         \
	} name SEC(".maps")

FLOW_MAP(flows0);
FLOW_MAP(flows1);

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct flow_book);
} books SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} ring SEC(".maps");

struct one_number {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} barrier_inner SEC(".maps");

/*
 * No program uses this map. Updating its slot makes the kernel wait until every program that was running has
 * left (maybe_wait_bpf_programs, Linux 4.20): the one portable way to know that a generation is idle.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct one_number);
} barrier SEC(".maps");

const volatile struct flow_config config = {};
volatile struct flow_control control = {};

/*
 * How an addition must be done. A program that runs with softirqs off (tc, cgroup_skb at ingress) owns its CPU until
 * it returns, but for a real-time kernel. At egress cgroup_skb may be preempted, and a softirq may run another program
 * in between: there even per-CPU cells need atomics. Both may add to one cell: programs do not migrate, an atomic
 * addition is not interrupted half-way, and nothing comes between a plain one. No addition may ask for the value before
 * it, nor may there be any other atomic: the JIT of arm64 has only plain atomic additions before Linux 5.18.
 */
enum addition { ALONE, SHARED };

static __always_inline void add(__u64 *cell, __u64 amount, enum addition how)
{
	if (how == ALONE && !config.preemptible)
		*cell += amount;
	else
		__c11_atomic_fetch_add((_Atomic __u64 *)cell, amount, __ATOMIC_RELAXED);
}

static __always_inline void add_amount(struct flow_amount *cell, const struct flow_amount *amount, enum addition how)
{
	add(&cell->bytes, amount->bytes, how);
	add(&cell->packets, amount->packets, how);
}

static __always_inline void add_to_flow(struct flow_value *value, const struct packet *packet, enum addition how)
{
	if (!config.per_cpu)
		how = SHARED;
	add(&value->bytes, packet->amount.bytes, how);
	add(&value->packets, packet->amount.packets, how);
	if (config.want_initiator && packet->flags) {
		if (packet->flags & FLOW_SYN)
			value->syn = 1;
		else
			value->syn_ack = 1;
	}
}

/* The map must be a constant at each call, or the verifier cannot inline the look-up. */
static __always_inline struct flow_value *find(__u32 generation, const struct flow_key *key)
{
	struct flow_value *value;

	if (generation) {
		value = bpf_map_lookup_elem(&flows1, key);
		asm volatile("" : "+r"(value)); /* keeps the two calls two */
	} else {
		value = bpf_map_lookup_elem(&flows0, key);
	}
	return value;
}

static __always_inline long insert(__u32 generation, const struct packet *packet)
{
	struct flow_value value = {
	    .bytes = packet->amount.bytes,
	    .packets = packet->amount.packets,
	    .syn = packet->flags == FLOW_SYN,
	    .syn_ack = packet->flags == FLOW_SYN_ACK,
	};
	long error;

	if (generation)
		error = bpf_map_update_elem(&flows1, &packet->key, &value, BPF_NOEXIST);
	else
		error = bpf_map_update_elem(&flows0, &packet->key, &value, BPF_NOEXIST);
	return error;
}

/* A map that fills is an event: one record, thrown away at once, wakes user space so that it drains early. */
static __always_inline void note_insert(__u32 generation)
{
	generation &= 1;
	add((__u64 *)&control.inserts[generation].count, 1, SHARED);
	/* Whoever comes last of those that pass the mark at the same time sees it passed. */
	if (control.inserts[generation].count >= config.wake_inserts && !control.inserts[generation].rung) {
		control.inserts[generation].rung = 1;
		void *bell = bpf_ringbuf_reserve(&ring, sizeof(__u64), 0);
		if (bell)
			bpf_ringbuf_discard(bell, BPF_RB_FORCE_WAKEUP);
	}
}

static __always_inline bool send_event(__u32 generation, const struct packet *packet)
{
	struct flow_event *event = bpf_ringbuf_reserve(&ring, sizeof(*event), 0);

	if (!event)
		return false;
	event->bytes = packet->amount.bytes;
	event->packets = packet->amount.packets;
	event->flags = packet->flags;
	event->generation = generation;
	event->key = packet->key;
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	return true;
}

/* linux/errno.h is not for BPF; these three are all that an insert without preallocation trouble can say. */
#define ENOMEM 12
#define E2BIG 7
#define EEXIST 17

/*
 * The flow is new to this generation. After the ring was full once this CPU no longer tries map or ring:
 * under overload a packet must cost less, not more.
 */
static __noinline void count_new(__u32 generation, struct flow_book *book, const struct packet *packet,
				 enum addition how)
{
	long error;

	if (unlikely(book->ring_closed)) {
		add_amount(&book->overflow[FLOW_MAP_FULL], &packet->amount, how);
		return;
	}
	error = insert(generation, packet);
	if (!error) {
		note_insert(generation);
		return;
	}
	if (error == -EEXIST) { /* another CPU was first */
		struct flow_value *value = find(generation, &packet->key);
		if (value) {
			add_to_flow(value, packet, how);
			return;
		}
	}
	if (send_event(generation, packet))
		return;
	if (error == -E2BIG) {
		book->ring_closed = 1;
		add_amount(&book->overflow[FLOW_RING_FULL], &packet->amount, how);
	} else if (error == -ENOMEM) {
		add_amount(&book->overflow[FLOW_NO_MEMORY], &packet->amount, how);
	} else {
		add_amount(&book->overflow[FLOW_BUSY], &packet->amount, how);
	}
}

/*
 * Sampling: whether the packet is left out, which the book then says. By chance and not every n-th, as traffic has
 * rhythms of its own. Nothing of the packet has been read: that is what sampling saves. So its bytes are those behind
 * the link header, and those of a super-packet have its headers once; it is one decision, whatever its segments.
 */
static __always_inline bool leave_out_unsampled(struct __sk_buff *skb, __u32 link_header, enum addition how)
{
	struct flow_amount amount = {.packets = 1};

	/* `likely` keeps what few plans need out of the way of the others, of which one load of a constant is left. */
	if (likely(!config.sample_below) || bpf_get_prandom_u32() < config.sample_below)
		return false;
	amount.bytes = config.kernel_lengths ? skb->len : skb->len > link_header ? skb->len - link_header : 0;
	if (!config.kernel_lengths && skb->gso_segs)
		amount.packets = skb->gso_segs;
	__u32 page = control.generation & 1;
	struct flow_book *book = bpf_map_lookup_elem(&books, &page);
	if (book) {
		add_amount(&book->seen, &amount, how);
		add_amount(&book->not_counted[FLOW_UNSAMPLED], &amount, how);
	}
	return true;
}

/*
 * The one place where a packet that was looked at is accounted for. `reason`: an enum flow_not_counted, or PARSED for
 * one that counts.
 */
static __always_inline void account(struct packet *packet, int reason, enum addition how)
{
	__u32 generation = control.generation & 1; /* read once: all that follows goes to the same one */
	__u32 page = generation;
	struct flow_book *book = bpf_map_lookup_elem(&books, &page);

	if (!book)
		return; /* cannot be: all cells of an array exist */
	add_amount(&book->seen, &packet->amount, how);
	if (unlikely(reason != PARSED)) {
		if (reason >= 0 && reason < FLOW_NOT_COUNTED_COUNT) /* for the verifier */
			add_amount(&book->not_counted[reason], &packet->amount, how);
		return;
	}
	if (config.join_fragments && unlikely(packet->fragment.part != WHOLE) && !join_fragment(packet))
		add(&book->orphans, 1, how);
	struct flow_value *value = find(generation, &packet->key);
	if (likely(value))
		add_to_flow(value, packet, how);
	else
		count_new(generation, book, packet, how);
}

#endif
