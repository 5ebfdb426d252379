/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * outdial_disposition, outdial_add and outdial_dnc: what the dialplan has written to the database.
 *
 * The last two are an API too: a call that has hung up runs no application any more, but its
 * api_hangup_hook.
 */
#include "leg.h"
#include "session.h"
#include "words.h"

static const char disposition_name[] = "outdial_disposition";
static const char disposition_syntax[] = "<code>[,<callback>[,a(agent)n(note)p]]";
static const char add_name[] = "outdial_add";
static const char add_syntax[] = "<campaign>,<number>[,<name>=<value>...]";
static const char dnc_name[] = "outdial_dnc";
static const char dnc_syntax[] = "[<number>[,<campaign>]]";

/* Columns that outdial_add takes. */
#define MOST_COLUMNS 64
/* Longest note of a disposition, with its NUL. */
#define NOTE_LEN 1024

/* How a request went. */
struct answer {
	int res;
	/* What it was about, no number. */
	const char *what;
	/* In words; may be empty. */
	char err[512];
};

static void wrong(struct answer *answer, const char *syntax)
{
	answer->res = OUTDIAL_E_ARGUMENT;
	/* What was given is not for the log: there may be a number in it. */
	switch_snprintf(answer->err, sizeof(answer->err), "it takes %s", syntax);
}

static void tell_channel(switch_channel_t *channel, const char *app, const struct answer *answer)
{
	shim_result(channel, app, switch_str_nil(answer->what), answer->res, "REFUSED", answer->err);
}

/* Scripts look for +OK and -ERR. */
static void tell_stream(switch_stream_handle_t *stream, const struct answer *answer)
{
	if (answer->res == OUTDIAL_OK) {
		stream->write_function(stream, "+OK\n");
	} else {
		stream->write_function(stream, "-ERR %s\n", zstr(answer->err) ? outdial_strerror(answer->res) : answer->err);
	}
}

/* Neither a call nor an agent of outdial. */
static void not_outdial(switch_channel_t *channel, const char *app)
{
	switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_WARNING, "%s on channel %s, which outdial has not dialed\n", app,
		switch_channel_get_uuid(channel));
	shim_status(channel, "NOT_OUTDIAL");
}

/* The options' part. Non-zero: malformed. */
static int take_options(const char *options, char *agent, char *note, uint32_t *personal)
{
	while (*options) {
		char option = *options++;

		if (option == 'p') {
			*personal = 1;
		} else if ((option != 'a' || words_argument(&options, agent, OUTDIAL_ID_LEN, NULL))
			&& (option != 'n' || words_argument(&options, note, NOTE_LEN, NULL))) {
			return -1;
		}
	}
	return 0;
}

/* Of this channel's call, or of its agent's. Non-zero: it is neither. */
static int dispose_here(switch_channel_t *channel, const struct outdial_disposition *said, struct answer *answer)
{
	struct leg *leg = leg_of(channel);
	struct session *session = leg ? NULL : session_of(channel);

	if (leg) {
		answer->res = outdial_dispose(shim.engine, OUTDIAL_OF_LEG, leg->id, said, answer->err, sizeof(answer->err));
	} else if (session) {
		answer->res = outdial_dispose(shim.engine, OUTDIAL_OF_AGENT, session->agent, said, answer->err,
			sizeof(answer->err));
	} else {
		return -1;
	}
	leg_release(leg);
	session_release(session);
	return 0;
}

/* The first two words; the rest, in which commas may be, is the options. */
static char *cut_options(char *text)
{
	char *at = strchr(text, ',');

	at = at ? strchr(at + 1, ',') : NULL;
	if (at) {
		*at++ = '\0';
	}
	return at;
}

SWITCH_STANDARD_APP(disposition_app)
{
	switch_channel_t *channel = switch_core_session_get_channel(session);
	struct outdial_disposition said = { .struct_size = sizeof(said) };
	struct answer answer = { .res = OUTDIAL_OK };
	char *text = switch_core_session_strdup(session, switch_str_nil(data));
	char *options = cut_options(text);
	char agent[OUTDIAL_ID_LEN] = "";
	char note[NOTE_LEN] = "";
	char *words[2];

	words_split(text, words, 2);
	answer.what = words[0];
	if (zstr(words[0]) || take_options(switch_str_nil(options), agent, note, &said.callback_personal)) {
		wrong(&answer, disposition_syntax);
		tell_channel(channel, disposition_name, &answer);
		return;
	}
	said.code = words[0];
	said.callback_at = words[1];
	said.note = note;
	if (*agent) {
		answer.res = outdial_dispose(shim.engine, OUTDIAL_OF_AGENT, agent, &said, answer.err, sizeof(answer.err));
	} else if (dispose_here(channel, &said, &answer)) {
		not_outdial(channel, disposition_name);
		return;
	}
	tell_channel(channel, disposition_name, &answer);
}

