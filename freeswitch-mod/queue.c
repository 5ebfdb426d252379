/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * An answered call goes to mod_callcenter's application, and comes out of it.
 *
 * `callcenter` runs in the customer's own thread, inside outdial_connect. An agent's thread then has the two
 * bridged, as uuid_bridge does: the customer's channel leaves the application, outdial_connect and the
 * dialplan for the bridge, and is back behind outdial_connect when it is over. So what says that an agent
 * has the call is the bridge itself, which the channel is told of; mod_callcenter's event bridge-agent-start
 * comes before it, also when it fails then.
 */
#include "queue.h"

#include "leg.h"
#include "pool.h"
#include "record.h"
#include "wait.h"

/* The application, and what it keeps its flags under. */
static const char app[] = "callcenter";
static const char flags[] = "mod_callcenter";
/* mod_callcenter's flag of a customer for whom an agent is called or about to be bridged. */
#define AGENT_CONNECTING (1 << 0)
/* So long an agent who is about to be bridged is waited for, less than what the engine gives. */
#define SETTLE_MS 1500

/* The agent is counted before the engine hears that he has the call. A job of the work pool; holds the leg. */
static void member_run(void *data)
{
	struct leg *leg = data;

	queues_count(leg->queue);
	shim_post(OUTDIAL_EVENT_LEG_MEMBER, leg->id, NULL, 0);
	leg_release(leg);
}

static void on_bridge(struct leg *leg)
{
	struct leg *held;
	int taken;

	switch_mutex_lock(leg->lock);
	taken = leg->in_queue == LEG_QUEUE_OUT;
	if (taken) {
		leg->in_queue = LEG_QUEUE_TAKEN;
		leg->bridged = 1;
	}
	switch_mutex_unlock(leg->lock);
	if (!taken) {
		return;
	}
	held = leg_find(leg->id);
	if (!held || pool_push(shim.work, member_run, held)) {
		/* The count comes by itself, a moment later. */
		shim_post(OUTDIAL_EVENT_LEG_MEMBER, leg->id, NULL, 0);
		leg_release(held);
	}
	record_begin(leg);
}

static void on_unbridge(struct leg *leg, switch_channel_t *channel)
{
	int parted;

	switch_mutex_lock(leg->lock);
	parted = leg->in_queue == LEG_QUEUE_TAKEN;
	if (parted) {
		leg->in_queue = LEG_QUEUE_NONE;
	}
	switch_mutex_unlock(leg->lock);
	if (!parted) {
		return;
	}
	record_end(leg);
	if (switch_channel_up(channel)) {
		shim_post(OUTDIAL_EVENT_LEG_LEFT, leg->id, NULL, 0);
	}
}

/* What the channel is told, in its own thread. */
static switch_status_t on_message(switch_core_session_t *session, switch_core_session_message_t *message)
{
	switch_channel_t *channel = switch_core_session_get_channel(session);
	int bridge = message->message_id == SWITCH_MESSAGE_INDICATE_BRIDGE;
	struct leg *leg;

	if (!bridge && message->message_id != SWITCH_MESSAGE_INDICATE_UNBRIDGE) {
		return SWITCH_STATUS_SUCCESS;
	}
	leg = leg_of(channel);
	if (leg && bridge) {
		on_bridge(leg);
	} else if (leg) {
		on_unbridge(leg, channel);
	}
	leg_release(leg);
	return SWITCH_STATUS_SUCCESS;
}

void queue_leave(struct leg *leg)
{
	switch_core_session_t *session = leg_session(leg);
	int runs;

	switch_mutex_lock(leg->lock);
	runs = leg->in_queue == LEG_QUEUE_RUNS;
	if (runs || leg->in_queue == LEG_QUEUE_ORDERED) {
		leg->in_queue = LEG_QUEUE_LEAVES;
	}
	if (runs && session) {
		/* As if he was about to go elsewhere: mod_callcenter then lets him go, and says so. With the lock, so
		 * that it is not set once he is out. */
		switch_channel_set_flag(switch_core_session_get_channel(session), CF_NOT_READY);
	}
	switch_mutex_unlock(leg->lock);
	if (session) {
		switch_core_session_kill_channel(session, SWITCH_SIG_BREAK);
		switch_core_session_rwunlock(session);
	}
}

/* He is about to enter. Non-zero: he has been taken out already. */
static int enter(struct leg *leg, const char *queue)
{
	int out;

	switch_mutex_lock(leg->lock);
	out = leg->in_queue != LEG_QUEUE_ORDERED;
	leg->in_queue = out ? LEG_QUEUE_NONE : LEG_QUEUE_RUNS;
	switch_copy_string(leg->queue, queue, sizeof(leg->queue));
	switch_mutex_unlock(leg->lock);
	return out;
}

static void set_out(struct leg *leg, enum leg_queue state)
{
	switch_mutex_lock(leg->lock);
	leg->in_queue = state;
	switch_mutex_unlock(leg->lock);
}

struct settling {
	switch_channel_t *channel;
	switch_time_t until;
};

/* An agent whose phone was rung is being hung up; one who has answered is bridged all the same. */
static int is_settled(void *data)
{
	struct settling *settling = data;

	return !switch_channel_test_app_flag_key(flags, settling->channel, AGENT_CONNECTING)
		|| switch_micro_time_now() >= settling->until;
}

/* He is out of the application. Non-zero: he is about to be bridged. */
static int goes_to_agent(struct leg *leg, switch_core_session_t *session, switch_channel_t *channel)
{
	struct settling settling = { .channel = channel, .until = switch_micro_time_now() + SETTLE_MS * 1000 };
	struct wait wait = { .over = is_settled, .data = &settling, .bell = &leg->bell };

	wait_run(session, &wait);
	/* What uuid_bridge leaves for the channel's thread, which is not ready for anything else then. */
	return switch_channel_up(channel) && !switch_channel_ready(channel)
		&& !zstr(switch_channel_get_variable_dup(channel, SWITCH_UUID_BRIDGE, SWITCH_FALSE, -1));
}

int queue_run(struct leg *leg, switch_core_session_t *session, const char *queue)
{
	switch_channel_t *channel = switch_core_session_get_channel(session);
	int goes = 0;

	if (!queue_exists(queue)) {
		switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(session), SWITCH_LOG_WARNING,
			"Leg '%s' can't enter queue '%s': mod_callcenter does not have it\n", leg->id, queue);
	} else if (!enter(leg, queue)) {
		switch_core_event_hook_add_receive_message(session, on_message);
		switch_core_session_execute_application(session, app, queue);
		/* From now on nobody takes him out, and a bridge may come. */
		set_out(leg, LEG_QUEUE_OUT);
		switch_channel_clear_flag(channel, CF_NOT_READY);
		/* mod_callcenter leaves it set: what is played next would end at once. */
		switch_channel_clear_flag(channel, CF_BREAK);
		goes = goes_to_agent(leg, session, channel);
	}
	if (!goes) {
		set_out(leg, LEG_QUEUE_NONE);
		queues_count(queue);
		if (switch_channel_up(channel)) {
			shim_post(OUTDIAL_EVENT_LEG_UNQUEUED, leg->id, NULL, 0);
		}
	}
	return goes;
}
