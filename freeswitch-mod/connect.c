/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * outdial_connect: a customer waits for what the engine decides; all in his channel's own thread.
 */
#include "connect.h"

#include "leg.h"
#include "listen.h"
#include "queue.h"
#include "session.h"
#include "wait.h"

static const char app_name[] = "outdial_connect";

/* What happens to one customer. */
struct visit {
	struct leg *leg;
	switch_core_session_t *session;
	switch_channel_t *channel;
	/* A message was played. */
	unsigned int played:1;
};

/* An order, taken. */
struct order {
	enum leg_order what;
	char text[OUTDIAL_SOUND_LEN];
	char context[OUTDIAL_PLACE_LEN];
};

/* What tells people from machines is a module of the operator's, if he has one: it leaves its word in
 * outdial_amd. */
static int verdict_of(switch_channel_t *channel)
{
	const char *word = switch_channel_get_variable_dup(channel, "outdial_amd", SWITCH_FALSE, -1);

	if (zstr(word)) {
		return OUTDIAL_VERDICT_NONE;
	}
	if (!strcasecmp(word, "HUMAN") || !strcasecmp(word, "PERSON")) {
		return OUTDIAL_VERDICT_HUMAN;
	}
	if (!strcasecmp(word, "MACHINE")) {
		return OUTDIAL_VERDICT_MACHINE;
	}
	if (!strcasecmp(word, "SCREENING")) {
		return OUTDIAL_VERDICT_SCREENING;
	}
	return OUTDIAL_VERDICT_UNKNOWN;
}

static int is_over(void *data)
{
	struct visit *visit = data;
	int over;

	switch_mutex_lock(visit->leg->lock);
	over = visit->leg->order != LEG_ORDER_NONE || shim.faulted;
	switch_mutex_unlock(visit->leg->lock);
	return over;
}

static void take_order(struct leg *leg, struct order *order)
{
	switch_mutex_lock(leg->lock);
	order->what = leg->order;
	switch_copy_string(order->text, leg->text, sizeof(order->text));
	switch_copy_string(order->context, leg->to_context, sizeof(order->context));
	leg->order = LEG_ORDER_NONE;
	switch_mutex_unlock(leg->lock);
}

static void set_talking(struct leg *leg, int talking)
{
	switch_mutex_lock(leg->lock);
	leg->talking = talking;
	switch_mutex_unlock(leg->lock);
}

/* Lets the agent's thread bridge the two, and talks. Non-zero: he did not come. */
static int visit_meet(struct visit *visit, const char *id)
{
	struct session *session = session_find(id);
	switch_core_session_t *agent = session ? session_channel(session) : NULL;
	switch_status_t status = SWITCH_STATUS_FALSE;

	if (agent) {
		set_talking(visit->leg, 1);
		status = switch_ivr_bridge_bleg(visit->session, agent, OUTDIAL_CUSTOMER_WAITS_MS);
		set_talking(visit->leg, 0);
		switch_core_session_rwunlock(agent);
	}
	if (status == SWITCH_STATUS_SUCCESS) {
		/* Another one may have come than he was first told. */
		leg_unmeet(visit->leg);
	}
	session_release(session);
	return status == SWITCH_STATUS_SUCCESS ? 0 : -1;
}

/* Whether the machine at the far end records what comes now. */
static int visit_listen(struct visit *visit)
{
	switch (listen_for_recorder(visit->leg, visit->session)) {
	case LISTENED_BEEP:
	case LISTENED_SILENCE:
		return 1;
	case LISTENED_NEVER:
		switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(visit->session), SWITCH_LOG_NOTICE,
			"Leg '%s': no message is left, the machine never stops talking\n", visit->leg->id);
		return 0;
	case LISTENED_CUT:
		return 0;
	}
	return 0;
}

static void visit_play(struct visit *visit, const char *sound, int on_recorder)
{
	int whole = !on_recorder || visit_listen(visit);

	whole = whole && switch_ivr_play_file(visit->session, NULL, sound, NULL) == SWITCH_STATUS_SUCCESS
		&& switch_channel_ready(visit->channel);

	visit->played |= whole;
	shim_post(OUTDIAL_EVENT_LEG_PLAYED, visit->leg->id, NULL, whole);
}

/* Goes on in the dialplan where the engine said. */
static void visit_release(struct visit *visit, const struct order *order)
{
	if (*order->context && switch_ivr_session_transfer(visit->session, order->text, "XML", order->context)
			!= SWITCH_STATUS_SUCCESS) {
		switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(visit->session), SWITCH_LOG_WARNING,
			"Leg '%s' can't go on at %s in context %s\n", visit->leg->id, order->text, order->context);
	}
	shim_post(OUTDIAL_EVENT_LEG_RELEASED, visit->leg->id, NULL, 0);
}

