// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

// Waiting for the ring, netlink, a bell, or the end of a window.

#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "weir_capture.h"

static int add(int epoll, int fd, uint32_t events, uint32_t what)
{
	struct epoll_event event = {.events = events, .data.u32 = what};
	return fd < 0 ? 0 : epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

int capture_waiter(int ring, int netlink, int bell)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	// The ring is edge-triggered: records lie in it unread until a drain, and only a wake-up is news.
	if (epoll < 0 || add(epoll, ring, EPOLLIN | EPOLLET, CAPTURE_RING) ||
	    add(epoll, netlink, EPOLLIN, CAPTURE_NETLINK) || add(epoll, bell, EPOLLIN, CAPTURE_BELL)) {
		int error = -errno;
		if (epoll >= 0)
			close(epoll);
		return error;
	}
	return epoll;
}

int capture_wait(int waiter, int64_t nanoseconds)
{
	struct epoll_event events[3];
	int milliseconds = (nanoseconds + 999999) / 1000000, ready = 0;
	int count = epoll_wait(waiter, events, 3, nanoseconds < 0 ? 0 : milliseconds);

	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < count; i++)
		ready |= events[i].data.u32;
	return ready;
}

int capture_bell(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

void capture_bell_ring(int bell)
{
	uint64_t one = 1;
	(void)!write(bell, &one, sizeof one);
}

void capture_bell_quiet(int bell)
{
	uint64_t count;
	(void)!read(bell, &count, sizeof count);
}
