// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/* PCRE2 with the limits that a pattern from a configuration gets; see Patterns. */
#ifndef CPCRE2_H
#define CPCRE2_H

#include <stddef.h>
#include <stdint.h>

typedef struct CPCRE2_Pattern CPCRE2_Pattern;

typedef enum { CPCRE2_match, CPCRE2_no_match, CPCRE2_gave_up } CPCRE2_Answer;

enum { CPCRE2_message_size = 256 };

/* NULL on error, with libpcre2's sentence in `message` (CPCRE2_message_size bytes) and the byte in `offset`. */
CPCRE2_Pattern *CPCRE2_compile(const char *text, size_t length, char *message, size_t *offset);
/* Searches `subject`, valid UTF-8. Any number of threads may call it with one pattern. */
CPCRE2_Answer CPCRE2_search(const CPCRE2_Pattern *pattern, const char *subject, size_t length);
void CPCRE2_free(CPCRE2_Pattern *pattern);

#endif
