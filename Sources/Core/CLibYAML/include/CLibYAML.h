// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/* libyaml's events, flattened: Swift reads one plain struct instead of a union of nine. */
#ifndef CLIBYAML_H
#define CLIBYAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct CLibYAML_Parser CLibYAML_Parser;

typedef enum {
	CLibYAML_error,
	CLibYAML_stream_end,
	CLibYAML_document_start,
	CLibYAML_scalar,
	CLibYAML_sequence_start,
	CLibYAML_sequence_end,
	CLibYAML_mapping_start,
	CLibYAML_mapping_end,
	CLibYAML_alias,
	CLibYAML_other,
} CLibYAML_EventKind;

/* One event. What it points to is alive until the next call of CLibYAML_next or CLibYAML_close. */
typedef struct {
	CLibYAML_EventKind kind;
	/* Where it starts: how many characters stand before it. Not libyaml's line, which ends at other marks than a
	 * newline too, and may lie behind the end of the file. */
	size_t start;
	/* Of a scalar. */
	const uint8_t *text;
	size_t length;
	bool is_plain;
	/* Of anything: `&a`, `!tag`; of a document: %YAML and %TAG lines. */
	bool has_anchor, has_tag, has_directive;
	/* Of an error: libyaml's words, each may be NULL, and where what it was reading began, if it says. */
	const char *problem, *context;
	size_t context_start;
	/* Of an error in the bytes themselves: the offset, instead of `start`. */
	bool is_byte_error;
	size_t offset;
} CLibYAML_Event;

/* NULL when memory is short. `bytes` must outlive the parser. */
CLibYAML_Parser *CLibYAML_open(const uint8_t *bytes, size_t count);
/* The next event; after an error or the stream's end only CLibYAML_close may follow. */
CLibYAML_Event CLibYAML_next(CLibYAML_Parser *parser);
void CLibYAML_close(CLibYAML_Parser *parser);

#endif
