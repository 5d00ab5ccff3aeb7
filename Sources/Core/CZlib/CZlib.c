// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

#include "CZlib.h"

#include <limits.h>
#include <zlib.h>

/* Window bits of 15 and the gzip format, in zlib's words. */
enum { gzip_window = 15 + 16 };

size_t CZlib_bound(size_t size)
{
	/* deflateBound() of any level (zlib.h), and gzip's header and trailer. */
	return size + (size >> 5) + (size >> 7) + (size >> 11) + 7 + 18 + 13;
}

CZlib_Result CZlib_pack(const uint8_t *from, size_t size, uint8_t *to, size_t room, int level, size_t *written)
{
	z_stream stream = {0};
	int result;

	*written = 0;
	if (size > UINT_MAX || room > UINT_MAX)
		return CZlib_full;
	if (deflateInit2(&stream, level, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return CZlib_no_memory;
	stream.next_in = (Bytef *)from;
	stream.avail_in = (uInt)size;
	stream.next_out = to;
	stream.avail_out = (uInt)room;
	result = deflate(&stream, Z_FINISH);
	*written = room - stream.avail_out;
	deflateEnd(&stream);
	return result == Z_STREAM_END ? CZlib_done : CZlib_full;
}

CZlib_Result CZlib_unpack(const uint8_t *from, size_t size, uint8_t *to, size_t room, size_t *written)
{
	z_stream stream = {0};
	int result;

	*written = 0;
	if (size > UINT_MAX || room > UINT_MAX)
		return CZlib_full;
	if (inflateInit2(&stream, gzip_window) != Z_OK)
		return CZlib_no_memory;
	stream.next_in = (Bytef *)from;
	stream.avail_in = (uInt)size;
	stream.next_out = to;
	stream.avail_out = (uInt)room;
	result = inflate(&stream, Z_FINISH);
	*written = room - stream.avail_out;
	if (result == Z_STREAM_END && stream.avail_in > 0)
		result = Z_DATA_ERROR;
	/* Out of room is a buffer error with bytes still to read, or an end that is still to come; cut input has room
	 * left. */
	if (result == Z_BUF_ERROR && stream.avail_out > 0)
		result = Z_DATA_ERROR;
	inflateEnd(&stream);
	switch (result) {
	case Z_STREAM_END:
		return CZlib_done;
	case Z_OK:
	case Z_BUF_ERROR:
		return CZlib_full;
	case Z_MEM_ERROR:
		return CZlib_no_memory;
	default:
		return CZlib_bad;
	}
}
