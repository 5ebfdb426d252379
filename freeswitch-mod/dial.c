/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * Originating: from a leg to a channel in the operator's dialplan.
 *
 * switch_ivr_originate() would keep a thread for each call and wake it every millisecond. Here the
 * channel is made, gets state handlers of ours, and its own thread sleeps; what the carrier says comes as
 * messages to the session.
 */
#include "dial.h"
#include "leg.h"

/* The name under which a channel keeps the profile that it was dialed with. */
static const char dialing[] = "outdial-dialing";

/* A number in a channel variable; 0: none. */
static int number_of(switch_channel_t *channel, const char *name)
{
	const char *text = switch_channel_get_variable_dup(channel, name, SWITCH_FALSE, -1);

	return zstr(text) ? 0 : atoi(text);
}

/* SIP status of the carrier's final response; 0: there was none. */
static int sip_status_of(switch_channel_t *channel, int answered, const char *tech)
{
	int status;

	if (strcasecmp(tech, "sofia")) {
		return 0;
	}
	if (answered) {
		return 200;
	}
	/* A 302 is not followed, and is no failure to sofia. */
	if (!zstr(switch_channel_get_variable_dup(channel, "sip_redirected_to", SWITCH_FALSE, -1))) {
		return 302;
	}
	status = number_of(channel, "sip_invite_failure_status");
	return status ? status : number_of(channel, "sip_term_status");
}

static struct leg *leg_here(switch_core_session_t *session)
{
	return leg_of(switch_core_session_get_channel(session));
}

/* on_answer() has not sent it into the dialplan yet: that gives it another profile. Its context does not tell,
 * for mod_loopback sets it to the far end's. */
static int is_dialing(switch_channel_t *channel)
{
	return switch_channel_get_private(channel, dialing) == switch_channel_get_caller_profile(channel);
}

/* The channel's thread is to sleep until somebody answers. */
static switch_status_t on_routing(switch_core_session_t *session)
{
	switch_channel_t *channel = switch_core_session_get_channel(session);

	if (!is_dialing(channel)) {
		struct leg *leg = leg_here(session);

		if (leg) {
			switch_mutex_lock(leg->lock);
			leg->routed = 1;
			switch_mutex_unlock(leg->lock);
			leg_release(leg);
		}
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
	struct leg *leg;
	int overtaken;

	if (is_dialing(channel)) {
		return SWITCH_STATUS_FALSE;
	}
	leg = leg_here(session);
	if (!leg) {
		return SWITCH_STATUS_SUCCESS;
	}
	/* Somebody answered while on_routing() sent the thread to sleep. */
	switch_mutex_lock(leg->lock);
	overtaken = !leg->routed;
	switch_mutex_unlock(leg->lock);
	leg_release(leg);
	if (overtaken) {
		switch_channel_set_state(channel, CS_ROUTING);
		return SWITCH_STATUS_FALSE;
	}
	return SWITCH_STATUS_SUCCESS;
}

/* How the call ended; its variables are still there. */
static switch_status_t on_reporting(switch_core_session_t *session)
{
	switch_channel_t *channel = switch_core_session_get_channel(session);
	struct leg *leg = leg_here(session);
	int answered = switch_channel_test_flag(channel, CF_ANSWERED);
	int status;
	int cause = switch_channel_get_cause_q850(channel);

	if (!leg) {
		return SWITCH_STATUS_SUCCESS;
	}
	status = sip_status_of(channel, answered, leg->tech);
	switch_mutex_lock(leg->lock);
	if (leg->hangup && !answered) {
		/* What came of our own CANCEL says nothing about the callee. */
		leg->q850 = leg->hangup_cause;
		leg->sip_status = status == 487 ? 0 : status;
	} else {
		leg->q850 = cause > 0 ? cause : SWITCH_CAUSE_NORMAL_CLEARING;
		leg->sip_status = status;
	}
	switch_mutex_unlock(leg->lock);
	leg_release(leg);
	return SWITCH_STATUS_SUCCESS;
}

static switch_status_t on_destroy(switch_core_session_t *session)
{
	struct leg *leg = leg_here(session);

	if (leg) {
		leg_detach(leg, session);
		leg_release(leg);
	}
	return SWITCH_STATUS_SUCCESS;
}

static switch_state_handler_table_t leg_states = {
	.on_routing = on_routing,
	.on_consume_media = on_consume_media,
	.on_reporting = on_reporting,
	.on_destroy = on_destroy,
	/* Transfers leave it in place. */
	.flags = SSH_FLAG_STICKY,
};

void leg_follow(switch_channel_t *channel)
{
	switch_channel_add_state_handler(channel, &leg_states);
}

void leg_unfollow(switch_channel_t *channel)
{
	switch_channel_clear_state_handler(channel, &leg_states);
}

/* The carrier has said something, for the first time. A 100 Trying is not among it: sofia's stack keeps it to
 * itself. */
static void leg_proceeds(struct leg *leg)
{
	int first;

	switch_mutex_lock(leg->lock);
	first = !leg->proceeding;
	leg->proceeding = 1;
	switch_mutex_unlock(leg->lock);
	if (first) {
		shim_post(OUTDIAL_EVENT_LEG_PROCEEDING, leg->id, NULL, 0);
	}
}

static void on_answer(struct leg *leg, switch_core_session_t *session)
{
	int first;

	switch_mutex_lock(leg->lock);
	first = !leg->answered;
	leg->answered = 1;
	switch_mutex_unlock(leg->lock);
	if (!first) {
		return;
	}
	shim_post(OUTDIAL_EVENT_LEG_ANSWERED, leg->id, NULL, 0);
	if (switch_ivr_session_transfer(session, leg->exten, "XML", leg->context) != SWITCH_STATUS_SUCCESS) {
		switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(session), SWITCH_LOG_ERROR,
			"Leg '%s' was answered, but can't enter the dialplan\n", leg->id);
		switch_channel_hangup(switch_core_session_get_channel(session), SWITCH_CAUSE_NORMAL_TEMPORARY_FAILURE);
	}
}

