/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief OutdialDisposition, OutdialAdd and OutdialDNC: what the dialplan has written to the database.
 */

/*** DOCUMENTATION
	<application name="OutdialDisposition" language="en_US">
		<synopsis>
			Say what came of a call of outdial.
		</synopsis>
		<syntax>
			<parameter name="code" required="true">
				<para>One of the operator's dispositions, as in
				<literal>outdial dispositions list</literal>.</para>
			</parameter>
			<parameter name="callback">
				<para>When to call back, for a disposition that is a callback:
				<literal>2026-12-01T15:00</literal> in the lead's own time,
				<literal>2026-12-01T15:00-03:00</literal>, or <literal>+2h</literal> from now
				(<literal>+90m</literal>, <literal>+1d</literal>).</para>
			</parameter>
			<parameter name="options">
				<optionlist>
					<option name="a">
						<argument name="agent" required="true" />
						<para>The call that this agent has in hand or wraps up, else his last
						one; whoever runs the application. The wrap-up ends.</para>
					</option>
					<option name="n">
						<argument name="note" required="true" />
						<para>Written down with the call.</para>
					</option>
					<option name="p">
						<para>The same agent calls back.</para>
					</option>
				</optionlist>
			</parameter>
		</syntax>
		<description>
			<para>Without the option <literal>a</literal>: on a channel that outdial has dialed, this
			call; on the channel of an agent in OutdialAgent, the call that he has in hand. The last
			word counts.</para>
			<example title="A caller presses 2 to be called tomorrow">
			exten => 2,1,OutdialDisposition(callback,+1d)
			 same => n,ExecIf($["${OUTDIAL_STATUS}"="OK"]?Playback(vm-goodbye))
			 same => n,Hangup()
			</example>
			<example title="An agent ends the wrap-up from any phone with *7 and a code's digit">
			exten => *71,1,OutdialDisposition(sale,,a(${CALLERID(num)}))
			exten => *72,1,OutdialDisposition(not_interested,,a(${CALLERID(num)}))
			</example>
			<para>Sets <variable>OUTDIAL_STATUS</variable>:</para>
			<variablelist>
				<variable name="OUTDIAL_STATUS">
					<value name="OK">Done.</value>
					<value name="REFUSED">There is no such disposition, agent or call, or the
					callback's time is none; the log has the reason.</value>
					<value name="NOT_NOW">The call is over.</value>
					<value name="NOT_OUTDIAL">Neither a call nor an agent of outdial.</value>
					<value name="UNAVAILABLE">The sidecar is not there, or did not answer in
					time.</value>
					<value name="FAULT">outdial has stopped; see the log.</value>
					<value name="ERROR">The application was used wrongly; see the log.</value>
				</variable>
			</variablelist>
		</description>
		<see-also>
			<ref type="application">OutdialConnect</ref>
			<ref type="application">OutdialAgent</ref>
		</see-also>
	</application>
	<application name="OutdialAdd" language="en_US">
		<synopsis>
			Add a lead to a campaign of outdial.
		</synopsis>
		<syntax>
			<parameter name="campaign" required="true" />
			<parameter name="number" required="true">
				<para>With <literal>+</literal> and the country's code, or as the column
				<literal>country</literal> says.</para>
			</parameter>
			<parameter name="column" multiple="true">
				<para><literal>name=value</literal>: <literal>list</literal> (default
				<literal>added</literal>), <literal>country</literal> (<literal>BR</literal> for
				example), <literal>time_zone</literal>, <literal>priority</literal>,
				<literal>owner_agent</literal>, <literal>skill</literal>,
				<literal>phone2</literal> and so on, and any column of the lead's own. A value with
				a comma stands in double quotes.</para>
			</parameter>
		</syntax>
		<description>
			<para>A number that the campaign has already is refused. It is dialed as soon as its
			turn comes, under all rules: calling hours, caps, do-not-call.</para>
			<example title="Whoever hangs up in the queue is called back">
			exten => h,1,OutdialAdd(returns,+${CALLERID(num)},time_zone=America/Sao_Paulo,queue=${QUEUENAME})
			</example>
			<para>Sets <variable>OUTDIAL_STATUS</variable>:</para>
			<variablelist>
				<variable name="OUTDIAL_STATUS">
					<value name="OK">The lead is in the database.</value>
					<value name="REFUSED">No such campaign, no number, one that is there already,
					or a column's value that is none; the log has the reason.</value>
					<value name="NOT_NOW">outdial does not run yet, or no more.</value>
					<value name="UNAVAILABLE">The sidecar is not there, or did not answer in
					time.</value>
					<value name="FAULT">outdial has stopped; see the log.</value>
					<value name="ERROR">The application was used wrongly; see the log.</value>
				</variable>
			</variablelist>
		</description>
		<see-also>
			<ref type="application">OutdialDNC</ref>
		</see-also>
	</application>
	<application name="OutdialDNC" language="en_US">
		<synopsis>
			Put a number on the do-not-call list of outdial.
		</synopsis>
		<syntax>
			<parameter name="number">
				<para>Digits with the country's code. Empty: the number of this call, which
				outdial has dialed.</para>
			</parameter>
			<parameter name="campaign">
				<para>For this campaign only; without it, for all.</para>
			</parameter>
		</syntax>
		<description>
			<para>Every lead with the number is taken back within seconds, on every node.</para>
			<example title="Whoever presses 9 is never called again">
			exten => 9,1,OutdialDNC()
			 same => n,Playback(vm-goodbye)
			 same => n,Hangup()
			</example>
			<para>Sets <variable>OUTDIAL_STATUS</variable>:</para>
			<variablelist>
				<variable name="OUTDIAL_STATUS">
					<value name="OK">It is on the list, since now or since before.</value>
					<value name="REFUSED">No number, or no such campaign; the log has the
					reason.</value>
					<value name="NOT_OUTDIAL">No number was given, and outdial has not dialed this
					channel.</value>
					<value name="NOT_NOW">No number was given, and this call is over.</value>
					<value name="UNAVAILABLE">The sidecar is not there, or did not answer in
					time: tell the callee that it did not work.</value>
					<value name="FAULT">outdial has stopped; see the log.</value>
					<value name="ERROR">The application was used wrongly; see the log.</value>
				</variable>
			</variablelist>
		</description>
		<see-also>
			<ref type="application">OutdialAdd</ref>
		</see-also>
	</application>
 ***/

