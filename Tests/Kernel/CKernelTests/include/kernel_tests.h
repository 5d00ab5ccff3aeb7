// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0
#ifndef KERNEL_TESTS_H
#define KERNEL_TESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Loads the smallest program: 0, or the errno.
int test_can_load(void);

/// The fields of `struct __sk_buff` that a test may choose.
struct test_context {
	uint32_t ifindex;
	uint32_t ingress_ifindex;
	uint32_t gso_size;
	uint32_t gso_segs;
};
/// What the verifier walked through and what is left of a loaded program, in instructions; an errno, or 0.
int test_program_size(int program, uint32_t *verified, uint32_t *instructions);

/// Runs a program on a made-up frame: its return value, or a negative errno below -1000 (minus 1000).
int64_t test_run_program(int program, const uint8_t *frame, uint32_t length, struct test_context context);

/// Moves this thread to a named network namespace and returns the way back, or a negative errno.
int test_enter_namespace(const char *name);
void test_leave_namespace(int back);

/// Runs a shell command and keeps the start of what it prints (both streams): its exit status.
int test_shell(const char *command, char *output, size_t capacity);

/// Sends `count` datagrams from one UDP socket to another; both sides' namespaces are the caller's. How many arrived.
int test_udp_pair(const char *from, const char *to, uint16_t port, int count, int size);

/// Sends `count` datagrams that nobody need receive: 0 or an errno.
int test_udp_stray(const char *from, const char *to, uint16_t port, int count);

/// A UDP socket that shares its port with others and gets what is sent to any address, and to `group` unless NULL.
int test_udp_receiver(uint16_t port, const char *group);
/// Closes it: how many datagrams waited in it.
int test_udp_received(int receiver);

/// Puts a frame on a device `count` times, as it is: 0 or an errno.
int test_send_frames(const char *device, const uint8_t *frame, size_t length, int count);

/// Turns over a byte of slot 0 of a pinned array map: 0 or an errno.
int test_spoil_map(const char *path, size_t byte);
/// Deletes the keys of a pinned hash map: how many there were, or a negative errno.
int test_empty_map(const char *path);

#endif
