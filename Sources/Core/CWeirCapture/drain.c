// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

// Generations: flipping them, reading the idle one, clearing it.

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "capture.h"

uint32_t capture_generation(const struct capture *capture)
{
	return __atomic_load_n(&capture->control->generation, __ATOMIC_RELAXED) & 1;
}

uint64_t capture_inserts(const struct capture *capture, uint32_t generation)
{
	return __atomic_load_n(&capture->control->inserts[generation & 1].count, __ATOMIC_RELAXED);
}

int capture_flip(struct capture *capture)
{
	uint32_t slot = 0, next = !capture_generation(capture);

	__atomic_store_n(&capture->control->generation, next, __ATOMIC_SEQ_CST);
	// See `barrier` in account.h: this returns after every program that might have read the old value.
	return bpf_map_update_elem(capture->barrier, &slot, &capture->barrier_inner, BPF_ANY) ? -errno : 0;
}

static uint64_t half(const uint32_t *words) { return (uint64_t)be32toh(words[0]) << 32 | be32toh(words[1]); }

void capture_widen(const void *key, uint32_t key_size, struct capture_row *row)
{
	struct flow_key full = {0};

	memcpy(&full, key, key_size);
	bool socket = full.hook == FLOW_SOCKET_OUT || full.hook == FLOW_SOCKET_IN;
	*row = (struct capture_row){
	    .src_high = half(full.src),
	    .src_low = half(full.src + 2),
	    .dst_high = half(full.dst),
	    .dst_low = half(full.dst + 2),
	    .cgroup = socket ? (uint64_t)full.cgroup[1] << 32 | full.cgroup[0] : 0,
	    .ifindex = socket ? 0 : full.ifindex,
	    .src_port = full.src_port,
	    .dst_port = full.dst_port,
	    .receiver = full.receiver,
	    .hook = full.hook,
	    .protocol = full.protocol,
	};
}

void capture_rewind(struct capture *capture) { capture->started = capture->ended = false; }

// Room for one batch; grown only when a caller asks for more rows than before.
static int make_room(struct capture *capture, uint32_t rows)
{
	size_t value = (size_t)capture->shape.value_size * (capture->shape.per_cpu ? capture->cpus : 1);

	if (rows <= capture->batch)
		return 0;
	free(capture->keys);
	free(capture->values);
	capture->batch = 0;
	capture->keys = malloc((size_t)rows * capture->shape.key_size);
	capture->values = malloc(rows * value);
	if (!capture->keys || !capture->values)
		return -ENOMEM;
	capture->batch = rows;
	return 0;
}

int capture_read(struct capture *capture, uint32_t generation, bool take, struct capture_row *rows, uint32_t capacity)
{
	uint32_t cpus = capture->shape.per_cpu ? capture->cpus : 1, size = capture->shape.value_size, count = 0;
	int map = capture->flows[generation & 1], error = make_room(capture, capacity);

	if (error)
		return error;
	while (!count && !capture->ended) {
		uint32_t *from = capture->started ? &capture->cursor : NULL;
		count = capacity;
		error = take ? bpf_map_lookup_and_delete_batch(map, from, &capture->cursor, capture->keys,
							       capture->values, &count, NULL)
			     : bpf_map_lookup_batch(map, from, &capture->cursor, capture->keys, capture->values, &count,
						    NULL);
		if (error && errno != ENOENT)
			return -errno;
		capture->started = true;
		capture->ended = error;
	}
	for (uint32_t i = 0; i < count; i++) {
		capture_widen(capture->keys + (size_t)i * capture->shape.key_size, capture->shape.key_size, &rows[i]);
		for (uint32_t cpu = 0; cpu < cpus; cpu++) {
			struct flow_value value = {0};
			memcpy(&value, capture->values + ((size_t)i * cpus + cpu) * size, size);
			rows[i].bytes += value.bytes;
			rows[i].packets += value.packets;
			rows[i].flags |= (value.syn ? FLOW_SYN : 0) | (value.syn_ack ? FLOW_SYN_ACK : 0);
		}
	}
	return count;
}

int capture_event_arrived(void *context, void *data, size_t size)
{
	struct capture *capture = context;
	const struct flow_event *event = data;

	if (size < sizeof *event)
		return 0;
	struct events *events = &capture->events[event->generation & 1];
	if (events->count == events->capacity) {
		uint32_t capacity = events->capacity ? events->capacity * 2 : 1024;
		struct capture_row *rows = realloc(events->rows, capacity * sizeof *rows);
		if (!rows)
			return -ENOMEM;
		events->rows = rows;
		events->capacity = capacity;
	}
	struct capture_row *row = &events->rows[events->count++];
	capture_widen(&event->key, capture->shape.key_size, row);
	row->bytes = event->bytes;
	row->packets = event->packets;
	row->flags = event->flags;
	// One lap holds everything that was there when we began; more would be a race with a program that keeps
	// filling.
	capture->lap += sizeof *event + 8;
	return capture->lap >= capture->shape.ring_bytes ? -EAGAIN : 0;
}

int capture_collect_events(struct capture *capture)
{
	capture->lap = 0;
	int error = ring_buffer__consume(capture->ring);
	return error < 0 && error != -EAGAIN ? error : 0;
}

uint32_t capture_event_count(const struct capture *capture, uint32_t generation)
{
	return capture->events[generation & 1].count;
}

int capture_events(const struct capture *capture, uint32_t generation, uint32_t first, struct capture_row *rows,
		   uint32_t capacity)
{
	const struct events *events = &capture->events[generation & 1];
	uint32_t count = first < events->count ? events->count - first : 0;

	if (count > capacity)
		count = capacity;
	if (count)
		memcpy(rows, events->rows + first, count * sizeof *rows);
	return count;
}

static void add_amount(struct flow_amount *sum, const struct flow_amount *more)
{
	sum->bytes += more->bytes;
	sum->packets += more->packets;
}

int capture_book(const struct capture *capture, uint32_t generation, struct flow_book *sum)
{
	struct flow_book *cells = calloc(capture->cpus, sizeof *cells);

	memset(sum, 0, sizeof *sum);
	if (!cells)
		return -ENOMEM;
	int error = 0;
	uint32_t page = generation & 1;
	if (bpf_map_lookup_elem(capture->books, &page, cells))
		error = -errno;
	for (int cpu = 0; !error && cpu < capture->cpus; cpu++) {
		add_amount(&sum->seen, &cells[cpu].seen);
		sum->ring_closed += cells[cpu].ring_closed;
		sum->orphans += cells[cpu].orphans;
		for (int i = 0; i < FLOW_OVERFLOW_COUNT; i++)
			add_amount(&sum->overflow[i], &cells[cpu].overflow[i]);
		for (int i = 0; i < FLOW_NOT_COUNTED_COUNT; i++)
			add_amount(&sum->not_counted[i], &cells[cpu].not_counted[i]);
	}
	free(cells);
	return error;
}

int capture_clear(struct capture *capture, uint32_t generation)
{
	struct flow_book *zero = calloc(capture->cpus, sizeof *zero);

	if (!zero)
		return -ENOMEM;
	uint32_t page = generation & 1;
	int error = bpf_map_update_elem(capture->books, &page, zero, BPF_ANY) ? -errno : 0;
	free(zero);
	capture->events[generation & 1].count = 0;
	if (capture->is_pinned)
		return error;
	__atomic_store_n(&capture->control->inserts[generation & 1].count, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&capture->control->inserts[generation & 1].rung, 0, __ATOMIC_RELAXED);
	return error;
}
