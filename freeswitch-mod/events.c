/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * Firing an event may wait for those who take it, so the engine's pump only queues, and one thread fires,
 * in order.
 */
#include "events.h"

#include "pool.h"

static const char call_name[] = "outdial::call_state";
static const char agent_name[] = "outdial::agent_state";

/* Events that may wait for FreeSWITCH; what comes then is dropped. */
#define EVENTS_WAITING 8192
/* Longest number, with its NUL; longer ones are cut. */
#define NUMBER_LEN 64
/* Digits that a masked number shows. */
#define DIGITS_SHOWN 3

static struct {
	/* One thread: they stay in order. */
	struct pool *pool;
	switch_mutex_t *lock;
	struct events_load load;
	/* The log has it that some are lost; until one is taken again. */
	unsigned int said:1;
	/* Read by the pump without the lock. */
	_Atomic enum event_numbers numbers;
} events;

int events_init(void)
{
	memset(&events, 0, sizeof(events));
	if (switch_mutex_init(&events.lock, SWITCH_MUTEX_NESTED, shim.memory) != SWITCH_STATUS_SUCCESS) {
		return -1;
	}
	if (switch_event_reserve_subclass(call_name) != SWITCH_STATUS_SUCCESS
		|| switch_event_reserve_subclass(agent_name) != SWITCH_STATUS_SUCCESS) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_ERROR, "There are events '%s' or '%s' already\n", call_name,
			agent_name);
		return -1;
	}
	events.pool = pool_create(1, EVENTS_WAITING);
	return events.pool ? 0 : -1;
}

void events_destroy(void)
{
	pool_destroy(events.pool);
	events.pool = NULL;
	switch_event_free_subclass(call_name);
	switch_event_free_subclass(agent_name);
}

int events_apply(const struct shim_config *config)
{
	int res;

	events.numbers = config->event_numbers;
	res = outdial_watch(shim.engine, config->events ? OUTDIAL_WATCH_CALLS | OUTDIAL_WATCH_AGENTS : 0);
	if (res != OUTDIAL_OK) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_ERROR, "Events can't be switched: %s\n", outdial_strerror(res));
	}
	return res != OUTDIAL_OK;
}

void events_load(struct events_load *load)
{
	switch_mutex_lock(events.lock);
	*load = events.load;
	switch_mutex_unlock(events.lock);
}

static void add(switch_event_t *event, const char *name, const char *value)
{
	switch_event_add_header_string(event, SWITCH_STACK_BOTTOM, name, value);
}

static void add_number(switch_event_t *event, const char *name, unsigned long long value)
{
	switch_event_add_header(event, SWITCH_STACK_BOTTOM, name, "%llu", value);
}

/* The lead's number, as far as it may be shown. */
static void add_digits(switch_event_t *event, const char *number)
{
	char shown[NUMBER_LEN];
	size_t length;

	switch (events.numbers) {
	case EVENT_NUMBERS_NO:
		return;
	case EVENT_NUMBERS_MASKED:
		switch_copy_string(shown, number, sizeof(shown));
		length = strlen(shown);
		memset(shown, '*', length > DIGITS_SHOWN ? length - DIGITS_SHOWN : length);
		add(event, "Outdial-Number", shown);
		return;
	case EVENT_NUMBERS_YES:
		add(event, "Outdial-Number", number);
		return;
	}
}

static void describe_call(switch_event_t *event, const struct outdial_notice *notice)
{
	add_number(event, "Outdial-Attempt", notice->attempt);
	add_number(event, "Outdial-Lead", notice->lead);
	add(event, "Unique-ID", notice->leg);
	add(event, "Outdial-Trunk", notice->trunk);
	add_digits(event, notice->number);
	if (notice->over) {
		add(event, "Outdial-Outcome", notice->state);
		add(event, "Outdial-Reason", notice->reason);
		add_number(event, "Outdial-SIP-Status", (unsigned long long) notice->sip_status);
		add_number(event, "Outdial-Q850", (unsigned long long) notice->q850);
	}
}

static void describe_agent(switch_event_t *event, const struct outdial_notice *notice)
{
	add(event, "Outdial-Pause", notice->pause);
	add(event, "Unique-ID", notice->session);
}

/* A job of the pool. */
static void fire(void *data)
{
	switch_event_t *event = data;

	switch_mutex_lock(events.lock);
	events.load.sent++;
	events.said = 0;
	switch_mutex_unlock(events.lock);
	switch_event_fire(&event);
}

static void drop(switch_event_t *event)
{
	int say;

	switch_event_destroy(&event);
	switch_mutex_lock(events.lock);
	events.load.dropped++;
	say = !events.said;
	events.said = 1;
	switch_mutex_unlock(events.lock);
	if (say) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_WARNING, "Events come faster than FreeSWITCH takes them: some "
			"are lost. 'outdial status' counts them\n");
	}
}

void events_notice(const struct outdial_notice *notice)
{
	int call = notice->kind == OUTDIAL_NOTICE_CALL;
	switch_event_t *event = NULL;

	if (switch_event_create_subclass(&event, SWITCH_EVENT_CUSTOM, call ? call_name : agent_name)
			!= SWITCH_STATUS_SUCCESS) {
		return;
	}
	add(event, "Outdial-Node", shim.config.node);
	add(event, "Outdial-Campaign", notice->campaign);
	add(event, "Outdial-Agent", notice->agent);
	add(event, "Outdial-Leg", notice->leg);
	add(event, "Outdial-State", notice->state);
	add(event, "Outdial-Old-State", notice->old_state);
	if (call) {
		describe_call(event, notice);
	} else {
		describe_agent(event, notice);
	}
	if (pool_push(events.pool, fire, event)) {
		drop(event);
	}
}
