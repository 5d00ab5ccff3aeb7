// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

// Opening, loading and closing the object.

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "capture.h"

// libbpf's messages: kept, not printed, so that an error can quote them. The end matters: the verifier's verdict is
// there.
static __thread char words[4096];

static int remember(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char line[1024];
	if (level > LIBBPF_WARN)
		return 0;
	int length = vsnprintf(line, sizeof line, format, arguments);
	if (length < 0)
		return 0;
	size_t used = strlen(words), fresh = strlen(line);
	if (used + fresh >= sizeof words) {
		size_t drop = used + fresh + 1 - sizeof words;
		memmove(words, words + drop, used - drop + 1);
		used -= drop;
	}
	memcpy(words + used, line, fresh + 1);
	return length;
}

const char *capture_last_words(void) { return words; }

static size_t decode(const char *base64, size_t length, uint8_t *bytes)
{
	uint32_t bits = 0, count = 0;
	size_t used = 0;
	for (size_t i = 0; i < length; i++) {
		int c = base64[i], six = c >= 'A' && c <= 'Z'	? c - 'A'
					 : c >= 'a' && c <= 'z' ? c - 'a' + 26
					 : c >= '0' && c <= '9' ? c - '0' + 52
					 : c == '+'		? 62
					 : c == '/'		? 63
								: -1;
		if (six < 0)
			continue;
		bits = bits << 6 | six;
		if (++count % 4 != 1)
			bytes[used++] = bits >> (6 - 2 * ((count - 1) % 4));
	}
	return used;
}

static int shape_object(struct capture *capture, const struct flow_config *config)
{
	struct bpf_object *object = capture->object;
	const struct capture_shape *shape = &capture->shape;
	struct bpf_program *program;
	struct bpf_map *map;
	size_t size = 0;

	bpf_object__for_each_program(program, object)
	{
		bool socket = bpf_program__type(program) == BPF_PROG_TYPE_CGROUP_SKB;
		bpf_program__set_autoload(program, socket == shape->sockets);
	}
	for (int i = 0; i < 2; i++) {
		map = bpf_object__find_map_by_name(object, i ? "flows1" : "flows0");
		if (!map)
			return -ENOENT;
		bpf_map__set_type(map, shape->per_cpu ? BPF_MAP_TYPE_PERCPU_HASH : BPF_MAP_TYPE_HASH);
		bpf_map__set_key_size(map, shape->key_size);
		bpf_map__set_value_size(map, shape->value_size);
		bpf_map__set_max_entries(map, shape->max_flows);
	}
	map = bpf_object__find_map_by_name(object, "watched");
	if (!map || bpf_map__set_autocreate(map, !shape->sockets))
		return -EINVAL;
	map = bpf_object__find_map_by_name(object, "tunnel_ends");
	if (!map || bpf_map__set_autocreate(map, !shape->sockets))
		return -EINVAL;
	map = bpf_object__find_map_by_name(object, "datagrams");
	if (!map || bpf_map__set_autocreate(map, config->join_fragments))
		return -EINVAL;
	map = bpf_object__find_map_by_name(object, "ring");
	if (!map || bpf_map__set_max_entries(map, shape->ring_bytes))
		return -EINVAL;
	bpf_object__for_each_map(
	    map, object) if (bpf_map__initial_value(map, &size) && size == sizeof *config &&
			     strstr(bpf_map__name(map), ".rodata")) return bpf_map__set_initial_value(map, config,
												      sizeof *config);
	return -ENOENT;
}

static int find_maps(struct capture *capture)
{
	struct bpf_object *object = capture->object;
	struct bpf_map *map;

	capture->flows[0] = bpf_object__find_map_fd_by_name(object, "flows0");
	capture->flows[1] = bpf_object__find_map_fd_by_name(object, "flows1");
	capture->books = bpf_object__find_map_fd_by_name(object, "books");
	capture->barrier = bpf_object__find_map_fd_by_name(object, "barrier");
	capture->barrier_inner = bpf_object__find_map_fd_by_name(object, "barrier_inner");
	capture->watched = bpf_object__find_map_fd_by_name(object, "watched");
	capture->tunnel_ends = bpf_object__find_map_fd_by_name(object, "tunnel_ends");
	capture->ring_fd = bpf_object__find_map_fd_by_name(object, "ring");
	bpf_object__for_each_map(map, object)
	{
		if (!strstr(bpf_map__name(map), ".bss") || bpf_map__value_size(map) != sizeof(struct flow_control))
			continue;
		void *shared =
		    mmap(NULL, sizeof(struct flow_control), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
		if (shared == MAP_FAILED)
			return -errno;
		capture->control = shared;
	}
	return capture->control ? 0 : -ENOENT;
}

struct capture *capture_open(const char *base64, size_t length, const struct flow_config *config,
			     const struct capture_shape *shape)
{
	struct capture *capture = calloc(1, sizeof *capture);
	uint8_t *bytes = malloc(length / 4 * 3 + 3);
	int error = -ENOMEM;

	words[0] = 0;
	libbpf_set_print(remember);
	if (!capture || !bytes)
		goto failed;
	capture->shape = *shape;
	capture->config = *config;
	capture->cpus = libbpf_num_possible_cpus();
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "weir");
	capture->object = bpf_object__open_mem(bytes, decode(base64, length, bytes), &options);
	error = -errno;
	if (!capture->object || (error = shape_object(capture, config)) ||
	    (error = bpf_object__load(capture->object)) || (error = find_maps(capture)))
		goto failed;
	capture->ring = ring_buffer__new(capture->ring_fd, capture_event_arrived, capture, NULL);
	error = -errno;
	if (!capture->ring)
		goto failed;
	free(bytes);
	return capture;
failed:
	free(bytes);
	capture_close(capture);
	errno = -error;
	return NULL;
}

void capture_close(struct capture *capture)
{
	if (!capture)
		return;
	ring_buffer__free(capture->ring);
	if (capture->control)
		munmap(capture->control, sizeof *capture->control);
	if (capture->is_pinned) {
		const int maps[] = {capture->flows[0], capture->flows[1], capture->books, capture->ring_fd};
		for (int i = 0; i < 4; i++) {
			if (maps[i] >= 0)
				close(maps[i]);
		}
	}
	bpf_object__close(capture->object);
	free(capture->events[0].rows);
	free(capture->events[1].rows);
	free(capture->keys);
	free(capture->values);
	free(capture);
}

int capture_program(const struct capture *capture, const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(capture->object, name);
	int fd = program ? bpf_program__fd(program) : -1;
	return fd < 0 ? -ENOENT : fd;
}

int capture_ring_fd(const struct capture *capture) { return capture->ring_fd; }

int capture_possible_cpus(void) { return libbpf_num_possible_cpus(); }

uint32_t capture_libbpf_version(void) { return libbpf_major_version() << 16 | libbpf_minor_version(); }
