/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * outdial_inbound: somebody who was dialed lately calls back.
 */
#include "connect.h"
#include "dial.h"
#include "leg.h"
#include "words.h"

static const char app_name[] = "outdial_inbound";
static const char app_syntax[] = "[<campaign>][,c(country)m(music)suw(seconds)]";

/* The longest wait, in seconds: usual, and at most. */
#define WAIT_SECONDS 60
#define WAIT_SECONDS_MAX 3600

/* What the dialplan asks for. */
struct wish {
	const char *campaign;
	char country[8];
	char music[OUTDIAL_SOUND_LEN];
	unsigned int wait_ms;
	unsigned int anybody:1;
};

/* What the options' letters say. */
struct letters {
	char seconds[8];
	unsigned int music:1;
	unsigned int silence:1;
};

static int take_letter(struct wish *wish, struct letters *letters, char letter, const char **options)
{
	switch (letter) {
	case 'c':
		return words_argument(options, wish->country, sizeof(wish->country), NULL);
	case 'm':
		letters->music = 1;
		return words_argument(options, wish->music, sizeof(wish->music), "local_stream://moh");
	case 's':
		letters->silence = 1;
		return 0;
	case 'u':
		wish->anybody = 1;
		return 0;
	case 'w':
		return words_argument(options, letters->seconds, sizeof(letters->seconds), NULL);
	default:
		return -1;
	}
}

/* Reads the arguments; `text` is cut to pieces. Non-zero: they are wrong. */
static int read_wish(struct wish *wish, char *text)
{
	struct letters letters = { "" };
	long seconds = WAIT_SECONDS;
	const char *options;
	char *rest = strchr(text, ',');
	char *end = NULL;

	if (rest) {
		*rest++ = '\0';
	}
	wish->campaign = text;
	for (options = switch_str_nil(rest); *options;) {
		char letter = *options++;

		if (take_letter(wish, &letters, letter, &options)) {
			return -1;
		}
	}
	if (*letters.seconds) {
		seconds = strtol(letters.seconds, &end, 10);
	}
	wish->wait_ms = (unsigned int) seconds * 1000;
	return (end && *end) || seconds < 1 || seconds > WAIT_SECONDS_MAX || (wish->anybody && zstr(wish->campaign))
		|| (letters.silence && letters.music);
}

/* A call that is one of ours already. Non-zero: it is, and it has been said. */
static int is_ours(switch_channel_t *channel)
{
	struct leg *leg = leg_of(channel);

	if (!leg) {
		return 0;
	}
	switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_WARNING, "%s on leg '%s', which %s\n", app_name, leg->id,
		leg->inbound ? "is in outdial already" : "outdial has dialed");
	shim_status(channel, leg->inbound ? "REPEATED" : "NOT_INBOUND");
	leg_release(leg);
	return 1;
}

/* What outdial_status says of a call that was not taken. */
static void refuse(switch_channel_t *channel, const char *campaign, int res, const char *err)
{
	switch (res) {
	case OUTDIAL_E_NOT_FOUND:
		/* Most of those who call a number are nobody's. */
		shim_debug("%s(%s): %s\n", app_name, campaign, err);
		shim_status(channel, "NOT_FOUND");
		return;
	case OUTDIAL_E_STATE:
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_NOTICE, "%s(%s): %s\n", app_name, campaign,
			zstr(err) ? outdial_strerror(res) : err);
		shim_status(channel, "NOT_NOW");
		return;
	default:
		shim_result(channel, app_name, campaign, res, "NOT_FOUND", err);
	}
}

/* What the channel is to a dialplan and to CDRs, as one that was dialed. */
static void dress(switch_channel_t *channel, const struct outdial_inbound_leg *taken)
{
	switch_channel_set_variable(channel, SWITCH_HANGUP_AFTER_BRIDGE_VARIABLE, "false");
	switch_channel_set_variable_printf(channel, "outdial_attempt", "%llu", (unsigned long long) taken->attempt);
	switch_channel_set_variable_printf(channel, "outdial_lead", "%llu", (unsigned long long) taken->lead);
}

/* Asks whose the caller is, and has him put in line. NULL: he is not; the status says why. */
static struct leg *take(switch_core_session_t *session, const struct wish *wish)
{
	switch_channel_t *channel = switch_core_session_get_channel(session);
	switch_caller_profile_t *profile = switch_channel_get_caller_profile(channel);
	struct outdial_inbound call = {
		.struct_size = sizeof(call), .wait_ms = wish->wait_ms, .anybody = wish->anybody, .campaign = wish->campaign,
		.country = wish->country, .number = profile ? profile->caller_id_number : NULL,
		.called = profile ? profile->destination_number : NULL,
	};
	struct outdial_inbound_leg taken = { .struct_size = sizeof(taken) };
	char err[512] = "";
	struct leg *leg;
	int res;

	if (zstr(call.number)) {
		refuse(channel, wish->campaign, OUTDIAL_E_NOT_FOUND, "the call has no number");
		return NULL;
	}
	res = outdial_inbound(shim.engine, &call, &taken, err, sizeof(err));
	if (res != OUTDIAL_OK) {
		refuse(channel, wish->campaign, res, err);
		return NULL;
	}
	leg = leg_adopt(&taken, session);
	if (!leg) {
		shim_post_ended(taken.leg, 1, 0, 0);
		shim_status(channel, "FULL");
		return NULL;
	}
	switch_copy_string(leg->music, wish->music, sizeof(leg->music));
	leg_follow(channel);
	dress(channel, &taken);
	return leg;
}

SWITCH_STANDARD_APP(inbound_app)
{
	switch_channel_t *channel = switch_core_session_get_channel(session);
	struct wish wish = { NULL };
	struct leg *leg;
	const char *status;

	if (read_wish(&wish, switch_core_session_strdup(session, switch_str_nil(data)))) {
		switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(session), SWITCH_LOG_WARNING, "%s %s: got '%s'\n", app_name,
			app_syntax, switch_str_nil(data));
		shim_status(channel, "ERROR");
		return;
	}
	if (is_ours(channel)) {
		return;
	}
	leg = take(session, &wish);
	if (!leg) {
		return;
	}
	status = switch_channel_answer(channel) != SWITCH_STATUS_SUCCESS ? "HANGUP"
		: connect_leg(leg, session, OUTDIAL_VERDICT_NONE);
	if (!strcmp(status, "RELEASED")) {
		status = "TIMEOUT";
	}
	if (!strcmp(status, "TIMEOUT") || !strcmp(status, "FULL") || !strcmp(status, "FAULT")) {
		/* He goes on, and is none of ours any more. */
		leg_unfollow(channel);
		leg_detach(leg, session);
	}
	shim_status(channel, status);
	leg_release(leg);
}

void inbound_register(switch_loadable_module_interface_t **module_interface)
{
	switch_application_interface_t *app;

	SWITCH_ADD_APP(app, app_name, "Bring who was dialed lately, and calls back, to his campaign's agents",
		"Answers the call if he is put in line. Sets outdial_status.", inbound_app, app_syntax, SAF_NONE);
}
