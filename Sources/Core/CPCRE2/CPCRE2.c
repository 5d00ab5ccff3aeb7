// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

#include "CPCRE2.h"

#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum {
	/* Longer is no pattern that a person wrote. */
	max_pattern_bytes = 4096,
	max_nesting = 50,
	/* Steps of one search: about a millisecond. An ordinary pattern on 256 bytes needs some hundreds. */
	max_steps = 100000,
	max_depth = 10000,
	max_heap_kib = 4096,
};

struct CPCRE2_Pattern {
	pcre2_code *code;
	pcre2_match_context *limits;
};

CPCRE2_Pattern *CPCRE2_compile(const char *text, size_t length, char *message, size_t *offset)
{
	CPCRE2_Pattern *self = calloc(1, sizeof *self);
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	int problem = PCRE2_ERROR_NOMEMORY;

	*offset = 0;
	if (self && context) {
		pcre2_set_max_pattern_length(context, max_pattern_bytes);
		pcre2_set_parens_nest_limit(context, max_nesting);
		self->code = pcre2_compile((PCRE2_SPTR)text, length, PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &problem,
					   offset, context);
	}
	pcre2_compile_context_free(context);
	if (self && self->code) {
		problem = PCRE2_ERROR_NOMEMORY;
		self->limits = pcre2_match_context_create(NULL);
	}
	if (!self || !self->limits) {
		pcre2_get_error_message(problem, (PCRE2_UCHAR *)message, CPCRE2_message_size);
		CPCRE2_free(self);
		return NULL;
	}
	pcre2_set_match_limit(self->limits, max_steps);
	pcre2_set_depth_limit(self->limits, max_depth);
	pcre2_set_heap_limit(self->limits, max_heap_kib);
	return self;
}

CPCRE2_Answer CPCRE2_search(const CPCRE2_Pattern *self, const char *subject, size_t length)
{
	/* One pair of offsets is enough to know that there is a match. */
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	if (!data)
		return CPCRE2_gave_up;
	int found = pcre2_match(self->code, (PCRE2_SPTR)subject, length, 0, 0, data, self->limits);
	pcre2_match_data_free(data);
	return found >= 0 ? CPCRE2_match : found == PCRE2_ERROR_NOMATCH ? CPCRE2_no_match : CPCRE2_gave_up;
}

void CPCRE2_free(CPCRE2_Pattern *self)
{
	if (!self)
		return;
	pcre2_match_context_free(self->limits);
	pcre2_code_free(self->code);
	free(self);
}
