// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

// Maps that outlive the process: a folder in a BPF file system, and in it a folder for each set of maps.

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>
#include "capture.h"

// A set is made under one name and removed under another, so that what has a number is whole. (No dots: bpffs refuses
// them.)
static const char MAKING[] = "making", LEAVING[] = "leaving", LAYOUT[] = "layout";

// ---- The layout ----

uint64_t capture_abi(void)
{
	// All that says what the bytes of a key, a value, an event and a book mean.
	static const uint32_t facts[] = {
	    offsetof(struct flow_key, src),
	    offsetof(struct flow_key, dst),
	    offsetof(struct flow_key, hook),
	    offsetof(struct flow_key, protocol),
	    offsetof(struct flow_key, receiver),
	    offsetof(struct flow_key, src_port),
	    offsetof(struct flow_key, dst_port),
	    offsetof(struct flow_key, cgroup),
	    offsetof(struct flow_key, ifindex),
	    sizeof(struct flow_key),
	    FLOW_KEY_HOSTS,
	    FLOW_KEY_PORTS,
	    FLOW_KEY_INTERFACE,
	    FLOW_KEY_OWNER,
	    offsetof(struct flow_value, bytes),
	    offsetof(struct flow_value, packets),
	    offsetof(struct flow_value, syn),
	    offsetof(struct flow_value, syn_ack),
	    sizeof(struct flow_value),
	    FLOW_VALUE_PLAIN,
	    FLOW_VALUE_INITIATOR,
	    offsetof(struct flow_event, bytes),
	    offsetof(struct flow_event, packets),
	    offsetof(struct flow_event, flags),
	    offsetof(struct flow_event, generation),
	    offsetof(struct flow_event, key),
	    sizeof(struct flow_event),
	    offsetof(struct flow_book, seen),
	    offsetof(struct flow_book, ring_closed),
	    offsetof(struct flow_book, orphans),
	    offsetof(struct flow_book, not_counted),
	    offsetof(struct flow_book, overflow),
	    sizeof(struct flow_book),
	    sizeof(struct flow_config),
	    FLOW_UPLINK_IN,
	    FLOW_PORT_IN,
	    FLOW_MADE,
	    FLOW_THROUGH,
	    FLOW_SOCKET_OUT,
	    FLOW_SOCKET_IN,
	    FLOW_SYN,
	    FLOW_SYN_ACK,
	    FLOW_MAP_FULL,
	    FLOW_RING_FULL,
	    FLOW_BUSY,
	    FLOW_NO_MEMORY,
	    FLOW_OVERFLOW_COUNT,
	    FLOW_DUPLICATE,
	    FLOW_LOCAL,
	    FLOW_COPY,
	    FLOW_TUNNEL,
	    FLOW_UNSAMPLED,
	    FLOW_INTERFACE,
	    FLOW_NON_IP,
	    FLOW_MALFORMED,
	    FLOW_NOT_COUNTED_COUNT,
	};
	uint64_t hash = 0xcbf29ce484222325; // FNV-1a

	for (size_t i = 0; i < sizeof facts; i++)
		hash = (hash ^ ((const uint8_t *)facts)[i]) * 0x100000001b3;
	return hash;
}

static bool is_known(const struct capture_layout *layout)
{
	return layout->magic == CAPTURE_LAYOUT_MAGIC && layout->version == CAPTURE_LAYOUT_VERSION &&
	       layout->size == sizeof *layout && layout->abi == capture_abi() &&
	       layout->cpus == (uint32_t)libbpf_num_possible_cpus() && layout->key_size >= FLOW_KEY_HOSTS &&
	       layout->key_size <= FLOW_KEY_OWNER && layout->value_size >= FLOW_VALUE_PLAIN &&
	       layout->value_size <= FLOW_VALUE_INITIATOR;
}

// ---- Paths ----

