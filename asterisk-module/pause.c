/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief OutdialPause and OutdialUnpause: an agent takes no calls for a while.
 */

/*** DOCUMENTATION
	<application name="OutdialPause" language="en_US">
		<synopsis>
			Give an agent of outdial no more calls.
		</synopsis>
		<syntax>
			<parameter name="agent" required="true">
				<para>The agent's name, as in <literal>outdial agents list</literal>.</para>
			</parameter>
			<parameter name="code">
				<para>Why: one of the operator's pause codes.</para>
			</parameter>
		</syntax>
		<description>
			<para>A call in hand is finished first, with its wrap-up. A call of this application by
			an agent who is paused changes the code.</para>
			<example title="Star two pauses whoever dials it">
			exten => *2,1,OutdialPause(${CALLERID(num)},break)
			 same => n,ExecIf($["${OUTDIAL_STATUS}"="OK"]?Playback(agent-loggedoff):Playback(pbx-invalid))
			</example>
			<para>Sets <variable>OUTDIAL_STATUS</variable>:</para>
			<variablelist>
				<variable name="OUTDIAL_STATUS">
					<value name="OK">Done.</value>
					<value name="UNKNOWN">No agent of that name is configured.</value>
					<value name="NOT_NOW">The agent is not logged in; the log has the reason.</value>
					<value name="UNAVAILABLE">outdial does not answer in time.</value>
					<value name="FAULT">outdial has stopped; see the log.</value>
					<value name="ERROR">The application was used wrongly; see the log.</value>
				</variable>
			</variablelist>
		</description>
		<see-also>
			<ref type="application">OutdialUnpause</ref>
			<ref type="application">OutdialAgent</ref>
			<ref type="function">OUTDIAL_AGENT</ref>
		</see-also>
	</application>
	<application name="OutdialUnpause" language="en_US">
		<synopsis>
			Give an agent of outdial calls again.
		</synopsis>
		<syntax>
			<parameter name="agent" required="true">
				<para>The agent's name, as in <literal>outdial agents list</literal>.</para>
			</parameter>
		</syntax>
		<description>
			<para>An agent who is not paused stays as he is, and the status is
			<literal>OK</literal>.</para>
			<para>Sets <variable>OUTDIAL_STATUS</variable>:</para>
			<variablelist>
				<variable name="OUTDIAL_STATUS">
					<value name="OK">Done.</value>
					<value name="UNKNOWN">No agent of that name is configured.</value>
					<value name="NOT_NOW">The agent is not logged in; the log has the reason.</value>
					<value name="UNAVAILABLE">outdial does not answer in time.</value>
					<value name="FAULT">outdial has stopped; see the log.</value>
					<value name="ERROR">The application was used wrongly; see the log.</value>
				</variable>
			</variablelist>
		</description>
		<see-also>
			<ref type="application">OutdialPause</ref>
		</see-also>
	</application>
 ***/

#include "shim.h"

#include "asterisk/app.h"
#include "asterisk/channel.h"
#include "asterisk/pbx.h"

static const char pause_name[] = "OutdialPause";
static const char unpause_name[] = "OutdialUnpause";

/*! \brief Have the engine do it, and say how it went. */
static void perform(struct ast_channel *chan, const char *app, const char *agent, uint32_t action,
	const char *code)
{
	char err[256] = "";
	int res = outdial_agent(shim.engine, agent, action, code, err, sizeof(err));

	shim_result(chan, app, agent, res, "UNKNOWN", err);
}

static int pause_exec(struct ast_channel *chan, const char *data)
{
	char *parse = ast_strdupa(S_OR(data, ""));
	AST_DECLARE_APP_ARGS(args,
		AST_APP_ARG(agent);
		AST_APP_ARG(code);
	);

	AST_STANDARD_APP_ARGS(args, parse);
	if (ast_strlen_zero(args.agent) || args.argc > 2) {
		ast_log(LOG_WARNING, "%s(agent[,code]): got '%s'\n", pause_name, S_OR(data, ""));
		shim_status(chan, "ERROR");
		return 0;
	}
	perform(chan, pause_name, args.agent, OUTDIAL_AGENT_PAUSE, args.code);
	return 0;
}

static int unpause_exec(struct ast_channel *chan, const char *data)
{
	if (ast_strlen_zero(data) || strchr(data, ',')) {
		ast_log(LOG_WARNING, "%s(agent): got '%s'\n", unpause_name, S_OR(data, ""));
		shim_status(chan, "ERROR");
		return 0;
	}
	perform(chan, unpause_name, data, OUTDIAL_AGENT_UNPAUSE, NULL);
	return 0;
}

int pause_register(void)
{
	return ast_register_application_xml(pause_name, pause_exec)
		|| ast_register_application_xml(unpause_name, unpause_exec);
}

void pause_unregister(void)
{
	ast_unregister_application(pause_name);
	ast_unregister_application(unpause_name);
}
