/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * All of it is done by what is put over a channel's audio. A broadcast, and FreeSWITCH's own hold, would
 * stop the bridge, and with it the keys.
 */
#include "desk.h"

#include "leg.h"
#include "session.h"

/* What the agent hears when it was done, and when not. */
static const char done_sound[] = "tone_stream://%(120,0,880)";
static const char failed_sound[] = "tone_stream://%(350,0,300)";
/* What a customer on hold hears, unless hold_music says otherwise. */
static const char default_music[] = "local_stream://moh";
/* Comes in place of what a phone does not send: without any packet of the one, the other one's beep or music
 * would not come along. */
static const char noise_name[] = "bridge_generate_comfort_noise";
static const char noise[] = "true";

void desk_hears(struct session *session, int done)
{
	const char *sound = done ? done_sound : failed_sound;
	switch_core_session_t *channel = session_channel(session);

	shim_debug("Agent '%s' hears that it was %s\n", session->agent, done ? "done" : "not done");
	if (!channel) {
		return;
	}
	/* The one before may still sound. */
	switch_ivr_stop_displace_session(channel, sound);
	if (switch_ivr_displace_session(channel, sound, 0, "m") != SWITCH_STATUS_SUCCESS) {
		shim_debug("'%s' can't be played: is mod_tone_stream loaded?\n", sound);
	}
	switch_core_session_rwunlock(channel);
}

switch_core_session_t *desk_customer(struct session *session)
{
	char with[OUTDIAL_ID_LEN];
	switch_core_session_t *customer = NULL;
	struct leg *leg;

	switch_mutex_lock(session->lock);
	switch_copy_string(with, session->with, sizeof(with));
	switch_mutex_unlock(session->lock);
	leg = *with ? leg_find(with) : NULL;
	if (leg) {
		customer = leg_session(leg);
		leg_release(leg);
	}
	return customer;
}

/* A sound by whose name it can be ended, too. */
static int has_whole_name(const char *sound)
{
	return strstr(sound, SWITCH_URL_SEPARATOR) || (*sound == '/' && strrchr(sound, '.'));
}

/* The music that the customer hears now; empty: there is none to be had. */
static void start_music(switch_core_session_t *customer, char *music, size_t size)
{
	const char *wished = switch_channel_get_hold_music(switch_core_session_get_channel(customer));

	*music = '\0';
	if (!zstr(wished) && !strcasecmp(wished, "silence")) {
		return;
	}
	if (!zstr(wished) && has_whole_name(wished) && !shim_copy(music, size, wished, 1)
		&& switch_ivr_displace_session(customer, music, 0, "l") == SWITCH_STATUS_SUCCESS) {
		return;
	}
	switch_copy_string(music, default_music, size);
	if (switch_ivr_displace_session(customer, music, 0, "l") != SWITCH_STATUS_SUCCESS) {
		switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(customer), SWITCH_LOG_NOTICE,
			"Neither hold_music nor '%s' can be played: silence on hold\n", default_music);
		*music = '\0';
	}
}

/* He is not heard while he has muted himself, nor by a customer who is on hold without music. */
static int set_voice(struct session *session, switch_core_session_t *agent)
{
	int silent = session->muted || (session->held && !*session->hold_music);

	return switch_ivr_session_audio(agent, "mute", "read", silent) == SWITCH_STATUS_SUCCESS ? 0 : -1;
}

int desk_hold(struct session *session)
{
	switch_core_session_t *customer = desk_customer(session);
	switch_core_session_t *agent = customer ? session_channel(session) : NULL;
	int res = -1;

	if (agent) {
		session->held = !session->held;
		if (session->held) {
			start_music(customer, session->hold_music, sizeof(session->hold_music));
		} else if (*session->hold_music) {
			switch_ivr_stop_displace_session(customer, session->hold_music);
		}
		res = set_voice(session, agent);
		shim_debug("Agent '%s' has %s the customer, '%s'\n", session->agent, session->held ? "held" : "taken back",
			session->hold_music);
		switch_core_session_rwunlock(agent);
	}
	if (customer) {
		switch_core_session_rwunlock(customer);
	}
	return res;
}

int desk_mute(struct session *session)
{
	switch_core_session_t *customer = desk_customer(session);
	switch_core_session_t *agent = customer ? session_channel(session) : NULL;
	int res = -1;

	if (agent) {
		session->muted = !session->muted;
		res = set_voice(session, agent);
		if (res) {
			session->muted = !session->muted;
		}
		switch_core_session_rwunlock(agent);
	}
	if (customer) {
		switch_core_session_rwunlock(customer);
	}
	return res;
}

static void fill_gaps(switch_core_session_t *session)
{
	switch_channel_t *channel = switch_core_session_get_channel(session);

	if (zstr(switch_channel_get_variable_dup(channel, noise_name, SWITCH_FALSE, -1))) {
		switch_channel_set_variable(channel, noise_name, noise);
	}
}

void desk_begin(struct session *session, switch_core_session_t *agent, switch_core_session_t *customer)
{
	if (session->keys.count) {
		fill_gaps(agent);
		fill_gaps(customer);
	}
}

void desk_over(struct session *session, switch_core_session_t *agent, switch_core_session_t *customer)
{
	int silenced = session->muted || session->held;

	if (session->held && *session->hold_music) {
		switch_ivr_stop_displace_session(customer, session->hold_music);
	}
	session->held = 0;
	session->muted = 0;
	session->hold_music[0] = '\0';
	if (silenced) {
		set_voice(session, agent);
	}
}
