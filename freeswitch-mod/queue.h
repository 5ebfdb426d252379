/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * Queue mode: the agents of one of mod_callcenter's queues take the calls.
 */
#ifndef OUTDIAL_QUEUE_H
#define OUTDIAL_QUEUE_H

#include "shim.h"

struct leg;

/* Of a queue's state. */
struct queue_count {
	unsigned int known;
	/* As in struct outdial_queue. */
	unsigned int members;
	unsigned int free;
	unsigned int callers;
	/* When one more is free, if nothing else happens; 0: never. In seconds of the epoch. */
	unsigned long long next;
};

/* What mod_callcenter lists: arrays of objects, whose values are texts. */
struct queue_lists {
	/* The queue's own settings. */
	const cJSON *queue;
	cJSON *agents;
	cJSON *tiers;
	cJSON *callers;
};

/* What the lists come to at this second of the epoch. `is_taken`: this channel is with an agent already,
 * whatever the list says. */
struct queue_count queue_sum(const struct queue_lists *lists, unsigned long long now,
	int (*is_taken)(const char *channel), int (*is_live)(const char *channel));

/* Whether mod_callcenter is loaded and has this queue. */
int queue_exists(const char *queue);

/* In the customer's own thread: lets him wait in the queue. Non-zero: an agent gets him, and he leaves
 * outdial_connect for that. */
int queue_run(struct leg *leg, switch_core_session_t *session, const char *queue);

/* Takes a customer out of the queue, unless an agent has taken the call. */
void queue_leave(struct leg *leg);

/* Has the engine watch the queue, or not. */
void queues_watch(const char *queue, int on);

/* Counts, and tells the engine before it returns. */
void queues_count(const char *queue);

int queues_start(void);
void queues_stop(void);

#endif
