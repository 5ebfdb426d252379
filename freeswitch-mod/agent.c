/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * outdial_agent: an agent's channel waits, meets customers, and waits again; all in its own thread.
 */
#include "desk.h"
#include "leg.h"
#include "pin.h"
#include "record.h"
#include "session.h"
#include "wait.h"
#include "words.h"

static const char app_name[] = "outdial_agent";
static const char app_syntax[] = "<agent>[,a(sound)m(music)p(sound)]";

/* What he hears, by the application's options. */
struct sounds {
	/* When a customer comes; empty: nothing. */
	char announcement[OUTDIAL_SOUND_LEN];
	/* While he waits; empty: silence. */
	char music[OUTDIAL_SOUND_LEN];
	/* Asks for his PIN. */
	char pin[OUTDIAL_SOUND_LEN];
};

/* What outdial_status says of a dismissal. `*mistake`: what the log says of it, where the dialplan's author,
 * or whoever set outdial up, should know; else untouched. */
static const char *dismissal(unsigned int why, const char **mistake)
{
	switch (why) {
	case OUTDIAL_DISMISS_UNKNOWN:
		*mistake = "no agent of that name is configured";
		return "UNKNOWN";
	case OUTDIAL_DISMISS_DUPLICATE:
		*mistake = "the agent is logged in on another channel";
		return "DUPLICATE";
	case OUTDIAL_DISMISS_DRAINING:
		return "DRAINING";
	case OUTDIAL_DISMISS_FULL:
		*mistake = "there are more agents than outdial can hold";
		return "FULL";
	case OUTDIAL_DISMISS_ON_HOOK:
		return "ON_HOOK";
	case OUTDIAL_DISMISS_PIN_UNCHECKED:
		return "UNAVAILABLE";
	default:
		return "LOGGED_OFF";
	}
}

static int is_over(void *data)
{
	struct session *session = data;
	int over;

	switch_mutex_lock(session->lock);
	over = *session->meet || session->dismissed || session->let_go || shim.faulted;
	switch_mutex_unlock(session->lock);
	return over;
}

/* What is heard by the agent alone, over what the customer says. */
static void announce(struct session *session, switch_core_session_t *channel)
{
	if (*session->announcement) {
		switch_ivr_displace_session(channel, session->announcement, 0, "m");
	}
}

/* Agent and customer talk, until one of them leaves. Non-zero: they did not meet. */
static int talk(struct session *session, switch_core_session_t *agent, struct leg *leg)
{
	switch_time_t late_ms = (switch_micro_time_now() - session->told_at) / 1000;
	switch_core_session_t *customer = late_ms < OUTDIAL_AGENT_COMES_MS ? leg_session(leg) : NULL;
	switch_channel_t *channel;

	if (!customer) {
		return -1;
	}
	/* His thread says so when it is ready to be bridged from here. */
	channel = switch_core_session_get_channel(customer);
	if (switch_channel_wait_for_flag(channel, CF_ARRANGED_BRIDGE, SWITCH_TRUE,
			(uint32_t) (OUTDIAL_AGENT_COMES_MS - late_ms), switch_core_session_get_channel(agent)) != SWITCH_STATUS_SUCCESS) {
		switch_core_session_rwunlock(customer);
		return -1;
	}
	switch_mutex_lock(leg->lock);
	leg->bridged = 1;
	switch_mutex_unlock(leg->lock);
	switch_mutex_lock(session->lock);
	switch_copy_string(session->with, leg->id, sizeof(session->with));
	switch_mutex_unlock(session->lock);
	shim_post(OUTDIAL_EVENT_LEG_BRIDGED, leg->id, session->id, 0);
	record_begin(leg);
	announce(session, agent);
	desk_begin(session, agent, customer);
	switch_ivr_multi_threaded_bridge(agent, customer, keys_input, session, NULL);
	record_end(leg);
	desk_over(session, agent, customer);
	if (*session->announcement) {
		switch_ivr_stop_displace_session(agent, session->announcement);
	}
	switch_core_session_rwunlock(customer);
	switch_mutex_lock(session->lock);
	session->with[0] = '\0';
	switch_mutex_unlock(session->lock);
	keys_over(session);
	return 0;
}

/* Meets the customer whom he was told to meet. */
static void meet(struct session *session, switch_core_session_t *agent)
{
	char id[OUTDIAL_ID_LEN];
	struct leg *leg;
	int failed;

	switch_mutex_lock(session->lock);
	switch_copy_string(id, session->meet, sizeof(id));
	switch_mutex_unlock(session->lock);
	leg = leg_find(id);
	failed = !leg || talk(session, agent, leg);
	switch_mutex_lock(session->lock);
	session->meet[0] = '\0';
	switch_mutex_unlock(session->lock);
	if (failed) {
		shim_post(OUTDIAL_EVENT_LEG_CONNECT_FAILED, id, session->id, 0);
	}
	leg_release(leg);
}

static void key_pressed(void *data, char digit)
{
	keys_waiting(data, digit);
}

