// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

// floor OBJ IF|CGROUPDIR MAX_ENTRIES DRAIN_SECS [first]
// Attaches floor_in/floor_out (tcx when the second argument is an interface, else cgroup_skb), drains the map with
// BPF_MAP_LOOKUP_AND_DELETE_BATCH every DRAIN_SECS (0 = only at the end), and on SIGTERM prints the totals as JSON.
// `first`: on an interface before all that is attached there already.
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "die.h"

enum { TCX_INGRESS = 46, TCX_EGRESS = 47, TCX_BEFORE = 1 << 3, BATCH = 4096 };
static volatile sig_atomic_t stop;
static void on_term(int s) { stop = 1; }
static double cpu(void)
{
	struct rusage r;
	getrusage(RUSAGE_SELF, &r);
	return r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}
static int link_create(int prog, int target, int type, int flags)
{
	struct {
		unsigned prog, target, type, flags;
		char rest[48];
	} a = {prog, target, type, flags};
	return syscall(SYS_bpf, BPF_LINK_CREATE, &a, sizeof a);
}
static unsigned long long entries, packets, bytes;
static double worst;

static void drain(int fd, int percpu, int ksz, int vsz)
{
	int ncpu = percpu ? libbpf_num_possible_cpus() : 1, err = 0;
	char *keys = malloc(BATCH * ksz), *vals = malloc((size_t)BATCH * vsz * ncpu);
	unsigned long long cursor[16], *in = 0;
	double t0 = now();
	while (!err) {
		unsigned n = BATCH;
		err = bpf_map_lookup_and_delete_batch(fd, in, cursor, keys, vals, &n, 0);
		if (err && errno == ENOSPC)
			die("batch too small");
		in = cursor;
		entries += n;
		for (unsigned i = 0; i < n * ncpu; i++) {
			unsigned long long *v = (void *)(vals + (size_t)i * vsz);
			packets += v[0], bytes += v[1];
		}
	}
	if (now() - t0 > worst)
		worst = now() - t0;
	free(keys), free(vals);
}

int main(int argc, char **v)
{
	int first = argc == 6 && !strcmp(v[5], "first");
	if (argc != (first ? 6 : 5))
		return fprintf(stderr, "usage: see the top of floor.c\n"), 2;
	int ifindex = if_nametoindex(v[2]), every = atoi(v[4]), fd = -1, percpu = 0, ksz = 0, vsz = 0;
	struct bpf_object *o = bpf_object__open(v[1]);
	struct bpf_map *m = bpf_object__find_map_by_name(o, "flows");
	if (m) {
		bpf_map__set_max_entries(m, atoi(v[3]));
		percpu =
		    bpf_map__type(m) == BPF_MAP_TYPE_PERCPU_HASH || bpf_map__type(m) == BPF_MAP_TYPE_LRU_PERCPU_HASH;
		ksz = bpf_map__key_size(m), vsz = (bpf_map__value_size(m) + 7) & ~7;
	}
	if (bpf_object__load(o))
		die("load");
	if (m)
		fd = bpf_map__fd(m);
	int in = bpf_program__fd(bpf_object__find_program_by_name(o, "floor_in"));
	int out = bpf_program__fd(bpf_object__find_program_by_name(o, "floor_out"));
	int target = ifindex ? ifindex : open(v[2], O_RDONLY | O_DIRECTORY);
	if (link_create(in, target, ifindex ? TCX_INGRESS : BPF_CGROUP_INET_INGRESS,
			ifindex && first ? TCX_BEFORE : 0) < 0)
		die("attach in");
	if (link_create(out, target, ifindex ? TCX_EGRESS : BPF_CGROUP_INET_EGRESS, ifindex && first ? TCX_BEFORE : 0) <
	    0)
		die("attach out");
	struct sigaction sa = {.sa_handler = on_term};
	sigaction(SIGTERM, &sa, 0);
	printf("attached\n"), fflush(stdout);
	double cpu0 = cpu();
	while (!stop) {
		sleep(every ? every : 1);
		if (m && every)
			drain(fd, percpu, ksz, vsz);
	}
	if (m)
		drain(fd, percpu, ksz, vsz);
	printf("{\"flows\":%llu,\"packets\":%llu,\"bytes\":%llu,\"worst_drain_s\":%.4f,\"cpu_s\":%.4f}\n", entries,
	       packets, bytes, worst, cpu() - cpu0);
	return 0;
}
