// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0
#ifndef WEIR_CONNTRACK_H
#define WEIR_CONNTRACK_H

// The socket to the kernel's connection tracking; what goes over it is written and read in Swift.
// Functions return 0 or a count, or a negative errno.

#include <stddef.h>
#include <stdint.h>

/// A netlink socket of this thread's network namespace, with room for many answers.
int conntrack_open(void);
/// Sends requests, one behind the other. The kernel has answered all of them when this returns.
int conntrack_send(int socket, const uint8_t *requests, size_t length);
/// Fills `buffer` with what is there, without waiting: message n at n × `slot`, with its length in `lengths`. How many;
/// 0 when there is nothing more.
int conntrack_receive(int socket, uint8_t *buffer, uint32_t slot, uint32_t *lengths, uint32_t count);
void conntrack_close(int socket);

#endif
