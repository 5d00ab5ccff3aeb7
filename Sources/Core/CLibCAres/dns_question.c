// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

#include <arpa/nameser.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include "dns_question.h"

static void init_once(void) { ares_library_init(ARES_LIB_INIT_ALL); }

void dns_library_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, init_once);
}

struct dns_question *dns_question_make(uint64_t id, const char *name)
{
	struct dns_question *question;

	if (strlen(name) >= DNS_MAX_NAME)
		return NULL;
	question = calloc(1, sizeof *question);
	if (!question)
		return NULL;
	question->id = id;
	strcpy(question->name, name);
	return question;
}

static void close_channel(struct dns_question *question)
{
	if (question->has_channel)
		ares_destroy(question->channel);
	question->has_channel = false;
}

void dns_question_free(struct dns_question *question)
{
	close_channel(question);
	free(question->reply);
	free(question);
}

static enum dns_status status_of(int status)
{
	switch (status) {
	case ARES_ETIMEOUT:
		return DNS_TIMED_OUT;
	case ARES_ECONNREFUSED:
		return DNS_UNREACHABLE;
	default:
		return DNS_FAILED;
	}
}

static void answered(void *argument, int status, int timeouts, unsigned char *reply, int length)
{
	struct dns_question *question = argument;

	(void)timeouts;
	question->ended = true;
	question->status = status_of(status);
	// Every reply comes with its bytes, whatever c-ares thinks of it; reading it is not done here.
	if (!reply || length <= 0 || length > DNS_MAX_MESSAGE)
		return;
	free(question->reply);
	question->length = 0;
	question->reply = malloc(length);
	if (!question->reply) {
		question->status = DNS_FAILED;
		return;
	}
	memcpy(question->reply, reply, length);
	question->length = length;
	question->status = DNS_REPLIED;
}

// A channel that knows one server and reads no file: everything it could look up is said here.
static int open_channel(ares_channel *channel, const struct dns_server *server, uint32_t timeout_ms)
{
	struct in_addr placeholder = {0};
	struct ares_options options = {
	    // What the server says of itself (SERVFAIL, REFUSED) is an answer to be handed on, not to be swallowed.
	    .flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
	    .timeout = (int)timeout_ms,
	    .tries = 1,
	    .ndots = 1,
	    .servers = &placeholder,
	    .nservers = 1,
	    .lookups = "b",
	};
	struct ares_addr_port_node node = {.udp_port = server->port ? server->port : NAMESERVER_PORT};
	int status = ares_init_options(channel, &options,
				       ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
					   ARES_OPT_SERVERS | ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS | ARES_OPT_SORTLIST);

	if (status != ARES_SUCCESS)
		return status;
	node.tcp_port = node.udp_port;
	node.family = server->is_ipv6 ? AF_INET6 : AF_INET;
	if (server->is_ipv6)
		memcpy(&node.addr.addr6, server->address, sizeof node.addr.addr6);
	else
		memcpy(&node.addr.addr4, server->address, sizeof node.addr.addr4);
	status = ares_set_servers_ports(*channel, &node);
	if (status != ARES_SUCCESS)
		ares_destroy(*channel);
	return status;
}

void dns_question_send(struct dns_question *question, const struct dns_options *options, uint32_t server)
{
	int status;

	close_channel(question);
	question->server = server;
	question->messages++;
	question->ended = false;
	status = open_channel(&question->channel, &options->servers[server], options->timeout_ms);
	if (status != ARES_SUCCESS) {
		question->ended = true;
		question->status = DNS_FAILED;
		return;
	}
	question->has_channel = true;
	ares_query(question->channel, question->name, ns_c_in, ns_t_ptr, answered, question);
}

// What a server that could not do better says, in the header's fourth byte.
static bool is_complaint(const struct dns_question *question)
{
	int code = question->length >= NS_HFIXEDSZ ? question->reply[3] & 0x0f : ns_r_formerr;

	return code != ns_r_noerror && code != ns_r_nxdomain;
}

