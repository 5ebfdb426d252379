/*
 * mod_bare_loop: what a call costs in FreeSWITCH without outdial
 *
 * SPDX-License-Identifier: MIT
 *
 * A loop that originates, for comparison. The same calls of FreeSWITCH's API as mod_outdial, but no engine,
 * journal, registry or link: the difference is what outdial costs.
 */
#include <switch.h>

SWITCH_MODULE_LOAD_FUNCTION(mod_bare_loop_load);
SWITCH_MODULE_SHUTDOWN_FUNCTION(mod_bare_loop_shutdown);
SWITCH_MODULE_DEFINITION(mod_bare_loop, mod_bare_loop_load, mod_bare_loop_shutdown, NULL);

/* A channel that is being dialed never looks for an extension there. */
static const char dialing[] = "bare-dialing";
static const char private_name[] = "bare_loop";
/* Bounds of the command's numbers. */
#define MAX_COUNT 10000000
#define MAX_CONCURRENCY 20000

/* One run of the command. */
struct run {
	char tech[32];
	char dest[128];
	char context[64];
	unsigned int count;
	double rate;
	unsigned int concurrency;
	/* Names the channels, together with the call's number. */
	unsigned int id;
	switch_time_t began;
	unsigned int started;
	switch_atomic_t ended;
	switch_atomic_t answered;
	switch_atomic_t refused;
};

/* One run at a time. */
static switch_mutex_t *running;
static unsigned int runs;
static struct run now;

static int is_dialing(switch_channel_t *channel)
{
	switch_caller_profile_t *profile = switch_channel_get_caller_profile(channel);

	return profile && profile->context && !strcmp(profile->context, dialing);
}

static switch_status_t on_routing(switch_core_session_t *session)
{
	switch_channel_t *channel = switch_core_session_get_channel(session);

	if (!is_dialing(channel)) {
		return SWITCH_STATUS_SUCCESS;
	}
	if (switch_channel_get_state(channel) == CS_ROUTING) {
		switch_channel_set_state(channel, CS_CONSUME_MEDIA);
	}
	return SWITCH_STATUS_FALSE;
}

static switch_status_t on_consume_media(switch_core_session_t *session)
{
	switch_channel_t *channel = switch_core_session_get_channel(session);

	if (!is_dialing(channel)) {
		/* Answered while on_routing() sent the thread to sleep. */
		switch_channel_set_state(channel, CS_ROUTING);
	}
	return SWITCH_STATUS_FALSE;
}

static switch_status_t on_destroy(switch_core_session_t *session)
{
	struct run *run = switch_channel_get_private(switch_core_session_get_channel(session), private_name);

	if (run) {
		switch_atomic_inc(&run->ended);
	}
	return SWITCH_STATUS_SUCCESS;
}

static switch_state_handler_table_t states = {
	.on_routing = on_routing,
	.on_consume_media = on_consume_media,
	.on_destroy = on_destroy,
	.flags = SSH_FLAG_STICKY,
};

static switch_status_t on_message(switch_core_session_t *session, switch_core_session_message_t *message)
{
	struct run *run = switch_channel_get_private(switch_core_session_get_channel(session), private_name);

	if (message->message_id == SWITCH_MESSAGE_ANSWER_EVENT && run) {
		switch_atomic_inc(&run->answered);
		switch_ivr_session_transfer(session, "s", "XML", run->context);
	}
	return SWITCH_STATUS_SUCCESS;
}

