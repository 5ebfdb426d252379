/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * Agents and callers of the queues that campaigns use.
 *
 * mod_callcenter keeps them in a database of its own, lists them over its JSON API, which is called here
 * without any connection, and tells in events (callcenter::info) when an agent's state or status or a queue's
 * callers change. It fires some before it has written what they say, so one look is too early at times, and
 * two more follow. It tells nobody when tiers or the times of an agent are set, or a wrap-up ends: hence a
 * slow look besides, and one at the end of a wrap-up.
 */
#include "queue.h"

#include "leg.h"

#include <pthread.h>
#include <time.h>

/* Looks after an event, each so long after the one before, in ms. */
static const unsigned int soon_ms[] = { 20, 80, 400 };
#define LOOKS (sizeof(soon_ms) / sizeof(*soon_ms))
/* When nothing is told. */
#define SLOW_MS 2000
#define CALLCENTER_EVENT "callcenter::info"
#define CALLCENTER_API "callcenter_config"

/* A queue that the engine watches. */
struct watched {
	struct watched *next;
	char name[OUTDIAL_QUEUE_LEN];
	/* With the list locked: the list's hold, and those of who looks. */
	unsigned int holds;
	/* When to look next, and looks since something was told. With the list locked. */
	switch_time_t due;
	unsigned int looks;
	/* What the engine knows, if it does; with `counting` locked. */
	struct queue_count told;
	unsigned int began:1;
};

static struct {
	/* Guards the list. Never held while mod_callcenter is asked. */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	/* One count at a time, told before the next: the engine never gets an older one last. */
	pthread_mutex_t counting;
	switch_event_node_t *events;
	struct watched *list;
	int runs;
	int stop;
} queues = { .lock = PTHREAD_MUTEX_INITIALIZER, .counting = PTHREAD_MUTEX_INITIALIZER };

/* One of mod_callcenter's lists; NULL: it is not loaded, or does not tell. */
static cJSON *ask(const char *list, const char *queue)
{
	cJSON *request = cJSON_CreateObject();
	cJSON *data = cJSON_CreateObject();
	cJSON *reply = NULL;

	cJSON_AddItemToObject(request, "command", cJSON_CreateString(CALLCENTER_API));
	cJSON_AddItemToObject(request, "data", data);
	cJSON_AddItemToObject(data, "arguments", cJSON_CreateString(list));
	cJSON_AddItemToObject(data, "queue_name", cJSON_CreateString(queue));
	if (switch_json_api_execute(request, NULL, &reply) != SWITCH_STATUS_SUCCESS && reply) {
		cJSON_Delete(reply);
		reply = NULL;
	}
	cJSON_Delete(request);
	return reply;
}

/* The queue's row in the list of all; NULL: it is not there. */
static const cJSON *row_of(const cJSON *list, const char *queue)
{
	const cJSON *row;

	cJSON_ArrayForEach(row, list) {
		const char *name = cJSON_GetObjectCstr(row, "name");

		if (name && !strcmp(name, queue)) {
			return row;
		}
	}
	return NULL;
}

int queue_exists(const char *queue)
{
	cJSON *list = ask("queue list", queue);
	int found = row_of(list, queue) != NULL;

	cJSON_Delete(list);
	return found;
}

static int is_with_agent(const char *channel)
{
	struct leg *leg = leg_find(channel);
	int taken = 0;

	if (leg) {
		switch_mutex_lock(leg->lock);
		taken = leg->in_queue == LEG_QUEUE_TAKEN;
		switch_mutex_unlock(leg->lock);
		leg_release(leg);
	}
	return taken;
}

static int is_live(const char *channel)
{
	return switch_ivr_uuid_exists(channel) == SWITCH_TRUE;
}

/* Asks mod_callcenter. */
static struct queue_count count(const char *queue)
{
	struct queue_count count = { 0 };
	cJSON *all = ask("queue list", queue);
	struct queue_lists lists = {
		.queue = row_of(all, queue), .agents = ask("queue list agents", queue),
		.tiers = ask("queue list tiers", queue), .callers = ask("queue list members", queue),
	};

	if (lists.queue && lists.agents && lists.tiers && lists.callers) {
		count = queue_sum(&lists, (unsigned long long) (switch_micro_time_now() / 1000000), is_with_agent, is_live);
	}
	cJSON_Delete(lists.agents);
	cJSON_Delete(lists.tiers);
	cJSON_Delete(lists.callers);
	cJSON_Delete(all);
	return count;
}

static int differs(const struct queue_count *a, const struct queue_count *b)
{
	return a->known != b->known || a->members != b->members || a->free != b->free || a->callers != b->callers;
}

/* Counts, and tells the engine what is new. */
static struct queue_count count_and_tell(struct watched *watched)
{
	struct outdial_queue queue = { .struct_size = sizeof(queue), .queue = watched->name };
	struct queue_count found;

	pthread_mutex_lock(&queues.counting);
	found = count(watched->name);
	if (!watched->began || differs(&found, &watched->told)) {
		queue.known = found.known;
		queue.members = found.members;
		queue.free = found.free;
		queue.callers = found.callers;
		if (outdial_post_queue(shim.engine, &queue) == OUTDIAL_OK) {
			watched->told = found;
			watched->began = 1;
			shim_debug("Queue '%s': %u members, %u free, %u callers\n", watched->name, found.members, found.free,
				found.callers);
		}
	}
	pthread_mutex_unlock(&queues.counting);
	return found;
}

/* With the list locked. */
static struct watched *find(const char *queue)
{
	struct watched *watched = queues.list;