bool dns_question_may_go_on(const struct dns_question *question, const struct dns_options *options)
{
	if (question->messages >= options->tries)
		return false;
	if (question->status == DNS_REPLIED)
		return is_complaint(question) && question->messages < options->server_count;
	return question->status != DNS_FAILED;
}

bool dns_question_is_answered(const struct dns_question *question)
{
	return question->status == DNS_REPLIED && !is_complaint(question);
}

size_t dns_question_sockets(struct dns_question *question, struct pollfd polled[DNS_QUESTION_SOCKETS])
{
	ares_socket_t sockets[DNS_QUESTION_SOCKETS];
	int wishes = ares_getsock(question->channel, sockets, DNS_QUESTION_SOCKETS);

	question->polled = 0;
	for (int i = 0; i < DNS_QUESTION_SOCKETS; i++) {
		short events = (short)((ARES_GETSOCK_READABLE(wishes, i) ? POLLIN : 0) |
				       (ARES_GETSOCK_WRITABLE(wishes, i) ? POLLOUT : 0));
		if (events)
			polled[question->polled++] = (struct pollfd){.fd = sockets[i], .events = events};
	}
	return question->polled;
}

int dns_question_timeout(const struct dns_question *question, int timeout)
{
	struct timeval left, *wait = ares_timeout(question->channel, NULL, &left);
	int64_t milliseconds;

	if (!wait)
		return timeout;
	// Rounded up: a millisecond too early is a turn for nothing.
	milliseconds = (int64_t)wait->tv_sec * 1000 + (wait->tv_usec + 999) / 1000;
	return timeout >= 0 && timeout < milliseconds ? timeout : (int)milliseconds;
}

size_t dns_question_process(struct dns_question *question, const struct pollfd *polled)
{
	for (uint8_t i = 0; i < question->polled; i++) {
		// An error shows when it is read.
		bool reads = polled[i].revents & (POLLIN | POLLERR | POLLHUP);
		bool writes = polled[i].revents & POLLOUT;
		if (reads || writes)
			ares_process_fd(question->channel, reads ? polled[i].fd : ARES_SOCKET_BAD,
					writes ? polled[i].fd : ARES_SOCKET_BAD);
	}
	ares_process_fd(question->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	return question->polled;
}

void dns_question_process_all(struct dns_question *question)
{
	ares_socket_t sockets[DNS_QUESTION_SOCKETS];
	int wishes = ares_getsock(question->channel, sockets, DNS_QUESTION_SOCKETS);

	for (int i = 0; i < DNS_QUESTION_SOCKETS; i++) {
		bool reads = ARES_GETSOCK_READABLE(wishes, i), writes = ARES_GETSOCK_WRITABLE(wishes, i);
		if (reads || writes)
			ares_process_fd(question->channel, reads ? sockets[i] : ARES_SOCKET_BAD,
					writes ? sockets[i] : ARES_SOCKET_BAD);
	}
	ares_process_fd(question->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

uint32_t dns_system_servers(struct dns_server servers[DNS_MAX_SERVERS])
{
	struct ares_addr_port_node *nodes = NULL;
	ares_channel channel;
	uint32_t count = 0;

	dns_library_init();
	if (ares_init(&channel) != ARES_SUCCESS)
		return 0;
	if (ares_get_servers_ports(channel, &nodes) == ARES_SUCCESS) {
		for (struct ares_addr_port_node *node = nodes; node && count < DNS_MAX_SERVERS; node = node->next) {
			struct dns_server *server = &servers[count++];

			*server = (struct dns_server){.port = (uint16_t)node->udp_port};
			server->is_ipv6 = node->family == AF_INET6;
			if (server->is_ipv6)
				memcpy(server->address, &node->addr.addr6, sizeof node->addr.addr6);
			else
				memcpy(server->address, &node->addr.addr4, sizeof node->addr.addr4);
		}
		ares_free_data(nodes);
	}
	ares_destroy(channel);
	return count;
}
