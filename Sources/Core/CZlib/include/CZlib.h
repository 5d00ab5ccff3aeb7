// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/* zlib's gzip format over bytes in memory, one call each; see Gzip. */
#ifndef CZLIB_H
#define CZLIB_H

#include <stddef.h>
#include <stdint.h>

typedef enum { CZlib_done, CZlib_full, CZlib_bad, CZlib_no_memory } CZlib_Result;

/* The most that `size` bytes can become, header and trailer included. */
size_t CZlib_bound(size_t size);
/* `level` is 1 (fast) to 9 (small). `full` when `room` is less than the bound and too little. */
CZlib_Result CZlib_pack(const uint8_t *from, size_t size, uint8_t *to, size_t room, int level, size_t *written);
/* One gzip member and nothing behind it; `full` when it holds more than `room`, `bad` when it is damaged. */
CZlib_Result CZlib_unpack(const uint8_t *from, size_t size, uint8_t *to, size_t room, size_t *written);

#endif
