// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <stddef.h>

/// How many times the calling thread has asked for memory since it started. Linking this library puts counting
/// functions in front of the C library's own.
unsigned long counting_malloc_calls(void);
/// Bytes that are allocated now, by all threads.
size_t counting_malloc_bytes(void);
