/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * outdial_pause and outdial_unpause: an agent takes no calls for a while.
 */
#include "words.h"

static const char pause_name[] = "outdial_pause";
static const char pause_syntax[] = "<agent>[,<code>]";
static const char unpause_name[] = "outdial_unpause";
static const char unpause_syntax[] = "<agent>";

/* Has the engine do it, and says how it went. */
static void perform(switch_core_session_t *session, const char *app, const char *agent, uint32_t action,
	const char *code)
{
	char err[OUTDIAL_ERROR_LEN] = "";
	int res = outdial_agent(shim.engine, agent, action, code, err, sizeof(err));

	shim_result(switch_core_session_get_channel(session), app, agent, res, "UNKNOWN", err);
}

static void used_wrongly(switch_core_session_t *session, const char *app, const char *syntax, const char *data)
{
	switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(session), SWITCH_LOG_WARNING, "%s %s: got '%s'\n", app, syntax,
		switch_str_nil(data));
	shim_status(switch_core_session_get_channel(session), "ERROR");
}

SWITCH_STANDARD_APP(pause_app)
{
	char *words[2];
	unsigned int count = words_split(switch_core_session_strdup(session, switch_str_nil(data)), words, 2);

	if (zstr(words[0]) || count > 2) {
		used_wrongly(session, pause_name, pause_syntax, data);
		return;
	}
	perform(session, pause_name, words[0], OUTDIAL_AGENT_PAUSE, words[1]);
}

SWITCH_STANDARD_APP(unpause_app)
{
	char *words[1];
	unsigned int count = words_split(switch_core_session_strdup(session, switch_str_nil(data)), words, 1);

	if (zstr(words[0]) || count > 1) {
		used_wrongly(session, unpause_name, unpause_syntax, data);
		return;
	}
	perform(session, unpause_name, words[0], OUTDIAL_AGENT_UNPAUSE, NULL);
}

void pause_register(switch_loadable_module_interface_t **module_interface)
{
	switch_application_interface_t *app;

	SWITCH_ADD_APP(app, pause_name, "Give an agent of outdial no more calls",
		"A call in hand is finished first, with its wrap-up. Sets outdial_status.", pause_app, pause_syntax, SAF_NONE);
	SWITCH_ADD_APP(app, unpause_name, "Give an agent of outdial calls again", "Sets outdial_status.", unpause_app,
		unpause_syntax, SAF_NONE);
}