/* Cuts `text` to pieces, which `answer` may point to. */
static void add(char *text, struct answer *answer)
{
	const char *names[MOST_COLUMNS];
	const char *values[MOST_COLUMNS];
	char *words[2 + MOST_COLUMNS];
	unsigned int count = words_split(text, words, 2 + MOST_COLUMNS);
	unsigned int i;

	answer->what = words[0];
	if (zstr(words[0]) || zstr(words[1]) || count > 2 + MOST_COLUMNS) {
		wrong(answer, add_syntax);
		return;
	}
	for (i = 0; i + 2 < count; i++) {
		char *value = strchr(words[i + 2], '=');

		if (!value || value == words[i + 2]) {
			wrong(answer, add_syntax);
			return;
		}
		*value++ = '\0';
		names[i] = words[i + 2];
		values[i] = value;
	}
	answer->res = outdial_add(shim.engine, words[0], words[1], names, values, count - 2, answer->err,
		sizeof(answer->err));
}

SWITCH_STANDARD_APP(add_app)
{
	struct answer answer = { .res = OUTDIAL_OK };

	add(switch_core_session_strdup(session, switch_str_nil(data)), &answer);
	tell_channel(switch_core_session_get_channel(session), add_name, &answer);
}

SWITCH_STANDARD_API(add_api)
{
	struct answer answer = { .res = OUTDIAL_OK };
	char *text = strdup(switch_str_nil(cmd));

	if (!text) {
		return SWITCH_STATUS_MEMERR;
	}
	add(text, &answer);
	tell_stream(stream, &answer);
	free(text);
	return SWITCH_STATUS_SUCCESS;
}

/* The number of this channel's call. Non-zero: outdial has not dialed it. */
static int own_number(switch_channel_t *channel, char *number, size_t size, struct answer *answer)
{
	struct leg *leg = channel ? leg_of(channel) : NULL;

	if (!leg) {
		return -1;
	}
	answer->res = outdial_field(shim.engine, OUTDIAL_OF_LEG, leg->id, "number", number, size);
	if (answer->res == OUTDIAL_E_NOT_FOUND) {
		answer->res = OUTDIAL_E_STATE;
	}
	leg_release(leg);
	return 0;
}

/* Cuts `text` to pieces, which `answer` may point to. Non-zero: there is no number, and the channel is not
 * outdial's. */
static int dnc(char *text, switch_channel_t *channel, struct answer *answer)
{
	char *words[2];
	unsigned int count = words_split(text, words, 2);
	char own[64] = "";
	const char *number = words[0];

	answer->what = words[1];
	if (count > 2) {
		wrong(answer, dnc_syntax);
		return 0;
	}
	if (zstr(number)) {
		number = own;
		if (own_number(channel, own, sizeof(own), answer)) {
			return -1;
		}
	}
	if (answer->res == OUTDIAL_OK) {
		answer->res = outdial_do_not_call(shim.engine, number, words[1], answer->err, sizeof(answer->err));
	}
	return 0;
}

SWITCH_STANDARD_APP(dnc_app)
{
	switch_channel_t *channel = switch_core_session_get_channel(session);
	struct answer answer = { .res = OUTDIAL_OK };

	if (dnc(switch_core_session_strdup(session, switch_str_nil(data)), channel, &answer)) {
		not_outdial(channel, dnc_name);
		return;
	}
	tell_channel(channel, dnc_name, &answer);
}

SWITCH_STANDARD_API(dnc_api)
{
	struct answer answer = { .res = OUTDIAL_OK };
	char *text = strdup(switch_str_nil(cmd));

	if (!text) {
		return SWITCH_STATUS_MEMERR;
	}
	if (dnc(text, session ? switch_core_session_get_channel(session) : NULL, &answer)) {
		wrong(&answer, dnc_syntax);
	}
	tell_stream(stream, &answer);
	free(text);
	return SWITCH_STATUS_SUCCESS;
}

void lead_register(switch_loadable_module_interface_t **module_interface)
{
	switch_application_interface_t *app;
	switch_api_interface_t *api;

	SWITCH_ADD_APP(app, disposition_name, "Say what came of a call of outdial",
		"Of this call, of the one that this agent has in hand, or with a(agent) of that agent's. Sets outdial_status.",
		disposition_app, disposition_syntax, SAF_NONE);
	SWITCH_ADD_APP(app, add_name, "Add a lead to a campaign of outdial", "Sets outdial_status.", add_app, add_syntax,
		SAF_NONE);
	SWITCH_ADD_APP(app, dnc_name, "Put a number on the do-not-call list of outdial",
		"Without a number: that of this call. Sets outdial_status.", dnc_app, dnc_syntax, SAF_NONE);
	SWITCH_ADD_API(api, add_name, "Add a lead to a campaign of outdial", add_api, add_syntax);
	SWITCH_ADD_API(api, dnc_name, "Put a number on the do-not-call list of outdial", dnc_api, dnc_syntax);
}
