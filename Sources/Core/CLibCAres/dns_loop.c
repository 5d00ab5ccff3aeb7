// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

// The thread: takes what others ask, waits for sockets, and hands back what came.

#define _GNU_SOURCE // pthread_setname_np

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "dns_question.h"

// What another thread wants of this one, oldest first.
struct request {
	struct request *next;
	struct dns_question *question; // to be asked; NULL: to be forgotten
	uint64_t id;
};

struct dns_loop {
	struct dns_options options;
	dns_done done;
	dns_ended ended;
	void *context;
	int bell;

	pthread_mutex_t lock; // of these three
	struct request *first, **last;
	bool stopping;

	// The thread's own.
	struct dns_question *questions;
	uint32_t preferred; // whom to ask first
	struct pollfd *polled;
	size_t room;
};

static void ring(struct dns_loop *loop)
{
	uint64_t one = 1;

	// Fails only when the bell has been rung 2^64 - 2 times without being heard.
	while (write(loop->bell, &one, sizeof one) < 0 && errno == EINTR)
		;
}

static void finish(struct dns_loop *loop, struct dns_question *question)
{
	struct dns_outcome outcome = {
	    .reply = question->reply,
	    .length = question->length,
	    .messages = question->messages,
	    .status = question->status,
	};

	loop->done(loop->context, question->id, &outcome);
	dns_question_free(question);
}

// Who answered well is asked first from then on. Who did not gives way to the next, so that in time every server has
// its turn, however few messages a question has; but only where it began: others may have found a better one meanwhile.
static void prefer(struct dns_loop *loop, const struct dns_question *question)
{
	if (dns_question_is_answered(question))
		loop->preferred = question->server;
	else if (question->status != DNS_FAILED && loop->preferred == question->first_server)
		loop->preferred = (question->server + 1) % loop->options.server_count;
}

// Goes through all questions: those that ended are asked again, elsewhere if there is elsewhere, or handed back.
static void settle(struct dns_loop *loop)
{
	struct dns_question **at = &loop->questions, *question;

	while ((question = *at)) {
		while (question->ended && dns_question_may_go_on(question, &loop->options))
			dns_question_send(question, &loop->options,
					  (question->server + 1) % loop->options.server_count);
		if (!question->ended) {
			at = &question->next;
			continue;
		}
		prefer(loop, question);
		*at = question->next;
		finish(loop, question);
	}
}

static void forget(struct dns_loop *loop, uint64_t id)
{
	struct dns_question **at = &loop->questions, *question;

	for (; (question = *at); at = &question->next) {
		if (question->id != id)
			continue;
		*at = question->next;
		dns_question_free(question);
		return;
	}
}

// Takes what others want. False: to end.
static bool take(struct dns_loop *loop)
{
	struct request *request, *next;
	uint64_t rings;
	bool stopping;

	while (read(loop->bell, &rings, sizeof rings) < 0 && errno == EINTR)
		;
	pthread_mutex_lock(&loop->lock);
	request = loop->first;
	loop->first = NULL;
	loop->last = &loop->first;
	stopping = loop->stopping;
	pthread_mutex_unlock(&loop->lock);
	for (; request; request = next) {
		next = request->next;
		if (request->question) {
			request->question->next = loop->questions;
			loop->questions = request->question;
			request->question->first_server = loop->preferred;
			if (!stopping)
				dns_question_send(request->question, &loop->options, loop->preferred);
		} else {
			forget(loop, request->id);
		}
		free(request);
	}
	return !stopping;
}

static bool make_room(struct dns_loop *loop, size_t count)
{
	struct pollfd *polled;

	if (count <= loop->room)
		return true;
	polled = realloc(loop->polled, 2 * count * sizeof *polled);
	if (!polled)
		return false;
	loop->polled = polled;
	loop->room = 2 * count;
	return true;
}