/* What the carrier says, as the endpoint tells it; in the endpoint's thread. */
static switch_status_t on_message(switch_core_session_t *session, switch_core_session_message_t *message)
{
	struct leg *leg;

	switch (message->message_id) {
	case SWITCH_MESSAGE_RING_EVENT:
	case SWITCH_MESSAGE_PROGRESS_EVENT:
	case SWITCH_MESSAGE_ANSWER_EVENT:
		break;
	default:
		return SWITCH_STATUS_SUCCESS;
	}
	leg = leg_here(session);
	if (!leg) {
		return SWITCH_STATUS_SUCCESS;
	}
	leg_proceeds(leg);
	if (message->message_id == SWITCH_MESSAGE_RING_EVENT) {
		shim_post(OUTDIAL_EVENT_LEG_RINGING, leg->id, NULL, 0);
	} else if (message->message_id == SWITCH_MESSAGE_PROGRESS_EVENT) {
		shim_post(OUTDIAL_EVENT_LEG_EARLY_MEDIA, leg->id, NULL, 0);
	} else {
		on_answer(leg, session);
	}
	leg_release(leg);
	return SWITCH_STATUS_SUCCESS;
}

/* There is no channel: whose fault is it? */
static void note_no_channel(struct leg *leg, switch_call_cause_t cause)
{
	switch_mutex_lock(leg->lock);
	switch (cause) {
	case SWITCH_CAUSE_GATEWAY_DOWN:
	case SWITCH_CAUSE_INVALID_GATEWAY:
	case SWITCH_CAUSE_INVALID_PROFILE:
	case SWITCH_CAUSE_USER_NOT_REGISTERED:
	case SWITCH_CAUSE_CHAN_NOT_IMPLEMENTED:
		/* The route's fault: nobody is there. */
		leg->q850 = SWITCH_CAUSE_NO_ROUTE_DESTINATION;
		break;
	default:
		/* FreeSWITCH's own: sessions-per-second, max-sessions, or memory. */
		leg->refused = 1;
		break;
	}
	switch_mutex_unlock(leg->lock);
	shim_debug("Leg '%s': no channel, %s\n", leg->id, switch_channel_cause2str(cause));
}

