// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>
#include "weir_ask.h"

_Static_assert(ASK_SOCK_DIAG == NETLINK_SOCK_DIAG && ASK_NETFILTER == NETLINK_NETFILTER, "numbers of netlink");

// The kernel charges some 4 KiB for each answer that waits. What does not fit is lost, and the next question finds it.
enum { RECEIVE_BUFFER = 4 << 20, AT_ONCE = 64 };

int ask_open(enum ask_protocol protocol)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol), size = RECEIVE_BUFFER, on = 1;
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	if (fd < 0)
		return -errno;
	// Beyond net.core.rmem_max with CAP_NET_ADMIN, which whoever asks for connections must have anyway.
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	// An error need not repeat the request.
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&kernel, sizeof kernel) ||
	    connect(fd, (struct sockaddr *)&kernel, sizeof kernel)) {
		int error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

int ask_send(int socket, const uint8_t *requests, size_t length)
{
	for (;;) {
		if (send(socket, requests, length, 0) >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

int ask_receive(int socket, uint8_t *buffer, uint32_t slot, uint32_t *lengths, uint32_t count)
{
	struct mmsghdr messages[AT_ONCE] = {0};
	struct iovec places[AT_ONCE];

	if (count > AT_ONCE)
		count = AT_ONCE;
	for (uint32_t n = 0; n < count; n++) {
		places[n] = (struct iovec){.iov_base = buffer + (size_t)n * slot, .iov_len = slot};
		messages[n].msg_hdr = (struct msghdr){.msg_iov = &places[n], .msg_iovlen = 1};
	}
	for (;;) {
		int received = recvmmsg(socket, messages, count, MSG_DONTWAIT, NULL);
		if (received < 0 && errno == EINTR)
			continue;
		if (received < 0)
			return errno == EAGAIN ? 0 : -errno;
		for (int n = 0; n < received; n++)
			// What was cut is as good as lost: nobody reads a part of a message.
			lengths[n] = messages[n].msg_hdr.msg_flags & MSG_TRUNC ? 0 : messages[n].msg_len;
		return received;
	}
}

void ask_close(int socket) { close(socket); }
