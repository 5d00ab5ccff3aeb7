// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0
#ifndef CLIBPCAP_H
#define CLIBPCAP_H

// The half of libpcap that reads files. The library is opened when the first file is: it brings D-Bus, systemd and
// three compressors with it, which an agent that only captures must not carry.

#include <stddef.h>
#include <stdint.h>

struct CLibPcap_file;

enum { CLibPcap_message_size = 512 };

/// One packet; `bytes` lives until the next call on its file.
struct CLibPcap_packet {
	const uint8_t *bytes;
	uint32_t captured;  // bytes that are there
	uint32_t length;    // bytes that were on the wire
	int64_t seconds;    // since 1970
	int64_t nanosecond; // as the file says it: a broken one may say anything
};

enum CLibPcap_answer { CLibPcap_packet_read, CLibPcap_end, CLibPcap_broken };

/// Names the libraries that are tried, "" when one of them is there. A static text.
const char *CLibPcap_missing(void);
/// The library's version text, or "".
const char *CLibPcap_version(void);
/// Opens a file, or standard input for "-". NULL: `message` (CLibPcap_message_size bytes) says why.
struct CLibPcap_file *CLibPcap_open(const char *path, char *message);
/// The same over bytes, which are copied.
struct CLibPcap_file *CLibPcap_open_bytes(const uint8_t *bytes, size_t count, char *message);
void CLibPcap_close(struct CLibPcap_file *file);
/// A DLT_ number.
int CLibPcap_link_type(const struct CLibPcap_file *file);
/// The library's name of a link type, such as EN10MB, or NULL. A static text.
const char *CLibPcap_link_type_name(int type);
/// Reads the next packet. When broken, `message` says why.
enum CLibPcap_answer CLibPcap_next(struct CLibPcap_file *file, struct CLibPcap_packet *packet, char *message);

#endif
