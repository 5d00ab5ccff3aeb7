// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0
#ifndef CAPTURE_H
#define CAPTURE_H

// What the files of this target share about a loaded object.

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "weir_capture.h"

struct events {
	struct capture_row *rows;
	uint32_t count, capacity;
};

struct capture {
	struct bpf_object *object;
	struct capture_shape shape;
	struct flow_config config;
	bool is_pinned;		      // maps of a process before: no object, no programs, no `control`
	struct flow_control *control; // the programs' .bss
	int flows[2], books, barrier, barrier_inner, watched, tunnel_ends, ring_fd, cpus;
	struct ring_buffer *ring;
	uint32_t lap; // bytes taken from the ring in this collection
	struct events events[2];
	// The walk over a map.
	uint32_t cursor;
	bool started, ended;
	uint32_t batch; // rows that `keys` and `values` have room for
	uint8_t *keys, *values;
};

/// Widens a projected key.
void capture_widen(const void *key, uint32_t key_size, struct capture_row *row);

/// For `ring_buffer__new`: keeps a record of the ring.
int capture_event_arrived(void *context, void *data, size_t size);

#endif
