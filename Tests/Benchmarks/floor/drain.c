// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

// drain ENTRIES KEY VALUE
// What it costs to empty a map of so many entries, in the ways there are. Fills a preallocated hash map with room for a
// seventh more, then:
//   read    reads all in batches
//   take    reads and deletes all in batches
//   fresh   reads all in batches, frees the map and makes another one
// Prints one line of JSON, seconds; `fill` is what user space's own updates took, `again` the same after `take`.
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "die.h"

enum { BATCH = 4096 };
static unsigned entries, key_size, value_size;
static char *keys, *values;

static int make(void)
{
	int map = bpf_map_create(BPF_MAP_TYPE_HASH, "drain", key_size, value_size, entries + entries / 7, NULL);
	if (map < 0)
		die("could not create the map");
	return map;
}

static double fill(int map)
{
	double start = now();
	memset(keys, 0, (size_t)BATCH * key_size);
	memset(values, 1, (size_t)BATCH * value_size);
	for (unsigned done = 0; done < entries; done += BATCH) {
		unsigned count = entries - done < BATCH ? entries - done : BATCH;
		for (unsigned i = 0; i < count; i++) {
			unsigned number = done + i;
			memcpy(keys + (size_t)i * key_size, &number, sizeof number);
		}
		if (bpf_map_update_batch(map, keys, values, &count, NULL))
			die("could not fill the map");
	}
	return now() - start;
}

static double walk(int map, int take)
{
	double start = now();
	unsigned cursor, seen = 0, *from = NULL;
	int error = 0;

	while (!error) {
		unsigned count = BATCH;
		error = take ? bpf_map_lookup_and_delete_batch(map, from, &cursor, keys, values, &count, NULL)
			     : bpf_map_lookup_batch(map, from, &cursor, keys, values, &count, NULL);
		if (error && errno != ENOENT)
			die("could not read the map");
		seen += count;
		from = &cursor;
	}
	if (seen != entries) {
		fprintf(stderr, "read %u entries of %u\n", seen, entries);
		exit(1);
	}
	return now() - start;
}

int main(int argc, char **v)
{
	if (argc != 4 || (entries = atoi(v[1])) < 1 || (key_size = atoi(v[2])) < 4 || (value_size = atoi(v[3])) < 1)
		return fprintf(stderr, "usage: drain ENTRIES KEY VALUE\n"), 2;
	keys = malloc((size_t)BATCH * key_size);
	values = malloc((size_t)BATCH * value_size);
	if (!keys || !values)
		die("no memory");
	int map = make();
	double filled = fill(map), read = walk(map, 0), taken = walk(map, 1), again = fill(map);
	double start = now();
	walk(map, 0);
	close(map); // the pages go later, by another thread of the kernel
	map = make();
	double fresh = now() - start;
	printf("{\"fill\":%.4f,\"read\":%.4f,\"take\":%.4f,\"again\":%.4f,\"fresh\":%.4f}\n", filled, read, taken,
	       again, fresh);
	return 0;
}
