// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

// attached DEVICE: the names of the tcx programs of a device, one a line. (bpftool before 7.3 does not know tcx.)
// attached hold DEVICE: puts a program of its own on both sides, "another", and holds it until it is killed.
#include <bpf/bpf.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TCX_INGRESS = 46, TCX_EGRESS = 47, MOST = 64, BPF_PROG_QUERY_NUMBER = 16 };

// The `query` member of union bpf_attr, as of Linux 6.6.
struct query {
	__u32 ifindex, type, flags, attach_flags;
	__u64 programs;
	__u32 count, unused;
	__u64 program_flags, links, link_flags, revision;
};

static int hold(unsigned device)
{
	// return TCX_NEXT: whoever stands behind decides.
	struct bpf_insn next[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = -1}, {.code = BPF_JMP | BPF_EXIT}};
	int program = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "another", "GPL", next, 2, NULL);

	for (int type = TCX_INGRESS; type <= TCX_EGRESS; type++) {
		if (program < 0 || bpf_link_create(program, device, (enum bpf_attach_type)type, NULL) < 0)
			return perror("attach"), 1;
	}
	pause();
	return 0;
}

int main(int argc, char **v)
{
	if (argc == 3 && !strcmp(v[1], "hold") && if_nametoindex(v[2]))
		return hold(if_nametoindex(v[2]));
	unsigned device = argc == 2 ? if_nametoindex(v[1]) : 0;

	if (!device)
		return fprintf(stderr, "usage: attached DEVICE\n"), 2;
	for (int type = TCX_INGRESS; type <= TCX_EGRESS; type++) {
		__u32 programs[MOST] = {0};
		struct query query = {.ifindex = device, .type = type, .programs = (__u64)programs, .count = MOST};
		if (syscall(SYS_bpf, BPF_PROG_QUERY_NUMBER, &query, sizeof query))
			return perror("BPF_PROG_QUERY"), 1;
		for (__u32 i = 0; i < query.count; i++) {
			struct bpf_prog_info info = {0};
			__u32 size = sizeof info;
			int program = bpf_prog_get_fd_by_id(programs[i]);
			if (program >= 0 && !bpf_obj_get_info_by_fd(program, &info, &size))
				printf("%s\n", info.name);
			if (program >= 0)
				close(program);
		}
	}
	return 0;
}