// Waits for the bell, a socket or the first time limit, and lets every question look at its own.
static void wait_and_process(struct dns_loop *loop)
{
	size_t count = 1, questions = 0;
	int timeout = -1;

	for (struct dns_question *question = loop->questions; question; question = question->next)
		questions++;
	// Without memory for the list the sockets are looked at blindly, ten times a second, until there is some.
	if (!make_room(loop, 1 + questions * DNS_QUESTION_SOCKETS)) {
		poll(NULL, 0, 100);
		for (struct dns_question *question = loop->questions; question; question = question->next)
			dns_question_process_all(question);
		return;
	}
	loop->polled[0] = (struct pollfd){.fd = loop->bell, .events = POLLIN};
	for (struct dns_question *question = loop->questions; question; question = question->next) {
		count += dns_question_sockets(question, loop->polled + count);
		timeout = dns_question_timeout(question, timeout);
	}
	if (poll(loop->polled, count, timeout) < 0)
		return; // EINTR, or no memory: once more
	count = 1;
	for (struct dns_question *question = loop->questions; question; question = question->next)
		count += dns_question_process(question, loop->polled + count);
}

static void *run(void *argument)
{
	struct dns_loop *loop = argument;
	struct dns_question *question;

	while (take(loop)) {
		settle(loop);
		wait_and_process(loop);
		settle(loop);
	}
	while ((question = loop->questions)) {
		loop->questions = question->next;
		dns_question_free(question);
	}
	loop->ended(loop->context);
	close(loop->bell);
	pthread_mutex_destroy(&loop->lock);
	free(loop->polled);
	free(loop);
	return NULL;
}

static bool start_thread(struct dns_loop *loop)
{
	// Those of the processor's must end the process with its own report.
	static const int kept[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT};
	pthread_attr_t attributes;
	sigset_t blocked, before;
	pthread_t thread;
	bool started;

	// Signals are for the threads that wait for them; a SIGPIPE of a TCP socket stays here, unseen.
	sigfillset(&blocked);
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
		sigdelset(&blocked, kept[i]);
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	started = pthread_create(&thread, &attributes, run, loop) == 0;
	if (started)
		pthread_setname_np(thread, "weir-dns");
	pthread_attr_destroy(&attributes);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

struct dns_loop *dns_start(const struct dns_options *options, dns_done done, dns_ended ended, void *context)
{
	struct dns_loop *loop = calloc(1, sizeof *loop);

	if (!loop)
		return NULL;
	dns_library_init();
	loop->options = *options;
	loop->done = done;
	loop->ended = ended;
	loop->context = context;
	loop->last = &loop->first;
	pthread_mutex_init(&loop->lock, NULL);
	loop->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->bell >= 0 && start_thread(loop))
		return loop;
	if (loop->bell >= 0)
		close(loop->bell);
	pthread_mutex_destroy(&loop->lock);
	free(loop);
	return NULL;
}

static bool request(struct dns_loop *loop, struct dns_question *question, uint64_t id)
{
	struct request *request = malloc(sizeof *request);

	if (!request)
		return false;
	*request = (struct request){.question = question, .id = id};
	pthread_mutex_lock(&loop->lock);
	*loop->last = request;
	loop->last = &request->next;
	pthread_mutex_unlock(&loop->lock);
	ring(loop);
	return true;
}

bool dns_ask(struct dns_loop *loop, uint64_t id, const char *name)
{
	struct dns_question *question = dns_question_make(id, name);

	if (!question)
		return false;
	if (request(loop, question, id))
		return true;
	dns_question_free(question);
	return false;
}

void dns_cancel(struct dns_loop *loop, uint64_t id)
{
	// Without memory for the request the question ends by itself, and nobody waits for it.
	request(loop, NULL, id);
}

void dns_stop(struct dns_loop *loop)
{
	// The bell is rung under the lock: without it the thread could be gone, and the bell with it.
	pthread_mutex_lock(&loop->lock);
	loop->stopping = true;
	ring(loop);
	pthread_mutex_unlock(&loop->lock);
}
