// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

#include "CLibYAML.h"

#include <stdlib.h>
#include <yaml.h>

struct CLibYAML_Parser {
	yaml_parser_t parser;
	yaml_event_t event;
	bool has_event;
};

CLibYAML_Parser *CLibYAML_open(const uint8_t *bytes, size_t count)
{
	CLibYAML_Parser *self = calloc(1, sizeof *self);
	if (!self)
		return NULL;
	if (!yaml_parser_initialize(&self->parser)) {
		free(self);
		return NULL;
	}
	/* Said, so that libyaml does not guess UTF-16 from the first bytes. */
	yaml_parser_set_encoding(&self->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&self->parser, bytes, count);
	return self;
}

void CLibYAML_close(CLibYAML_Parser *self)
{
	if (self->has_event)
		yaml_event_delete(&self->event);
	yaml_parser_delete(&self->parser);
	free(self);
}

static CLibYAML_Event error(const yaml_parser_t *parser)
{
	return (CLibYAML_Event){
	    .kind = CLibYAML_error,
	    .start = parser->problem_mark.index,
	    .problem = parser->problem,
	    .context = parser->context,
	    .context_start = parser->context_mark.index,
	    .is_byte_error = parser->error == YAML_READER_ERROR,
	    .offset = parser->problem_offset,
	};
}

CLibYAML_Event CLibYAML_next(CLibYAML_Parser *self)
{
	yaml_event_t *event = &self->event;
	if (self->has_event)
		yaml_event_delete(event);
	self->has_event = false;
	if (!yaml_parser_parse(&self->parser, event))
		return error(&self->parser);
	self->has_event = true;

	CLibYAML_Event found = {
	    .kind = CLibYAML_other,
	    .start = event->start_mark.index,
	};
	switch (event->type) {
	case YAML_STREAM_END_EVENT:
		found.kind = CLibYAML_stream_end;
		break;
	case YAML_DOCUMENT_START_EVENT:
		found.kind = CLibYAML_document_start;
		found.has_directive =
		    event->data.document_start.version_directive ||
		    event->data.document_start.tag_directives.start != event->data.document_start.tag_directives.end;
		break;
	case YAML_SCALAR_EVENT:
		found.kind = CLibYAML_scalar;
		found.text = event->data.scalar.value;
		found.length = event->data.scalar.length;
		found.is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
		found.has_anchor = event->data.scalar.anchor;
		found.has_tag = event->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		found.kind = CLibYAML_sequence_start;
		found.has_anchor = event->data.sequence_start.anchor;
		found.has_tag = event->data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		found.kind = CLibYAML_mapping_start;
		found.has_anchor = event->data.mapping_start.anchor;
		found.has_tag = event->data.mapping_start.tag;
		break;
	case YAML_SEQUENCE_END_EVENT:
		found.kind = CLibYAML_sequence_end;
		break;
	case YAML_MAPPING_END_EVENT:
		found.kind = CLibYAML_mapping_end;
		break;
	case YAML_ALIAS_EVENT:
		found.kind = CLibYAML_alias;
		break;
	default:
		break;
	}
	return found;
}
