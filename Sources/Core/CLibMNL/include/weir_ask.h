// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0
#ifndef WEIR_ASK_H
#define WEIR_ASK_H

// A netlink socket for questions that the kernel answers at once; what goes over it is written and read in Swift.
// Functions return 0 or a count, or a negative errno.

#include <stddef.h>
#include <stdint.h>

/// Of NETLINK_…: what the kernel part that answers is called.
enum ask_protocol { ASK_SOCK_DIAG = 4, ASK_NETFILTER = 12 };

/// A netlink socket of this thread's network namespace, with room for many answers.
int ask_open(enum ask_protocol protocol);
/// Sends requests, one behind the other. The kernel has answered all of them when this returns.
int ask_send(int socket, const uint8_t *requests, size_t length);
/// Fills `buffer` with what is there, without waiting: message n at n × `slot`, with its length in `lengths`. How many;
/// 0 when there is nothing more.
int ask_receive(int socket, uint8_t *buffer, uint32_t slot, uint32_t *lengths, uint32_t count);
void ask_close(int socket);

#endif
