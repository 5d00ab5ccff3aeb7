// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

// Links, clsact filters, and the watched set.

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <linux/bpf.h>
#include <unistd.h>
#include "capture.h"

// libbpf 1.1 knows tcx only by number (Linux 6.6: BPF_TCX_INGRESS, BPF_TCX_EGRESS, BPF_F_BEFORE).
// Gone once we need libbpf 1.3.
enum { TCX_INGRESS = 46, TCX_EGRESS = 47, FIRST = 1U << 3 };

int capture_attach_tcx(int program, uint32_t ifindex, bool ingress)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = FIRST);
	int link =
	    bpf_link_create(program, ifindex, (enum bpf_attach_type)(ingress ? TCX_INGRESS : TCX_EGRESS), &options);
	return link < 0 ? -errno : link;
}

int capture_attach_cgroup(int program, int directory, bool ingress)
{
	int link =
	    bpf_link_create(program, directory, ingress ? BPF_CGROUP_INET_INGRESS : BPF_CGROUP_INET_EGRESS, NULL);
	return link < 0 ? -errno : link;
}

int capture_replace(int link, int program) { return bpf_link_update(link, program, NULL) ? -errno : 0; }

int capture_watch(const struct capture *capture, uint32_t ifindex, bool watched)
{
	uint32_t yes = 1;
	if (watched)
		return bpf_map_update_elem(capture->watched, &ifindex, &yes, BPF_ANY) ? -errno : 0;
	return bpf_map_delete_elem(capture->watched, &ifindex) && errno != ENOENT ? -errno : 0;
}

static void split(uint32_t words[4], uint64_t high, uint64_t low)
{
	words[0] = htobe32(high >> 32);
	words[1] = htobe32(high);
	words[2] = htobe32(low >> 32);
	words[3] = htobe32(low);
}

int capture_tunnel(struct capture *capture, struct capture_tunnel_end given, bool there)
{
	struct flow_tunnel_end end = {.kind = given.kind, .protocol = given.protocol};
	uint32_t yes = 1;

	split(end.local, given.local_high, given.local_low);
	split(end.remote, given.remote_high, given.remote_low);
	if (there ? bpf_map_update_elem(capture->tunnel_ends, &end, &yes, BPF_NOEXIST)
		  : bpf_map_delete_elem(capture->tunnel_ends, &end))
		return errno == EEXIST || errno == ENOENT ? 0 : -errno;
	__atomic_add_fetch(&capture->control->tunnel_ends, there ? 1 : -1, __ATOMIC_RELAXED);
	return 0;
}

// ---- clsact ----

enum { HANDLE = 0x77656972 /* "weir" */, PRIORITIES = 8 };

int capture_clsact_add(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	int error = bpf_tc_hook_create(&hook);
	return error == -EEXIST ? 0 : error ? error : 1;
}

int capture_clsact_remove(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	return bpf_tc_hook_destroy(&hook);
}

static struct bpf_tc_hook hook_of(uint32_t ifindex, bool ingress)
{
	return (struct bpf_tc_hook){.sz = sizeof(struct bpf_tc_hook),
				    .ifindex = ifindex,
				    .attach_point = ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS};
}

// Who stands at our handle and this priority: 1 a program named like ours, 0 nobody, -EBUSY someone else.
static int occupant(struct bpf_tc_hook *hook, uint32_t priority)
{
	LIBBPF_OPTS(bpf_tc_opts, query, .handle = HANDLE, .priority = priority);
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof info;

	if (bpf_tc_query(hook, &query))
		return 0;
	int program = bpf_prog_get_fd_by_id(query.prog_id);
	if (program < 0)
		return -EBUSY;
	int error = bpf_obj_get_info_by_fd(program, &info, &size);
	close(program);
	return !error && !strncmp(info.name, "weir_", 5) ? 1 : -EBUSY;
}

int capture_filter_add(int program, uint32_t ifindex, bool ingress, struct capture_filter *filter)
{
	struct bpf_tc_hook hook = hook_of(ifindex, ingress);
	int error = -EBUSY;

	// The first priority where a BPF filter may stand: another kind of filter keeps its priority for itself.
	for (uint32_t priority = 1; priority <= PRIORITIES; priority++) {
		if (occupant(&hook, priority) < 0)
			continue;
		LIBBPF_OPTS(bpf_tc_opts, options, .handle = HANDLE, .priority = priority, .prog_fd = program,
			    .flags = BPF_TC_F_REPLACE);
		error = bpf_tc_attach(&hook, &options);
		if (error)
			continue;
		*filter = (struct capture_filter){
		    .ifindex = ifindex, .handle = HANDLE, .priority = priority, .ingress = ingress};
		return 0;
	}
	return error;
}

int capture_filter_remove(const struct capture_filter *filter)
{
	struct bpf_tc_hook hook = hook_of(filter->ifindex, filter->ingress);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = filter->handle, .priority = filter->priority);
	return bpf_tc_detach(&hook, &options);
}

int capture_filter_sweep(uint32_t ifindex)
{
	int swept = 0;
	for (int ingress = 0; ingress < 2; ingress++) {
		struct bpf_tc_hook hook = hook_of(ifindex, ingress);
		for (uint32_t priority = 1; priority <= PRIORITIES; priority++) {
			struct capture_filter filter = {
			    .ifindex = ifindex, .handle = HANDLE, .priority = priority, .ingress = ingress};
			if (occupant(&hook, priority) == 1 && !capture_filter_remove(&filter))
				swept++;
		}
	}
	return swept;
}
