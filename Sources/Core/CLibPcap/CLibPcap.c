// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

#include "CLibPcap.h"

#include <dlfcn.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each as its header declares it; the names are looked up once. */
static struct {
	__typeof__(&pcap_fopen_offline_with_tstamp_precision) fopen_offline;
	__typeof__(&pcap_next_ex) next_ex;
	__typeof__(&pcap_geterr) geterr;
	__typeof__(&pcap_datalink) datalink;
	__typeof__(&pcap_datalink_val_to_name) datalink_val_to_name;
	__typeof__(&pcap_close) close;
	__typeof__(&pcap_lib_version) lib_version;
	const char *missing;
} library;

static void find(void *handle, const char *name, void *place)
{
	void *found = dlsym(handle, name);
	if (!found)
		library.missing = name;
	memcpy(place, &found, sizeof found);
}

static void load(void)
{
	/* Debian's name, then everybody else's. Never closed: its functions may be in use until the process ends. */
	void *handle = dlopen("libpcap.so.0.8", RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		handle = dlopen("libpcap.so.1", RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		library.missing = "libpcap.so.0.8 or libpcap.so.1";
		return;
	}
	library.missing = "";
	find(handle, "pcap_fopen_offline_with_tstamp_precision", &library.fopen_offline);
	find(handle, "pcap_next_ex", &library.next_ex);
	find(handle, "pcap_geterr", &library.geterr);
	find(handle, "pcap_datalink", &library.datalink);
	find(handle, "pcap_datalink_val_to_name", &library.datalink_val_to_name);
	find(handle, "pcap_close", &library.close);
	find(handle, "pcap_lib_version", &library.lib_version);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

const char *CLibPcap_missing(void)
{
	pthread_once(&once, load);
	return library.missing;
}

const char *CLibPcap_version(void) { return *CLibPcap_missing() ? "" : library.lib_version(); }

struct CLibPcap_file {
	pcap_t *pcap;
	uint8_t *bytes; /* of a file in memory */
};

/* Takes `stream` and `bytes`, whatever comes of it. libpcap closes every stream of its own but standard input. */
static struct CLibPcap_file *adopt(FILE *stream, uint8_t *bytes, char *message)
{
	char error[PCAP_ERRBUF_SIZE] = "";
	struct CLibPcap_file *file = calloc(1, sizeof *file);

	_Static_assert(PCAP_ERRBUF_SIZE <= CLibPcap_message_size, "room for libpcap's words");
	if (file)
		file->pcap = library.fopen_offline(stream, PCAP_TSTAMP_PRECISION_NANO, error);
	if (!file || !file->pcap) {
		snprintf(message, CLibPcap_message_size, "%s", file ? error : strerror(ENOMEM));
		if (stream != stdin)
			fclose(stream);
		free(bytes);
		free(file);
		return NULL;
	}
	file->bytes = bytes;
	return file;
}

struct CLibPcap_file *CLibPcap_open(const char *path, char *message)
{
	FILE *stream = strcmp(path, "-") ? fopen(path, "rbe") : stdin;
	if (!stream) {
		snprintf(message, CLibPcap_message_size, "%s", strerror(errno));
		return NULL;
	}
	return adopt(stream, NULL, message);
}

struct CLibPcap_file *CLibPcap_open_bytes(const uint8_t *bytes, size_t count, char *message)
{
	/* fmemopen takes no empty buffer: one byte more, which is not part of the stream. */
	uint8_t *copy = malloc(count + 1);
	FILE *stream = NULL;

	if (copy) {
		if (count)
			memcpy(copy, bytes, count);
		stream = count ? fmemopen(copy, count, "rb") : fopen("/dev/null", "rbe");
	}
	if (!stream) {
		snprintf(message, CLibPcap_message_size, "%s", strerror(errno));
		free(copy);
		return NULL;
	}
	return adopt(stream, copy, message);
}

void CLibPcap_close(struct CLibPcap_file *file)
{
	library.close(file->pcap);
	free(file->bytes);
	free(file);
}

int CLibPcap_link_type(const struct CLibPcap_file *file) { return library.datalink(file->pcap); }

const char *CLibPcap_link_type_name(int type)
{
	return *CLibPcap_missing() ? NULL : library.datalink_val_to_name(type);
}

enum CLibPcap_answer CLibPcap_next(struct CLibPcap_file *file, struct CLibPcap_packet *packet, char *message)
{
	struct pcap_pkthdr *header;
	const u_char *bytes;

	switch (library.next_ex(file->pcap, &header, &bytes)) {
	case 1:
		*packet = (struct CLibPcap_packet){.bytes = bytes,
						   .captured = header->caplen,
						   .length = header->len,
						   .seconds = header->ts.tv_sec,
						   .nanosecond = header->ts.tv_usec};
		return CLibPcap_packet_read;
	case PCAP_ERROR_BREAK:
		return CLibPcap_end;
	default:
		snprintf(message, CLibPcap_message_size, "%s", library.geterr(file->pcap));
		return CLibPcap_broken;
	}
}