/* What the dialplan, CDRs and events are to know of the call. */
static void dress(struct leg *leg, switch_channel_t *channel)
{
	/* Toll fraud: a callee would have us call whom he names. */
	switch_channel_set_variable(channel, "outbound_redirect_fatal", "true");
	/* The engine decides what comes after an agent. */
	switch_channel_set_variable(channel, SWITCH_HANGUP_AFTER_BRIDGE_VARIABLE, "false");
	switch_channel_set_variable(channel, "accountcode", leg->account);
	switch_channel_set_variable(channel, "outdial_campaign", leg->account);
	switch_channel_set_variable_printf(channel, "outdial_attempt", "%llu", (unsigned long long) leg->attempt);
	switch_channel_set_variable_printf(channel, "outdial_lead", "%llu", (unsigned long long) leg->lead);
}

/* The leg's channel is there, and others can find it. Non-zero: it has no thread, and goes. */
static int leg_begin(struct leg *leg, switch_core_session_t *session)
{
	int hangup;

	leg_attach(leg, session);
	switch_mutex_lock(leg->lock);
	hangup = leg->hangup;
	leg->q850 = hangup ? leg->hangup_cause : 0;
	switch_mutex_unlock(leg->lock);
	if (hangup) {
		/* Its thread is launched by that, to end in. */
		switch_channel_hangup(switch_core_session_get_channel(session), (switch_call_cause_t) leg->q850);
		return 0;
	}
	return dial_launch(session);
}

static void leg_launch(struct leg *leg, switch_core_session_t *session)
{
	switch_channel_t *channel = switch_core_session_get_channel(session);
	int failed;

	/* Whoever hangs it up launches its thread: the channel is not to go before this is done with it. */
	if (switch_core_session_read_lock(session) != SWITCH_STATUS_SUCCESS) {
		shim_debug("Leg '%s': hung up before it was dialed\n", leg->id);
		return;
	}
	dress(leg, channel);
	switch_channel_set_private(channel, dialing, switch_channel_get_caller_profile(channel));
	leg_follow(channel);
	switch_core_event_hook_add_receive_message(session, on_message);
	switch_mutex_lock(leg->lock);
	leg->dialed_at = switch_micro_time_now();
	switch_mutex_unlock(leg->lock);
	failed = leg_begin(leg, session);
	switch_core_session_rwunlock(session);
	if (failed) {
		switch_mutex_lock(leg->lock);
		leg->refused = 1;
		switch_mutex_unlock(leg->lock);
		switch_core_session_destroy(&session);
	}
}

void leg_dial(void *data)
{
	struct leg *leg = data;
	const char *why = dial_refusal();
	switch_call_cause_t cause;
	switch_core_session_t *session;
	char device[256];
	struct dial dial = {
		.id = leg->id, .tech = leg->tech, .device = device, .caller_id = leg->caller_id, .name = leg->caller_id,
	};
	int hangup;

	switch_mutex_lock(leg->lock);
	hangup = leg->hangup;
	leg->refused = why && !hangup;
	leg->q850 = hangup ? leg->hangup_cause : 0;
	switch_mutex_unlock(leg->lock);
	if (why || hangup) {
		shim_debug("Not dialing leg '%s': %s\n", leg->id, why ? why : "cancelled");
	} else if (dial_device(device, sizeof(device), leg->tech, leg->endpoint, leg->number)) {
		note_no_channel(leg, SWITCH_CAUSE_SWITCH_CONGESTION);
	} else if ((session = dial_channel(&dial, &cause))) {
		leg_launch(leg, session);
	} else {
		note_no_channel(leg, cause);
	}
	leg_release(leg);
}