#include "leg.h"
#include "session.h"

#include "asterisk/app.h"
#include "asterisk/astobj2.h"
#include "asterisk/channel.h"
#include "asterisk/pbx.h"

static const char disposition_name[] = "OutdialDisposition";
static const char add_name[] = "OutdialAdd";
static const char dnc_name[] = "OutdialDNC";

/*! \brief Columns that OutdialAdd takes. */
#define MOST_COLUMNS 64

enum disposition_flag {
	DISPOSITION_AGENT = (1 << 0),
	DISPOSITION_NOTE = (1 << 1),
	DISPOSITION_PERSONAL = (1 << 2),
};

enum disposition_arg {
	DISPOSITION_AGENT_NAME,
	DISPOSITION_NOTE_TEXT,
	DISPOSITION_ARGS,
};

AST_APP_OPTIONS(disposition_options, BEGIN_OPTIONS
	AST_APP_OPTION_ARG('a', DISPOSITION_AGENT, DISPOSITION_AGENT_NAME),
	AST_APP_OPTION_ARG('n', DISPOSITION_NOTE, DISPOSITION_NOTE_TEXT),
	AST_APP_OPTION('p', DISPOSITION_PERSONAL),
END_OPTIONS);

/*! \brief A call that is no lead's, and a number that is none. */
static int not_outdial(struct ast_channel *chan, const char *app)
{
	ast_log(LOG_WARNING, "%s on channel %s, which outdial has not dialed\n", app,
		ast_channel_uniqueid(chan));
	shim_status(chan, "NOT_OUTDIAL");
	return 0;
}

/*! \brief A disposition of this channel's call, or of its agent's. */
static int dispose_here(struct ast_channel *chan, const struct outdial_disposition *said)
{
	char err[512] = "";
	struct leg *leg = leg_of(chan);
	struct session *session = leg ? NULL : session_of(chan);
	int res;

	if (leg) {
		res = outdial_dispose(shim.engine, OUTDIAL_OF_LEG, leg->id, said, err, sizeof(err));
	} else if (session) {
		res = outdial_dispose(shim.engine, OUTDIAL_OF_AGENT, session->agent, said, err,
			sizeof(err));
	} else {
		return not_outdial(chan, disposition_name);
	}
	leg_release(leg);
	ao2_cleanup(session);
	shim_result(chan, disposition_name, said->code, res, "REFUSED", err);
	return 0;
}

