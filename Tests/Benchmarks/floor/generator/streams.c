// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

// TCP, from and to its ends.
#include "gen.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

static int tcp_socket(const char *ip, struct sockaddr_storage *at, socklen_t *size)
{
	struct address address = address_of(ip);
	int fd, one = 1;

	*size = socket_address(&address, PORT, at);
	fd = socket(at->ss_family, SOCK_STREAM, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one))
		die("socket");
	return fd;
}

// Reads all to their ends, whichever has something, and leaves them open: the kernel closes them when we exit.
static void read_to_end(struct pollfd *fds, int count)
{
	static char buffer[65536];
	int left = count;

	while (left) {
		if (poll(fds, count, -1) < 0 && errno != EINTR)
			die("poll");
		for (int i = 0; i < count; i++) {
			ssize_t length = fds[i].revents ? read(fds[i].fd, buffer, sizeof buffer) : 1;
			if (length < 0)
				die("read");
			if (!length)
				fds[i].fd = ~fds[i].fd, left--; // poll() passes over what is negative
		}
	}
}

static struct pollfd *connections(int flows)
{
	allow_files();
	return calloc(flows, sizeof(struct pollfd));
}

int pour(const char *ip, uint64_t bytes, int flows, uint64_t secs)
{
	struct sockaddr_storage at;
	socklen_t size;
	struct pollfd *fds = connections(flows);
	uint64_t end = secs ? now_ns() + secs * 1000000000ull : ~0ull;
	static char buffer[65536];

	stop_on_term();
	for (int i = 0; i < flows; i++) {
		fds[i] = (struct pollfd){.fd = tcp_socket(ip, &at, &size), .events = POLLIN};
		if (connect(fds[i].fd, (void *)&at, size))
			die("connect");
	}
	for (uint64_t done = 0; !stopped && done < bytes && now_ns() < end; done += sizeof buffer)
		for (int i = 0; i < flows; i++)
			if (write(fds[i].fd, buffer, bytes - done < sizeof buffer ? bytes - done : sizeof buffer) < 0 &&
			    errno != EINTR)
				die("write");
	for (int i = 0; i < flows; i++)
		shutdown(fds[i].fd, SHUT_WR);
	read_to_end(fds, flows);
	return 0;
}

int drain(const char *ip, int flows)
{
	struct sockaddr_storage at;
	socklen_t size;
	struct pollfd *fds = connections(flows);
	int listener = tcp_socket(ip, &at, &size);

	if (bind(listener, (void *)&at, size) || listen(listener, flows))
		die("listen");
	for (int i = 0; i < flows; i++) {
		fds[i] = (struct pollfd){.fd = accept(listener, 0, 0), .events = POLLIN};
		if (fds[i].fd < 0)
			die("accept");
	}
	read_to_end(fds, flows);
	return 0;
}
