// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netdb.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "kernel_tests.h"

int test_can_load(void)
{
	struct bpf_insn instructions[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K},
					  {.code = BPF_JMP | BPF_EXIT}}; // return 0
	int program = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "weir_test", "GPL", instructions, 2, NULL);
	if (program < 0)
		return errno;
	close(program);
	return 0;
}

int64_t test_run_program(int program, const uint8_t *frame, uint32_t length, struct test_context chosen)
{
	struct __sk_buff context = {.ifindex = chosen.ifindex,
				    .ingress_ifindex = chosen.ingress_ifindex,
				    .gso_size = chosen.gso_size,
				    .gso_segs = chosen.gso_segs};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = length, .ctx_in = &context,
		    .ctx_size_in = sizeof context);
	if (bpf_prog_test_run_opts(program, &options))
		return -1000 - errno;
	return (int32_t)options.retval;
}

int test_enter_namespace(const char *name)
{
	char path[128];
	snprintf(path, sizeof path, "/run/netns/%s", name);
	int back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), there = open(path, O_RDONLY | O_CLOEXEC);
	if (back < 0 || there < 0 || setns(there, CLONE_NEWNET)) {
		int error = -errno;
		if (back >= 0)
			close(back);
		if (there >= 0)
			close(there);
		return error;
	}
	close(there);
	return back;
}

void test_leave_namespace(int back)
{
	if (setns(back, CLONE_NEWNET))
		abort();
	close(back);
}

int test_shell(const char *command, char *output, size_t capacity)
{
	char line[4096];
	size_t used = 0;
	FILE *pipe = popen(command, "re");
	if (!pipe)
		return -1;
	while (fgets(line, sizeof line, pipe)) {
		size_t length = strlen(line);
		if (used + length < capacity) {
			memcpy(output + used, line, length);
			used += length;
		}
	}
	output[used] = 0;
	return pclose(pipe);
}

static int udp_socket(const char *host, uint16_t port, struct sockaddr_storage *address, socklen_t *size)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM}, *found;
	char service[8];
	snprintf(service, sizeof service, "%u", port);
	if (getaddrinfo(host, service, &hints, &found))
		return -1;
	int fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	memcpy(address, found->ai_addr, found->ai_addrlen);
	*size = found->ai_addrlen;
	freeaddrinfo(found);
	if (bind(fd, (struct sockaddr *)address, *size)) {
		close(fd);
		return -1;
	}
	return fd;
}

int test_udp_pair(const char *from, const char *to, uint16_t port, int count, int size)
{
	struct sockaddr_storage there, here;
	socklen_t there_size, here_size;
	char data[2048] = {0};
	int receiver = udp_socket(to, port, &there, &there_size),
	    sender = udp_socket(from, port + 1, &here, &here_size), arrived = 0;
	struct timeval patience = {.tv_sec = 1};

	if (receiver < 0 || sender < 0)
		return -1;
	setsockopt(receiver, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	for (int i = 0; i < count; i++) {
		sendto(sender, data, size, 0, (struct sockaddr *)&there, there_size);
		arrived += recv(receiver, data, sizeof data, 0) == size;
	}
	close(receiver);
	close(sender);
	return arrived;
}

int test_udp_stray(const char *from, const char *to, uint16_t port, int count)
{
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(from)};
	struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = inet_addr(to)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;

	if (bind(fd, (struct sockaddr *)&here, sizeof here))
		error = errno;
	// The answer to one may be an error of the next.
	for (int i = 0; i < count && !error; i++)
		if (sendto(fd, "stray", 5, 0, (struct sockaddr *)&there, sizeof there) < 0 && errno != ECONNREFUSED)
			error = errno;
	close(fd);
	return error;
}

int test_udp_receiver(uint16_t port, const char *group)
{
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct ip_mreq member = {.imr_interface.s_addr = inet_addr("10.9.0.2")};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (group)
		member.imr_multiaddr.s_addr = inet_addr(group);
	if (bind(fd, (struct sockaddr *)&here, sizeof here) ||
	    (group && setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &member, sizeof member))) {
		close(fd);
		return -1;
	}
	return fd;
}

int test_udp_received(int receiver)
{
	char data[2048];
	int count = 0;
	while (recv(receiver, data, sizeof data, 0) >= 0)
		count++;
	close(receiver);
	return count;
}

int test_send_frames(const char *device, const uint8_t *frame, size_t length, int count)
{
	struct sockaddr_ll link = {.sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(device), .sll_halen = 6};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), error = fd < 0 ? errno : 0;

	for (int i = 0; i < count && !error; i++)
		if (sendto(fd, frame, length, 0, (struct sockaddr *)&link, sizeof link) < 0)
			error = errno;
	close(fd);
	return error;
}

int test_program_size(int program, uint32_t *verified, uint32_t *instructions)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof info;

	if (bpf_obj_get_info_by_fd(program, &info, &size))
		return errno;
	*verified = info.verified_insns;
	*instructions = info.xlated_prog_len / sizeof(struct bpf_insn);
	return 0;
}

int test_spoil_map(const char *path, size_t byte)
{
	uint8_t value[256] = {0};
	uint32_t slot = 0;
	int map = bpf_obj_get(path), error = map < 0 ? errno : 0;

	if (!error && bpf_map_lookup_elem(map, &slot, value))
		error = errno;
	value[byte] ^= 0xff;
	if (!error && bpf_map_update_elem(map, &slot, value, BPF_ANY))
		error = errno;
	if (map >= 0)
		close(map);
	return error;
}

int test_empty_map(const char *path)
{
	uint8_t key[64];
	int map = bpf_obj_get(path), count = 0;

	if (map < 0)
		return -errno;
	while (!bpf_map_get_next_key(map, NULL, key) && !bpf_map_delete_elem(map, key))
		count++;
	close(map);
	return count;
}
