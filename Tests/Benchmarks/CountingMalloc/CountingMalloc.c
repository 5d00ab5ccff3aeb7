// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

#include "CountingMalloc.h"
#include <errno.h>
#include <malloc.h>
#include <stddef.h>

// glibc's own allocator under its second names: calling malloc from malloc would not end.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static __thread unsigned long calls;

unsigned long counting_malloc_calls(void) { return calls; }

void *malloc(size_t size)
{
	calls++;
	return __libc_malloc(size);
}
void *calloc(size_t count, size_t size)
{
	calls++;
	return __libc_calloc(count, size);
}
void *realloc(void *old, size_t size)
{
	calls++;
	return __libc_realloc(old, size);
}
void *aligned_alloc(size_t alignment, size_t size)
{
	calls++;
	return __libc_memalign(alignment, size);
}
void *memalign(size_t alignment, size_t size)
{
	calls++;
	return __libc_memalign(alignment, size);
}
int posix_memalign(void **memory, size_t alignment, size_t size)
{
	calls++;
	void *found = __libc_memalign(alignment, size);
	if (!found)
		return ENOMEM;
	*memory = found;
	return 0;
}

size_t counting_malloc_bytes(void)
{
	struct mallinfo2 info = mallinfo2();
	return info.uordblks + info.hblkhd;
}
