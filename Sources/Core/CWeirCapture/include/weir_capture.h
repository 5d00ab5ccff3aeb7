// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0
#ifndef WEIR_CAPTURE_H
#define WEIR_CAPTURE_H

// The part of the capture that needs pointers: libbpf's objects, maps, ring and links behind plain numbers and structs.
// Functions return 0 or a count, or a negative errno.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "flow_abi.h"

/// What user space chooses about the maps of one load.
struct capture_shape {
	uint32_t key_size;   // enum flow_key_size
	uint32_t value_size; // enum flow_value_size
	uint32_t max_flows;
	uint32_t ring_bytes; // a power of two, at least a page
	bool per_cpu;
	bool sockets; // load the cgroup programs, else those for devices
};

/// One flow of a map or one event of the ring, whatever the projection: fields outside of it are zero.
/// Addresses are big-endian numbers, values are summed over CPUs.
struct capture_row {
	uint64_t src_high, src_low;
	uint64_t dst_high, dst_low;
	uint64_t cgroup;
	uint64_t bytes;
	uint64_t packets;
	uint32_t ifindex;
	uint32_t flags;
	uint16_t src_port, dst_port;
	uint16_t receiver;
	uint8_t hook;
	uint8_t protocol;
};

struct capture;

// Object.

/// Opens and loads the object given in base64. On failure returns NULL and sets errno; `capture_last_words` explains.
struct capture *capture_open(const char *base64, size_t length, const struct flow_config *config,
			     const struct capture_shape *shape);
void capture_close(struct capture *capture);
/// The end of what libbpf and the verifier said on this thread since the last `capture_open`.
const char *capture_last_words(void);
/// The descriptor of a loaded program, or -ENOENT.
int capture_program(const struct capture *capture, const char *name);
int capture_ring_fd(const struct capture *capture);
/// The number of CPUs that per-CPU values have a place for.
int capture_possible_cpus(void);

// Generations.

/// The generation that programs write to: 0 or 1.
uint32_t capture_generation(const struct capture *capture);
/// Flows that programs added to a generation.
uint64_t capture_inserts(const struct capture *capture, uint32_t generation);
/// Lets programs write to the other generation and returns when none writes to the old one any more.
int capture_flip(struct capture *capture);

// Draining an idle generation.

/// Starts a walk over the map from its first row.
void capture_rewind(struct capture *capture);
/// Fills `rows`; 0 at the end of the walk. With `take` the rows leave the map.
int capture_read(struct capture *capture, uint32_t generation, bool take, struct capture_row *rows, uint32_t capacity);
/// Moves what is in the ring to the events of the generation that each is tagged with.
int capture_collect_events(struct capture *capture);
/// How many of them belong to a generation.
uint32_t capture_event_count(const struct capture *capture, uint32_t generation);
/// Copies events from `first` on; 0 when there are no more.
int capture_events(const struct capture *capture, uint32_t generation, uint32_t first, struct capture_row *rows,
		   uint32_t capacity);
/// Sums the book over CPUs.
int capture_book(const struct capture *capture, uint32_t generation, struct flow_book *book);
/// Forgets the book, the events and the insert count of an idle generation.
int capture_clear(struct capture *capture, uint32_t generation);

// Maps that outlive the process.

#define CAPTURE_LAYOUT_MAGIC 0x6e69702d72696577 /* "weir-pin" */
enum { CAPTURE_LAYOUT_VERSION = 1 };

/// What lies beside pinned maps: all that it takes to read them.
struct capture_layout {
	uint64_t magic;
	uint32_t version;
	uint32_t size; // of this struct
	uint64_t abi;
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_flows;
	uint32_t ring_bytes;
	uint32_t cpus; // that per-CPU values have a place for
	uint8_t per_cpu;
	uint8_t sockets;
	uint8_t unused[2];
	struct flow_config config;
	uint32_t unused_too;
};
FLOW_LAYOUT(sizeof(struct capture_layout) == 72);