static int disposition_exec(struct ast_channel *chan, const char *data)
{
	struct outdial_disposition said = { .struct_size = sizeof(said), };
	struct ast_flags flags = { 0, };
	char *option_args[DISPOSITION_ARGS] = { NULL, };
	char *parse = ast_strdupa(S_OR(data, ""));
	char err[512] = "";
	int res;
	AST_DECLARE_APP_ARGS(args,
		AST_APP_ARG(code);
		AST_APP_ARG(callback);
		AST_APP_ARG(options);
	);

	AST_STANDARD_APP_ARGS(args, parse);
	if (ast_strlen_zero(args.code) || args.argc > 3
		|| (args.options
			&& ast_app_parse_options(disposition_options, &flags, option_args, args.options))
		|| (ast_test_flag(&flags, DISPOSITION_AGENT)
			&& ast_strlen_zero(option_args[DISPOSITION_AGENT_NAME]))) {
		ast_log(LOG_WARNING, "%s(code[,callback[,a(agent)n(note)p]]): got '%s'\n",
			disposition_name, S_OR(data, ""));
		shim_status(chan, "ERROR");
		return 0;
	}
	said.code = args.code;
	said.callback_at = args.callback;
	said.callback_personal = ast_test_flag(&flags, DISPOSITION_PERSONAL) ? 1 : 0;
	said.note = option_args[DISPOSITION_NOTE_TEXT];
	if (!ast_test_flag(&flags, DISPOSITION_AGENT)) {
		return dispose_here(chan, &said);
	}
	res = outdial_dispose(shim.engine, OUTDIAL_OF_AGENT, option_args[DISPOSITION_AGENT_NAME], &said,
		err, sizeof(err));
	shim_result(chan, disposition_name, said.code, res, "REFUSED", err);
	return 0;
}

static int add_exec(struct ast_channel *chan, const char *data)
{
	const char *names[MOST_COLUMNS];
	const char *values[MOST_COLUMNS];
	char *parse = ast_strdupa(S_OR(data, ""));
	char err[512] = "";
	unsigned int count = 0;
	unsigned int i;
	int res;
	AST_DECLARE_APP_ARGS(args,
		AST_APP_ARG(campaign);
		AST_APP_ARG(number);
		AST_APP_ARG(columns)[MOST_COLUMNS + 1];
	);

	AST_STANDARD_APP_ARGS(args, parse);
	if (args.argc < 2 || ast_strlen_zero(args.campaign) || ast_strlen_zero(args.number)
		|| args.argc > 2 + MOST_COLUMNS) {
		ast_log(LOG_WARNING, "%s(campaign,number[,name=value...]): got '%s'\n", add_name,
			S_OR(data, ""));
		shim_status(chan, "ERROR");
		return 0;
	}
	for (i = 0; i + 2 < args.argc; i++) {
		char *value = args.columns[i];
		char *name = strsep(&value, "=");

		if (!value || ast_strlen_zero(name)) {
			ast_log(LOG_WARNING, "%s: '%s' is no name=value\n", add_name, S_OR(name, ""));
			shim_status(chan, "ERROR");
			return 0;
		}
		names[count] = ast_strip(name);
		values[count++] = value;
	}
	res = outdial_add(shim.engine, args.campaign, args.number, names, values, count, err, sizeof(err));
	shim_result(chan, add_name, args.campaign, res, "REFUSED", err);
	return 0;
}

static int dnc_exec(struct ast_channel *chan, const char *data)
{
	char *parse = ast_strdupa(S_OR(data, ""));
	char own[64] = "";
	char err[512] = "";
	int res = OUTDIAL_OK;
	AST_DECLARE_APP_ARGS(args,
		AST_APP_ARG(number);
		AST_APP_ARG(campaign);
	);

	AST_STANDARD_APP_ARGS(args, parse);
	if (args.argc > 2) {
		ast_log(LOG_WARNING, "%s([number[,campaign]]): got '%s'\n", dnc_name, S_OR(data, ""));
		shim_status(chan, "ERROR");
		return 0;
	}
	if (ast_strlen_zero(args.number)) {
		struct leg *leg = leg_of(chan);

		if (!leg) {
			return not_outdial(chan, dnc_name);
		}
		res = outdial_field(shim.engine, OUTDIAL_OF_LEG, leg->id, "number", own, sizeof(own));
		leg_release(leg);
		args.number = own;
		if (res == OUTDIAL_E_NOT_FOUND) {
			res = OUTDIAL_E_STATE;
		}
	}
	if (res == OUTDIAL_OK) {
		res = outdial_do_not_call(shim.engine, args.number, args.campaign, err, sizeof(err));
	}
	/* The number itself is not for the log. */
	shim_result(chan, dnc_name, S_OR(args.campaign, ""), res, "REFUSED", err);
	return 0;
}

int lead_register(void)
{
	return ast_register_application_xml(disposition_name, disposition_exec)
		|| ast_register_application_xml(add_name, add_exec)
		|| ast_register_application_xml(dnc_name, dnc_exec);
}

void lead_unregister(void)
{
	ast_unregister_application(disposition_name);
	ast_unregister_application(add_name);
	ast_unregister_application(dnc_name);
}
