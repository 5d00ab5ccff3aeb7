// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

// Giving up what the capture does not need. glibc has no call for it, and libcap would be one more library for two
// system calls.

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "capture.h"

int capture_keep_capabilities(uint64_t keep)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	// No program that this process may start one day gets more than it has, set-user-id or not.
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	// The bounding set needs CAP_SETPCAP, which a service may lack; with no new privileges it bounds nothing any
	// more.
	for (int number = 0; number < 64; number++) {
		if (!(keep >> number & 1) && prctl(PR_CAPBSET_DROP, number, 0, 0, 0) && errno == EINVAL)
			break; // the kernel knows no more of them
	}
	if (syscall(SYS_capget, &header, sets))
		return -errno;
	for (int word = 0; word < _LINUX_CAPABILITY_U32S_3; word++) {
		uint32_t bits = keep >> (32 * word);
		sets[word].permitted &= bits;
		sets[word].effective = sets[word].permitted;
		sets[word].inheritable &= bits;
	}
	// What is no longer permitted leaves the ambient set by itself.
	return syscall(SYS_capset, &header, sets) ? -errno : 0;
}