/* Waits for one order. */
static void wait_turn(struct session *session, switch_core_session_t *agent)
{
	struct wait wait = { .over = is_over, .key = key_pressed, .data = session, .bell = &session->bell, .music = session->music };
	int free;

	switch_mutex_lock(session->lock);
	session->waiting = 1;
	free = !session->dismissed && !session->let_go && !shim.faulted;
	switch_mutex_unlock(session->lock);
	if (free) {
		shim_post(OUTDIAL_EVENT_SESSION_WAITING, session->id, NULL, 0);
		wait_run(agent, &wait);
	}
	switch_mutex_lock(session->lock);
	session->waiting = 0;
	switch_mutex_unlock(session->lock);
}

void session_serve(struct session *session, switch_core_session_t *agent)
{
	switch_channel_t *channel = switch_core_session_get_channel(agent);
	const char *mistake = NULL;
	const char *status = NULL;

	shim_keys(&session->keys);
	/* He comes back here after each call, whatever the profile's habits are. */
	switch_channel_set_variable(channel, SWITCH_HANGUP_AFTER_BRIDGE_VARIABLE, "false");
	switch_channel_set_variable(channel, SWITCH_PARK_AFTER_BRIDGE_VARIABLE, NULL);
	switch_channel_set_variable(channel, SWITCH_TRANSFER_AFTER_BRIDGE_VARIABLE, NULL);
	while (!status) {
		int told;

		wait_turn(session, agent);
		if (!switch_channel_ready(channel)) {
			status = "HANGUP";
			break;
		}
		switch_mutex_lock(session->lock);
		told = *session->meet != '\0';
		if (!told && session->dismissed) {
			status = dismissal(session->dismissed, &mistake);
		} else if (!told && (session->let_go || shim.faulted)) {
			status = "FAULT";
		}
		switch_mutex_unlock(session->lock);
		if (told) {
			meet(session, agent);
		}
	}
	if (mistake) {
		switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(agent), SWITCH_LOG_WARNING, "%s(%s): %s\n", app_name,
			session->agent, mistake);
	}
	shim_status(channel, status);
}

static struct session *session_start(switch_core_session_t *agent, const char *name, int pin_checked)
{
	switch_channel_t *channel = switch_core_session_get_channel(agent);
	struct session *session = session_create(switch_core_session_get_uuid(agent), name);
	int res;

	if (!session) {
		shim_status(channel, "FAULT");
		return NULL;
	}
	session_set(session, agent);
	res = shim_post(OUTDIAL_EVENT_SESSION_ENTERED, session->id, session->agent, pin_checked);
	if (res == OUTDIAL_OK) {
		return session;
	}
	switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(agent), SWITCH_LOG_WARNING, "%s: '%s' can't log in: %s\n", app_name,
		name, outdial_strerror(res));
	shim_status(channel, res == OUTDIAL_E_FULL ? "FULL" : "FAULT");
	session_end(session);
	return NULL;
}

/* What he hears. Non-zero: malformed. */
static int take_options(const char *options, struct sounds *sounds)
{
	while (*options) {
		char option = *options++;

		if ((option != 'a'
				|| words_argument(&options, sounds->announcement, OUTDIAL_SOUND_LEN, "tone_stream://%(150,0,1400)"))
			&& (option != 'm' || words_argument(&options, sounds->music, OUTDIAL_SOUND_LEN, "local_stream://moh"))
			&& (option != 'p' || words_argument(&options, sounds->pin, OUTDIAL_SOUND_LEN, NULL))) {
			return -1;
		}
	}
	return 0;
}

SWITCH_STANDARD_APP(agent_app)
{
	switch_channel_t *channel = switch_core_session_get_channel(session);
	struct sounds sounds = { .pin = "ivr/ivr-please_enter_pin_followed_by_pound.wav" };
	char *name = switch_core_session_strdup(session, switch_str_nil(data));
	char *options = strchr(name, ',');
	struct session *agent;
	enum pin_result pin;

	if (options) {
		*options++ = '\0';
	}
	if (zstr(name) || strlen(name) >= sizeof(agent->agent)
		|| take_options(switch_str_nil(options), &sounds)) {
		switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(session), SWITCH_LOG_WARNING,
			"%s %s: agent missing or too long, or wrong options\n", app_name, app_syntax);
		shim_status(channel, "ERROR");
		return;
	}
	if (*sounds.announcement && !probe_sound(sounds.announcement)) {
		switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(session), SWITCH_LOG_WARNING, "%s: there is no sound '%s'\n", app_name,
			sounds.announcement);
		shim_status(channel, "ERROR");
		return;
	}
	if (switch_channel_answer(channel) != SWITCH_STATUS_SUCCESS) {
		shim_status(channel, "HANGUP");
		return;
	}
	pin = pin_ask(session, name, sounds.pin);
	if (pin == PIN_REFUSED) {
		return;
	}
	agent = session_start(session, name, pin == PIN_RIGHT);
	if (!agent) {
		return;
	}
	switch_copy_string(agent->announcement, sounds.announcement, sizeof(agent->announcement));
	switch_copy_string(agent->music, sounds.music, sizeof(agent->music));
	session_serve(agent, session);
	session_gone(agent);
}

void agent_register(switch_loadable_module_interface_t **module_interface)
{
	switch_application_interface_t *app;

	SWITCH_ADD_APP(app, app_name, "Log in as an agent of outdial",
		"Logs the channel in as an agent of outdial and waits for calls. Sets outdial_status.", agent_app, app_syntax,
		SAF_NONE);
}