/* Agent and customer have parted. */
static const char *visit_parted(struct visit *visit)
{
	if (!switch_channel_up(visit->channel)) {
		return "HANGUP";
	}
	shim_post(OUTDIAL_EVENT_LEG_LEFT, visit->leg->id, NULL, 0);
	/* Else he goes on in another place of the dialplan: the agent has transferred him. */
	return switch_channel_ready(visit->channel) ? "CONNECTED" : "TRANSFERRED";
}

/* What outdial_status says when the customer is no longer to wait and there is no order. */
static const char *visit_outcome(struct visit *visit)
{
	if (shim.faulted) {
		return "FAULT";
	}
	if (!switch_channel_up(visit->channel)) {
		return "HANGUP";
	}
	/* Somebody has sent him to another place of the dialplan. */
	return switch_channel_ready(visit->channel) ? "HANGUP" : "TRANSFERRED";
}

static const char *visit_run(struct visit *visit)
{
	struct wait wait = { .over = is_over, .data = visit, .bell = &visit->leg->bell, .music = visit->leg->music };
	struct order order;

	for (;;) {
		wait_run(visit->session, &wait);
		take_order(visit->leg, &order);
		switch (order.what) {
		case LEG_ORDER_MEET:
			if (!visit_meet(visit, order.text) && !is_over(visit)) {
				return visit_parted(visit);
			}
			break;
		case LEG_ORDER_PLAY:
		case LEG_ORDER_LEAVE_MESSAGE:
			visit_play(visit, order.text, order.what == LEG_ORDER_LEAVE_MESSAGE);
			break;
		case LEG_ORDER_ENQUEUE:
			if (queue_run(visit->leg, visit->session, order.text)) {
				return "CONNECTED";
			}
			break;
		case LEG_ORDER_RELEASE:
			visit_release(visit, &order);
			return "RELEASED";
		case LEG_ORDER_LET_GO:
			return "FAULT";
		case LEG_ORDER_NONE:
			return visit_outcome(visit);
		}
	}
}

/* Non-zero: it was called before on this call. */
static int visit_begin(struct leg *leg)
{
	int again;

	switch_mutex_lock(leg->lock);
	again = leg->connected;
	leg->connected = 1;
	leg->visiting = !again;
	switch_mutex_unlock(leg->lock);
	return again;
}

const char *connect_leg(struct leg *leg, switch_core_session_t *session, int verdict)
{
	struct visit visit = { .leg = leg, .session = session, .channel = switch_core_session_get_channel(session) };
	const char *status;
	int res;

	if (visit_begin(leg)) {
		switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(session), SWITCH_LOG_WARNING,
			"%s was called before on leg '%s'\n", app_name, leg->id);
		return "REPEATED";
	}
	res = shim_post(OUTDIAL_EVENT_LEG_READY, leg->id, NULL, verdict);
	if (res != OUTDIAL_OK) {
		switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(session), SWITCH_LOG_WARNING,
			"Leg '%s' is not taken by the engine: %s\n", leg->id, outdial_strerror(res));
		return res == OUTDIAL_E_FULL ? "FULL" : "FAULT";
	}
	status = visit_run(&visit);
	switch_mutex_lock(leg->lock);
	leg->visiting = 0;
	switch_mutex_unlock(leg->lock);
	return !strcmp(status, "HANGUP") && visit.played ? "MESSAGE" : status;
}

SWITCH_STANDARD_APP(connect_app)
{
	switch_channel_t *channel = switch_core_session_get_channel(session);
	struct leg *leg = leg_of(channel);

	if (!zstr(data)) {
		switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(session), SWITCH_LOG_WARNING,
			"%s takes no options, '%s' is ignored\n", app_name, data);
	}
	if (!leg) {
		switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(session), SWITCH_LOG_WARNING,
			"%s on a channel that outdial has not dialed\n", app_name);
		shim_status(channel, "NOT_OUTDIAL");
		return;
	}
	shim_status(channel, connect_leg(leg, session, verdict_of(channel)));
	leg_release(leg);
}

void connect_register(switch_loadable_module_interface_t **module_interface)
{
	switch_application_interface_t *app;

	SWITCH_ADD_APP(app, app_name, "Hand an answered call of outdial to its campaign",
		"The campaign connects an agent, plays a message, lets the call go on in the dialplan, or hangs up. Sets "
		"outdial_status.", connect_app, "", SAF_NONE);
}
