// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

#pragma once

/// How many times the calling thread has asked for memory since it started. Linking this library puts counting
/// functions in front of the C library's own.
unsigned long counting_malloc_calls(void);