	while (watched && strcmp(watched->name, queue)) {
		watched = watched->next;
	}
	return watched;
}

/* With the list locked. */
static void release(struct watched *watched)
{
	if (!--watched->holds) {
		free(watched);
	}
}

/* Something has changed: look soon, and again. With the list locked. */
static void look_soon(struct watched *watched)
{
	switch_time_t soon = switch_micro_time_now() + soon_ms[0] * 1000;

	watched->looks = 0;
	if (soon < watched->due) {
		watched->due = soon;
	}
	pthread_cond_signal(&queues.wake);
}

void queues_count(const char *queue)
{
	struct watched *watched;

	pthread_mutex_lock(&queues.lock);
	watched = find(queue);
	if (watched) {
		watched->holds++;
		look_soon(watched);
	}
	pthread_mutex_unlock(&queues.lock);
	if (watched) {
		count_and_tell(watched);
		pthread_mutex_lock(&queues.lock);
		release(watched);
		pthread_mutex_unlock(&queues.lock);
	}
}

/* An agent's event does not say which queues he is in. */
static void on_event(switch_event_t *event)
{
	struct watched *watched;

	pthread_mutex_lock(&queues.lock);
	for (watched = queues.list; watched; watched = watched->next) {
		look_soon(watched);
	}
	pthread_mutex_unlock(&queues.lock);
}

/* When to look again; with the list locked, after a look that was the `looks`th. */
static void plan(struct watched *watched, unsigned int looks, const struct queue_count *found)
{
	switch_time_t now = switch_micro_time_now();
	switch_time_t next = (switch_time_t) found->next * 1000000;

	if (watched->looks != looks) {
		/* Something was told meanwhile, which has set a time. */
		return;
	}
	watched->looks = looks < LOOKS ? looks + 1 : looks;
	watched->due = now + (watched->looks < LOOKS ? soon_ms[watched->looks] : SLOW_MS) * 1000;
	if (next > now && next < watched->due) {
		watched->due = next;
	}
}

/* With the list locked, which is given up meanwhile. */
static void look(struct watched *watched)
{
	unsigned int looks = watched->looks;
	struct queue_count found;

	watched->holds++;
	/* Not before the plan says so, unless something is told. */
	watched->due = switch_micro_time_now() + SLOW_MS * 1000;
	pthread_mutex_unlock(&queues.lock);
	found = count_and_tell(watched);
	pthread_mutex_lock(&queues.lock);
	plan(watched, looks, &found);
	release(watched);
}

/* The queue that is due first; with the list locked. */
static struct watched *first_due(void)
{
	struct watched *first = queues.list;
	struct watched *watched;

	for (watched = first; watched; watched = watched->next) {
		if (watched->due < first->due) {
			first = watched;
		}
	}
	return first;
}

/* FreeSWITCH's clock is one of its own. With the list locked. */
static void sleep_for(switch_time_t left)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += left % 1000000 * 1000;
	until.tv_sec += left / 1000000 + until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_cond_timedwait(&queues.wake, &queues.lock, &until);
}

static void *queues_main(void *data)
{
	pthread_setname_np(pthread_self(), "outdial-queues");
	pthread_mutex_lock(&queues.lock);
	while (!queues.stop) {
		struct watched *watched = first_due();
		switch_time_t left = watched ? watched->due - switch_micro_time_now() : 0;

		if (!watched) {
			pthread_cond_wait(&queues.wake, &queues.lock);
		} else if (left > 0) {
			sleep_for(left);
		} else {
			look(watched);
		}
	}
	pthread_mutex_unlock(&queues.lock);
	return NULL;
}

void queues_watch(const char *queue, int on)
{
	struct watched **at = &queues.list;
	struct watched *watched;

	pthread_mutex_lock(&queues.lock);
	while (*at && strcmp((*at)->name, queue)) {
		at = &(*at)->next;
	}
	watched = *at;
	if (on && !watched && (watched = calloc(1, sizeof(*watched)))) {
		switch_copy_string(watched->name, queue, sizeof(watched->name));
		watched->holds = 1;
		watched->due = switch_micro_time_now();
		watched->next = queues.list;
		queues.list = watched;
	} else if (!on && watched) {
		*at = watched->next;
		release(watched);
	}
	pthread_cond_signal(&queues.wake);
	pthread_mutex_unlock(&queues.lock);
}

int queues_start(void)
{
	pthread_cond_init(&queues.wake, NULL);
	queues.stop = 0;
	queues.list = NULL;
	if (switch_event_bind_removable("mod_outdial", SWITCH_EVENT_CUSTOM, CALLCENTER_EVENT, on_event, NULL,
			&queues.events) != SWITCH_STATUS_SUCCESS) {
		return -1;
	}
	queues.runs = !pthread_create(&queues.thread, NULL, queues_main, NULL);
	if (!queues.runs) {
		switch_event_unbind(&queues.events);
	}
	return queues.runs ? 0 : -1;
}

void queues_stop(void)
{
	struct watched *watched;

	if (!queues.runs) {
		return;
	}
	switch_event_unbind(&queues.events);
	pthread_mutex_lock(&queues.lock);
	queues.stop = 1;
	pthread_cond_signal(&queues.wake);
	pthread_mutex_unlock(&queues.lock);
	pthread_join(queues.thread, NULL);
	while ((watched = queues.list)) {
		queues.list = watched->next;
		release(watched);
	}
	pthread_cond_destroy(&queues.wake);
	queues.runs = 0;
}
