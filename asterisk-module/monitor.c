/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief OutdialMonitor: a supervisor listens to an agent. ChanSpy does it; we know the channel.
 */

/*** DOCUMENTATION
	<application name="OutdialMonitor" language="en_US">
		<synopsis>
			Listen to an agent of outdial.
		</synopsis>
		<syntax>
			<parameter name="agent" required="true">
				<para>The agent's name, as in <literal>outdial agents list</literal>.</para>
			</parameter>
			<parameter name="mode">
				<enumlist>
					<enum name="listen"><para>Hear agent and customer. The default.</para></enum>
					<enum name="whisper"><para>Also be heard by the agent.</para></enum>
					<enum name="barge"><para>Also be heard by both.</para></enum>
				</enumlist>
			</parameter>
		</syntax>
		<description>
			<para>From one call of the agent to the next, until the supervisor hangs up or the
			agent logs off; then the dialplan goes on. It is ChanSpy: give it to supervisors only,
			and tell the agents. An agent whose phone is rung for each call can be heard during
			calls.</para>
			<example title="*91, *92 and *93 with the agent's number behind: listen, whisper, barge">
			exten => _*91X.,1,OutdialMonitor(${EXTEN:3})
			exten => _*92X.,1,OutdialMonitor(${EXTEN:3},whisper)
			exten => _*93X.,1,OutdialMonitor(${EXTEN:3},barge)
			</example>
			<para>Sets <variable>OUTDIAL_STATUS</variable>:</para>
			<variablelist>
				<variable name="OUTDIAL_STATUS">
					<value name="OK">It was listened to.</value>
					<value name="UNKNOWN">No agent of that name is logged in here.</value>
					<value name="UNAVAILABLE">Asterisk has no ChanSpy: load
					app_chanspy.so.</value>
					<value name="ERROR">The application was used wrongly; see the log.</value>
				</variable>
			</variablelist>
		</description>
		<see-also>
			<ref type="application">OutdialAgent</ref>
			<ref type="application">ChanSpy</ref>
		</see-also>
	</application>
 ***/

#include "session.h"

#include "asterisk/app.h"
#include "asterisk/astobj2.h"
#include "asterisk/channel.h"
#include "asterisk/pbx.h"

static const char app_name[] = "OutdialMonitor";

static const struct {
	const char *name;
	/*! \brief ChanSpy's option for it. */
	const char *option;
} modes[] = {
	{ "listen", "", },
	{ "whisper", "w", },
	{ "barge", "B", },
};

/*! \brief The channel that is looked for, by the agent's name. */
struct wanted {
	const char *agent;
	char channel[OUTDIAL_ID_LEN];
};

static void look_at(struct session *session, void *data)
{
	struct wanted *wanted = data;

	ao2_lock(session);
	if (!strcmp(session->agent, wanted->agent) && session->chan && !session->ringing) {
		ast_copy_string(wanted->channel, session->id, sizeof(wanted->channel));
	}
	ao2_unlock(session);
}

/*! \brief ChanSpy's option for a mode; NULL: there is no such mode. */
static const char *option_of(const char *mode)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(modes); i++) {
		if (!strcasecmp(mode, modes[i].name)) {
			return modes[i].option;
		}
	}
	return NULL;
}

static int monitor_exec(struct ast_channel *chan, const char *data)
{
	struct wanted wanted = { .channel = "", };
	char spy[OUTDIAL_ID_LEN + 16];
	char *parse = ast_strdupa(S_OR(data, ""));
	struct ast_app *app;
	const char *option;
	int res;
	AST_DECLARE_APP_ARGS(args,
		AST_APP_ARG(agent);
		AST_APP_ARG(mode);
	);

	AST_STANDARD_APP_ARGS(args, parse);
	option = option_of(S_OR(args.mode, "listen"));
	if (ast_strlen_zero(args.agent) || args.argc > 2 || !option) {
		ast_log(LOG_WARNING, "%s(agent[,listen|whisper|barge]): got '%s'\n", app_name,
			S_OR(data, ""));
		shim_status(chan, "ERROR");
		return 0;
	}
	wanted.agent = args.agent;
	session_each(look_at, &wanted);
	if (ast_strlen_zero(wanted.channel)) {
		ast_log(LOG_WARNING, "%s(%s): no agent of that name is logged in here, or his phone is on "
			"hook\n", app_name, args.agent);
		shim_status(chan, "UNKNOWN");
		return 0;
	}
	app = pbx_findapp("ChanSpy");
	if (!app) {
		ast_log(LOG_WARNING, "%s: there is no ChanSpy: load app_chanspy.so\n", app_name);
		shim_status(chan, "UNAVAILABLE");
		return 0;
	}
	/* By unique id, silently, until the agent's channel is gone. */
	snprintf(spy, sizeof(spy), "%s,uqES%s", wanted.channel, option);
	res = pbx_exec(chan, app, spy);
	shim_status(chan, "OK");
	return res;
}

int monitor_register(void)
{
	return ast_register_application_xml(app_name, monitor_exec);
}

void monitor_unregister(void)
{
	ast_unregister_application(app_name);
}