/// A number for what `flow_abi.h` says about keys, values, events and books: another one, and the bytes mean something
/// else.
uint64_t capture_abi(void);
/// Makes or opens a folder for sets of maps and holds it until the descriptor is closed. -EMEDIUMTYPE: not in a BPF
/// file system; -EPERM: others may write there; -EWOULDBLOCK: somebody holds it.
int capture_pin_folder(const char *path);
/// The numbers of the sets in a held folder, in no order.
int capture_pin_sets(const char *folder, uint32_t *numbers, uint32_t capacity);
/// Pins what it takes to drain the maps later, as the set of that number.
int capture_pin(const struct capture *capture, const char *folder, uint32_t number);
int capture_pins_remove(const char *folder, uint32_t number);
/// -EPROTO, -ENOENT: nothing that this program can read.
int capture_pinned_layout(const char *folder, uint32_t number, struct capture_layout *layout);
/// Maps to be read, taken from and closed; nothing else can be done with them. On failure NULL and errno, as above.
struct capture *capture_open_pinned(const char *folder, uint32_t number, const struct capture_layout *layout);

// Waiting.

enum capture_ready { CAPTURE_RING = 1, CAPTURE_NETLINK = 2, CAPTURE_BELL = 4 };
/// A descriptor that waits for all three; one below 0 is left out.
int capture_waiter(int ring, int netlink, int bell);
/// Which are ready, as bits; 0 when the time is over.
int capture_wait(int waiter, int64_t nanoseconds);
/// An eventfd that any thread may ring.
int capture_bell(void);
void capture_bell_ring(int bell);
void capture_bell_quiet(int bell);

// Attaching. A link leaves with its descriptor.

int capture_attach_tcx(int program, uint32_t ifindex, bool ingress);
int capture_attach_cgroup(int program, int directory, bool ingress);
int capture_replace(int link, int program);
/// A packet socket that shows every packet of a device, both ways, to a program that keeps none.
int capture_open_packets(int program, uint32_t ifindex);
/// Puts another program in its place: each packet is shown to one of the two. Where the socket has no room for both,
/// packets in between are shown to none; after an error the socket may have a filter that counts nothing.
int capture_replace_packets(int socket, int program);
/// Closes many; one below 0 is left out. A packet socket that closes waits until no CPU shows it anything any more, so
/// they wait side by side.
void capture_close_together(int *descriptors, uint32_t count);
/// Adds to or removes from the set of devices whose packets are counted elsewhere.
int capture_watch(const struct capture *capture, uint32_t ifindex, bool watched);

/// `struct flow_tunnel_end`, with addresses as big-endian numbers.
struct capture_tunnel_end {
	uint64_t local_high, local_low;
	uint64_t remote_high, remote_low;
	uint16_t kind;
	uint8_t protocol;
};
/// Adds to or removes from the ends of tunnels whose outer packets do not count.
int capture_tunnel(struct capture *capture, struct capture_tunnel_end end, bool there);

/// Where a clsact filter of ours stands.
struct capture_filter {
	uint32_t ifindex;
	uint32_t handle;
	uint32_t priority;
	bool ingress;
};
/// Makes sure of a clsact qdisc: 1 when it had to be made, 0 when it was there.
int capture_clsact_add(uint32_t ifindex);
int capture_clsact_remove(uint32_t ifindex);
/// Adds the filter, or replaces the one that stands there.
int capture_filter_add(int program, const struct capture_filter *filter);
int capture_filter_remove(const struct capture_filter *filter);

// Rights.

/// Gives up every capability whose bit is not in `keep`, for good. Speaks for the calling thread and those that it
/// starts later: to be called while there are no others.
int capture_keep_capabilities(uint64_t keep);

/* The linked libbpf: major << 16 | minor. */
uint32_t capture_libbpf_version(void);

#endif
