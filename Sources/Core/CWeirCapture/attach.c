// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

// Links, packet sockets, clsact filters, and the watched set.

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <pthread.h>
#include <sys/socket.h>
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

static int attach_packets(int socket, int program)
{
	return setsockopt(socket, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof program) ? -errno : 0;
}

int capture_replace_packets(int socket, int program)
{
	struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog keep_nothing = {.len = 1, .filter = &none};
	int error = attach_packets(socket, program);

	// The new filter is charged to the socket, 8 bytes for each instruction, before the old one is released:
	// together they may be more than net.core.optmem_max (20 KiB before Linux 6.8). One that is tiny and keeps
	// nothing makes room.
	if (error != -ENOMEM)
		return error;
	if (setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &keep_nothing, sizeof keep_nothing))
		return -errno;
	return attach_packets(socket, program);
}

int capture_open_packets(int program, uint32_t ifindex)
{
	struct sockaddr_ll device = {
	    .sll_family = AF_PACKET, .sll_protocol = htobe16(ETH_P_ALL), .sll_ifindex = ifindex};
	// Of no protocol, so that it gets nothing before the program is there to turn it away.
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error;

	if (fd < 0)
		return -errno;
	error = attach_packets(fd, program);
	if (!error && bind(fd, (struct sockaddr *)&device, sizeof device))
		error = -errno;
	if (!error)
		return fd;
	close(fd);
	return error;
}

// Every CLOSERS-th from `next` on.
struct closer {
	int *next, *end;
	pthread_t thread;
	bool runs;
};
enum { CLOSERS = 64 };

static void *close_share(void *given)
{
	struct closer *closer = given;
	for (; closer->next < closer->end; closer->next += CLOSERS)
		if (*closer->next >= 0)
			close(*closer->next);
	return NULL;
}

void capture_close_together(int *descriptors, uint32_t count)
{
	struct closer closers[CLOSERS];
	uint32_t shares = count < CLOSERS ? count : CLOSERS;

	for (uint32_t i = 0; i < shares; i++) {
		closers[i] = (struct closer){.next = descriptors + i, .end = descriptors + count};
		// The last share, which is the only one more often than not, is this thread's.
		closers[i].runs = i + 1 < shares && !pthread_create(&closers[i].thread, NULL, close_share, &closers[i]);
		if (!closers[i].runs)
			close_share(&closers[i]);
	}
	for (uint32_t i = 0; i < shares; i++)
		if (closers[i].runs)
			pthread_join(closers[i].thread, NULL);
}

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

int capture_filter_add(int program, const struct capture_filter *filter)
{
	struct bpf_tc_hook hook = hook_of(filter->ifindex, filter->ingress);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = filter->handle, .priority = filter->priority, .prog_fd = program,
		    .flags = BPF_TC_F_REPLACE);
	return bpf_tc_attach(&hook, &options);
}

int capture_filter_remove(const struct capture_filter *filter)
{
	struct bpf_tc_hook hook = hook_of(filter->ifindex, filter->ingress);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = filter->handle, .priority = filter->priority);
	return bpf_tc_detach(&hook, &options);
}