/* Non-zero: refused. */
static int start(struct run *run)
{
	switch_call_cause_t cancel = SWITCH_CAUSE_NONE;
	switch_core_session_t *session = NULL;
	switch_memory_pool_t *memory = NULL;
	switch_caller_profile_t *profile;
	switch_event_t *variables = NULL;
	switch_call_cause_t cause;
	switch_channel_t *channel;
	char id[64];

	switch_snprintf(id, sizeof(id), "bare-%u-%u", run->id, run->started);
	if (switch_core_new_memory_pool(&memory) != SWITCH_STATUS_SUCCESS
		|| switch_event_create_plain(&variables, SWITCH_EVENT_CHANNEL_DATA) != SWITCH_STATUS_SUCCESS) {
		return -1;
	}
	profile = switch_caller_profile_new(memory, "bare", "XML", "1000", "1000", NULL, "1000", NULL, NULL,
		"mod_bare_loop", dialing, run->dest);
	switch_event_add_header_string(variables, SWITCH_STACK_BOTTOM, "origination_uuid", id);
	cause = switch_core_session_outgoing_channel(NULL, variables, run->tech, profile, &session, &memory, SOF_NONE,
		&cancel);
	if (memory) {
		switch_core_destroy_memory_pool(&memory);
	}
	switch_event_destroy(&variables);
	if (cause != SWITCH_CAUSE_SUCCESS) {
		return -1;
	}
	channel = switch_core_session_get_channel(session);
	switch_channel_set_variable(channel, "accountcode", "bare");
	switch_channel_set_private(channel, private_name, run);
	switch_channel_add_state_handler(channel, &states);
	switch_core_event_hook_add_receive_message(session, on_message);
	if (switch_core_session_thread_launch(session) != SWITCH_STATUS_SUCCESS) {
		switch_core_session_destroy(&session);
	}
	return 0;
}

static unsigned int live(struct run *run)
{
	return run->started - switch_atomic_read(&run->ended) - switch_atomic_read(&run->refused);
}

/* Starts calls at the rate until all are started, and waits for the last one's end. */
static void run_all(struct run *run)
{
	run->began = switch_micro_time_now();
	while (run->started < run->count && switch_core_ready()) {
		double elapsed = (double) (switch_micro_time_now() - run->began) / 1e6;

		if (run->rate > 0 && run->started >= elapsed * run->rate) {
			/* Exactly until the next one is due: a baseline must not pay for polling. */
			usleep((useconds_t) ((run->started / run->rate - elapsed) * 1e6) + 1);
			continue;
		}
		if (live(run) >= run->concurrency) {
			usleep(1000);
			continue;
		}
		if (start(run)) {
			switch_atomic_inc(&run->refused);
		}
		run->started++;
	}
	while (live(run) && switch_core_ready()) {
		usleep(10000);
	}
}

SWITCH_STANDARD_API(bareloop_api)
{
	struct run *run = &now;
	struct run wanted = { .count = 0 };
	double seconds;

	if (zstr(cmd) || sscanf(cmd, "run %31s %127s %u %lf %u %63s", wanted.tech, wanted.dest, &wanted.count, &wanted.rate,
			&wanted.concurrency, wanted.context) != 6 || wanted.count > MAX_COUNT || wanted.rate < 0
		|| !wanted.concurrency || wanted.concurrency > MAX_CONCURRENCY) {
		stream->write_function(stream, "-USAGE: run <tech> <dest> <count> <rate> <concurrency> <context>\n");
		return SWITCH_STATUS_SUCCESS;
	}
	if (switch_mutex_trylock(running) != SWITCH_STATUS_SUCCESS) {
		stream->write_function(stream, "-ERR A run is under way\n");
		return SWITCH_STATUS_SUCCESS;
	}
	wanted.id = ++runs;
	*run = wanted;
	run_all(run);
	seconds = (double) (switch_micro_time_now() - run->began) / 1e6;
	/* One line of names and numbers: read by the benchmark. */
	stream->write_function(stream, "calls=%u answered=%u refused=%u seconds=%.3f calls_per_second=%.2f\n", run->started,
		switch_atomic_read(&run->answered), switch_atomic_read(&run->refused), seconds, run->started / seconds);
	switch_mutex_unlock(running);
	return SWITCH_STATUS_SUCCESS;
}

SWITCH_MODULE_LOAD_FUNCTION(mod_bare_loop_load)
{
	switch_api_interface_t *api;

	switch_mutex_init(&running, SWITCH_MUTEX_UNNESTED, pool);
	*module_interface = switch_loadable_module_create_module_interface(pool, modname);
	SWITCH_ADD_API(api, "bareloop", "Originate calls in a loop", bareloop_api,
		"run <tech> <dest> <count> <rate> <concurrency> <context>");
	return SWITCH_STATUS_SUCCESS;
}

SWITCH_MODULE_SHUTDOWN_FUNCTION(mod_bare_loop_shutdown)
{
	return SWITCH_STATUS_SUCCESS;
}
