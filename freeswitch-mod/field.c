/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * outdial_call, outdial_agent and outdial_campaign as functions of the dialplan, and the application
 * outdial_get: what a dialplan may ask.
 *
 * FreeSWITCH expands a variable's value again wherever it is used, and the data of some applications
 * twice. A column of a lead is somebody else's text, so no value has a beginning of an expansion in it
 * when it leaves this file.
 */
#include "leg.h"
#include "words.h"

static const char get_name[] = "outdial_get";
static const char get_syntax[] = "<variable>=<field>";
static const char call_name[] = "outdial_call";
static const char call_syntax[] = "[<leg>,]<field>";
static const char agent_name[] = "outdial_agent";
static const char agent_syntax[] = "<agent>,<field>";
static const char campaign_name[] = "outdial_campaign";
static const char campaign_syntax[] = "<campaign>,<field>";

/* Longest value, with its NUL; longer ones are cut. */
#define VALUE_LEN 4096
/* Longest arguments of a function. */
#define LINE_LEN 512

/* A value, as the dialplan may have it: '${' becomes '$ {'. */
struct value {
	char text[2 * VALUE_LEN];
};

static void defuse(struct value *value, const char *raw)
{
	char *to = value->text;

	for (; *raw; raw++) {
		*to++ = *raw;
		if (raw[0] == '$' && raw[1] == '{') {
			*to++ = ' ';
		}
	}
	*to = '\0';
}

static int read_field(uint32_t of, const char *name, const char *field, struct value *value)
{
	char raw[VALUE_LEN] = "";
	int res = outdial_field(shim.engine, of, name, field, raw, sizeof(raw));

	defuse(value, res == OUTDIAL_OK ? raw : "");
	return res;
}

/* As a function of the dialplan says it: an empty value, and a warning. */
static void complain(const char *function, uint32_t of, const char *name, const char *field, int res)
{
	if (res == OUTDIAL_E_ARGUMENT) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_WARNING, "%s: there is no field '%s'%s\n", function, field,
			of == OUTDIAL_OF_LEG ? ", and the lead has no such column" : "");
	} else if (res != OUTDIAL_OK && (res != OUTDIAL_E_NOT_FOUND || of != OUTDIAL_OF_AGENT)) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_WARNING, "%s: '%s': %s\n", function, name,
			outdial_strerror(res));
	}
}

/* Functions with a name and a field. */
static switch_status_t read_named(const char *function, const char *syntax, uint32_t of, const char *cmd,
	switch_stream_handle_t *stream)
{
	struct value value = { "" };
	char line[LINE_LEN] = "";
	char *words[2];
	int res;

	if (shim_copy(line, sizeof(line), cmd, 1) || words_split(line, words, 2) != 2 || zstr(words[0]) || zstr(words[1])) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_WARNING, "%s(%s): got '%s'\n", function, syntax,
			switch_str_nil(cmd));
		return SWITCH_STATUS_SUCCESS;
	}
	res = read_field(of, words[0], words[1], &value);
	complain(function, of, words[0], words[1], res);
	if (res == OUTDIAL_E_NOT_FOUND && of == OUTDIAL_OF_AGENT && !strcmp(words[1], "state")) {
		defuse(&value, "logged_out");
	}
	stream->write_function(stream, "%s", value.text);
	return SWITCH_STATUS_SUCCESS;
}

SWITCH_STANDARD_API(agent_api)
{
	return read_named(agent_name, agent_syntax, OUTDIAL_OF_AGENT, cmd, stream);
}

SWITCH_STANDARD_API(campaign_api)
{
	return read_named(campaign_name, campaign_syntax, OUTDIAL_OF_CAMPAIGN, cmd, stream);
}

/* Of the channel whose dialplan asks; of another one by the leg's id. */
SWITCH_STANDARD_API(call_api)
{
	struct value value = { "" };
	struct leg *leg;

	if (!session || (!zstr(cmd) && strchr(cmd, ','))) {
		return read_named(call_name, call_syntax, OUTDIAL_OF_LEG, cmd, stream);
	}
	if (zstr(cmd)) {
		switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(session), SWITCH_LOG_WARNING, "%s(%s) needs a field\n", call_name,
			call_syntax);
		return SWITCH_STATUS_SUCCESS;
	}
	leg = leg_of(switch_core_session_get_channel(session));
	if (!leg) {
		switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(session), SWITCH_LOG_WARNING,
			"%s on channel %s, which outdial has not dialed\n", call_name, switch_core_session_get_uuid(session));
		return SWITCH_STATUS_SUCCESS;
	}
	complain(call_name, OUTDIAL_OF_LEG, leg->id, cmd, read_field(OUTDIAL_OF_LEG, leg->id, cmd, &value));
	leg_release(leg);
	stream->write_function(stream, "%s", value.text);
	return SWITCH_STATUS_SUCCESS;
}

/* The words of outdial_get. Non-zero: they are wrong. */
static int take_words(char *text, char **variable, char **field)
{
	*variable = text;
	*field = strchr(text, '=');
	if (!*field) {
		return -1;
	}
	*(*field)++ = '\0';
	return zstr(*variable) || zstr(*field) || !shim_is_made_of(*variable, OUTDIAL_NAME_CHARACTERS);
}

SWITCH_STANDARD_APP(get_app)
{
	switch_channel_t *channel = switch_core_session_get_channel(session);
	struct value value = { "" };
	struct leg *leg;
	char *variable;
	char *field;
	int res;

	if (take_words(switch_core_session_strdup(session, switch_str_nil(data)), &variable, &field)) {
		switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(session), SWITCH_LOG_WARNING, "%s %s: got '%s'\n", get_name,
			get_syntax, switch_str_nil(data));
		shim_status(channel, "ERROR");
		return;
	}
	leg = leg_of(channel);
	if (!leg) {
		switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(session), SWITCH_LOG_WARNING,
			"%s on channel %s, which outdial has not dialed\n", get_name, switch_core_session_get_uuid(session));
		shim_status(channel, "NOT_OUTDIAL");
		return;
	}
	res = read_field(OUTDIAL_OF_LEG, leg->id, field, &value);
	leg_release(leg);
	switch_channel_set_variable(channel, variable, value.text);
	shim_result(channel, get_name, field, res, "NOT_NOW",
		res == OUTDIAL_E_ARGUMENT ? "there is no such field, and the lead has no such column" : "");
}

void field_register(switch_loadable_module_interface_t **module_interface)
{
	switch_application_interface_t *app;
	switch_api_interface_t *api;

	SWITCH_ADD_API(api, call_name, "What outdial knows of a call", call_api, call_syntax);
	SWITCH_ADD_API(api, agent_name, "What outdial knows of an agent", agent_api, agent_syntax);
	SWITCH_ADD_API(api, campaign_name, "What outdial knows of a campaign", campaign_api, campaign_syntax);
	SWITCH_ADD_APP(app, get_name, "Put what outdial knows of this call into a variable", "Sets outdial_status.",
		get_app, get_syntax, SAF_NONE);
}