static int join(char path[PATH_MAX], const char *folder, const char *set, const char *name)
{
	int length = snprintf(path, PATH_MAX, "%s/%s%s%s", folder, set, name ? "/" : "", name ? name : "");
	return length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static void number_name(char name[16], uint32_t number) { snprintf(name, 16, "%u", number); }

// Every file of a set, whoever named it, then its folder.
static int empty(const char *path)
{
	DIR *directory = opendir(path);

	if (!directory)
		return errno == ENOENT ? 0 : -errno;
	for (struct dirent *entry; (entry = readdir(directory));) {
		if (entry->d_type != DT_DIR)
			unlinkat(dirfd(directory), entry->d_name, 0);
	}
	closedir(directory);
	return rmdir(path) ? -errno : 0;
}

int capture_pin_folder(const char *path)
{
	bool made = !mkdir(path, 0700);
	int error = made || errno == EEXIST ? 0 : -errno, folder = -1;
	char leaving[PATH_MAX];
	struct statfs system;
	struct stat facts;

	if (!error && (folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		error = -errno;
	if (!error && (fstatfs(folder, &system) || fstat(folder, &facts)))
		error = -errno;
	if (!error && system.f_type != BPF_FS_MAGIC)
		error = -EMEDIUMTYPE;
	// Who may write here may give us maps of his own.
	if (!error && ((facts.st_uid && facts.st_uid != geteuid()) || facts.st_mode & (S_IWGRP | S_IWOTH)))
		error = -EPERM;
	if (!error && flock(folder, LOCK_EX | LOCK_NB))
		error = -errno;
	if (!error) {
		// Of one that was killed while it removed a set: maps that nobody would find, as they have no number.
		if (!join(leaving, path, LEAVING, NULL))
			empty(leaving);
		return folder;
	}
	if (folder >= 0)
		close(folder);
	if (made)
		rmdir(path);
	return error;
}

int capture_pins_remove(const char *folder, uint32_t number)
{
	char path[PATH_MAX], leaving[PATH_MAX], name[16];
	int error;

	number_name(name, number);
	if ((error = join(path, folder, name, NULL)) || (error = join(leaving, folder, LEAVING, NULL)) ||
	    (error = empty(leaving)))
		return error;
	return rename(path, leaving) ? -errno : empty(leaving);
}

int capture_pin_sets(const char *folder, uint32_t *numbers, uint32_t capacity)
{
	DIR *directory = opendir(folder);
	uint32_t count = 0;

	if (!directory)
		return -errno;
	for (struct dirent *entry; count < capacity && (entry = readdir(directory));) {
		char *end, name[16];
		unsigned long number = strtoul(entry->d_name, &end, 10);
		number_name(name, number);
		if (entry->d_type == DT_DIR && number <= UINT32_MAX && !strcmp(name, entry->d_name))
			numbers[count++] = number;
	}
	closedir(directory);
	return count;
}

// ---- Pinning ----

static int pin(int map, const char *folder, const char *name)
{
	char path[PATH_MAX];
	int error = join(path, folder, MAKING, name);
	return error ? error : bpf_obj_pin(map, path) ? -errno : 0;
}

static int pin_layout(const struct capture *capture, const char *folder)
{
	const struct capture_shape *shape = &capture->shape;
	struct capture_layout layout = {
	    .magic = CAPTURE_LAYOUT_MAGIC,
	    .version = CAPTURE_LAYOUT_VERSION,
	    .size = sizeof layout,
	    .abi = capture_abi(),
	    .key_size = shape->key_size,
	    .value_size = shape->value_size,
	    .max_flows = shape->max_flows,
	    .ring_bytes = shape->ring_bytes,
	    .cpus = capture->cpus,
	    .per_cpu = shape->per_cpu,
	    .sockets = shape->sockets,
	    .config = capture->config,
	};
	uint32_t slot = 0;
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "weir_layout", sizeof slot, sizeof layout, 1, NULL);
	if (map < 0)
		return -errno;
	int error = bpf_map_update_elem(map, &slot, &layout, BPF_ANY) ? -errno : pin(map, folder, LAYOUT);
	close(map);
	return error;
}

int capture_pin(const struct capture *capture, const char *folder, uint32_t number)
{
	char making[PATH_MAX], path[PATH_MAX], name[16];
	int error;

	number_name(name, number);
	if ((error = join(making, folder, MAKING, NULL)) || (error = join(path, folder, name, NULL)) ||
	    (error = empty(making)))
		return error;
	if (mkdir(making, 0700))
		return -errno;
	if ((error = pin(capture->flows[0], folder, "flows0")) || (error = pin(capture->flows[1], folder, "flows1")) ||
	    (error = pin(capture->books, folder, "books")) || (error = pin(capture->ring_fd, folder, "ring")) ||
	    (error = pin_layout(capture, folder)) || (error = rename(making, path) ? -errno : 0))
		empty(making);
	return error;
}

// ---- Opening what was pinned ----

// The map of that name, when it is what it should be.
static int open_map(const char *folder, const char *set, const char *name, enum bpf_map_type type, uint32_t key,
		    uint32_t value, uint32_t entries)
{
	char path[PATH_MAX];
	struct bpf_map_info info = {0};
	uint32_t size = sizeof info;
	int error = join(path, folder, set, name);

	if (error)
		return error;
	int map = bpf_obj_get(path);
	if (map < 0)
		return -errno;
	if (bpf_obj_get_info_by_fd(map, &info, &size))
		error = -errno;
	else if (info.type != type || info.key_size != key || info.value_size != value || info.max_entries != entries)
		error = -EPROTO;
	if (!error)
		return map;
	close(map);
	return error;
}

int capture_pinned_layout(const char *folder, uint32_t number, struct capture_layout *layout)
{
	char name[16];
	uint32_t slot = 0;

	number_name(name, number);
	int map = open_map(folder, name, LAYOUT, BPF_MAP_TYPE_ARRAY, sizeof slot, sizeof *layout, 1);
	if (map < 0)
		return map;
	int error = bpf_map_lookup_elem(map, &slot, layout) ? -errno : is_known(layout) ? 0 : -EPROTO;
	close(map);
	return error;
}

struct capture *capture_open_pinned(const char *folder, uint32_t number, const struct capture_layout *layout)
{
	struct capture *capture = calloc(1, sizeof *capture);
	enum bpf_map_type hash = layout->per_cpu ? BPF_MAP_TYPE_PERCPU_HASH : BPF_MAP_TYPE_HASH;
	uint32_t key = layout->key_size, value = layout->value_size, flows = layout->max_flows;
	int error = -ENOMEM;
	char name[16];

	if (!capture)
		goto failed;
	number_name(name, number);
	capture->is_pinned = true;
	capture->cpus = layout->cpus;
	capture->shape = (struct capture_shape){.key_size = key,
						.value_size = value,
						.max_flows = flows,
						.ring_bytes = layout->ring_bytes,
						.per_cpu = layout->per_cpu,
						.sockets = layout->sockets};
	capture->flows[0] = open_map(folder, name, "flows0", hash, key, value, flows);
	capture->flows[1] = open_map(folder, name, "flows1", hash, key, value, flows);
	capture->books =
	    open_map(folder, name, "books", BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(uint32_t), sizeof(struct flow_book), 2);
	capture->ring_fd = open_map(folder, name, "ring", BPF_MAP_TYPE_RINGBUF, 0, 0, layout->ring_bytes);
	const int maps[] = {capture->flows[0], capture->flows[1], capture->books, capture->ring_fd};
	for (int i = 0; i < 4; i++) {
		if (maps[i] < 0) {
			error = maps[i];
			goto failed;
		}
	}
	// Where the process before stopped reading is written in the ring itself.
	capture->ring = ring_buffer__new(capture->ring_fd, capture_event_arrived, capture, NULL);
	error = -errno;
	if (capture->ring)
		return capture;
failed:
	capture_close(capture);
	errno = -error;
	return NULL;
}
