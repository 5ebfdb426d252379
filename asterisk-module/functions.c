/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief OUTDIAL, OUTDIAL_AGENT and OUTDIAL_CAMPAIGN: what a dialplan may ask.
 */

/*** DOCUMENTATION
	<function name="OUTDIAL" language="en_US">
		<synopsis>
			What outdial knows of this call.
		</synopsis>
		<syntax>
			<parameter name="field" required="true">
				<enumlist>
					<enum name="campaign"><para>The campaign's name.</para></enum>
					<enum name="lead"><para>The lead's number in the database.</para></enum>
					<enum name="list"><para>The number of the list that the lead is from.</para></enum>
					<enum name="number"><para>The number as the lead has it.</para></enum>
					<enum name="position"><para>Its place among the lead's numbers, from 0.</para></enum>
					<enum name="attempts"><para>Attempts that the lead had before this one.</para></enum>
					<enum name="attempt"><para>This attempt's number in the database.</para></enum>
					<enum name="direction"><para><literal>outbound</literal>, or <literal>inbound</literal>
					for one that OutdialInbound has taken.</para></enum>
					<enum name="leg"><para>1 for the first trunk, 2 after a failover, and so on.</para></enum>
					<enum name="trunk"><para>The trunk's name; empty for a call that came
					in.</para></enum>
					<enum name="caller_id"><para>The number that the callee sees, or that the caller has
					dialed.</para></enum>
					<enum name="state"><para>How far the attempt is.</para></enum>
					<enum name="agent"><para>The chosen agent's name; empty before.</para></enum>
					<enum name="recording"><para>What the recording is called, below Asterisk's
					folder for recordings; empty if the call is not recorded, or has no agent
					yet.</para></enum>
					<enum name="amd"><para><literal>human</literal>, <literal>machine</literal>,
					<literal>unknown</literal>, <literal>screening</literal>; empty if AMD did not
					run.</para></enum>
					<enum name="lead.NAME"><para>The column NAME of the lead's own; empty where the
					lead has none. A name that is none of the above needs no
					<literal>lead.</literal> in front.</para></enum>
				</enumlist>
			</parameter>
		</syntax>
		<description>
			<para>Only on channels that outdial has dialed, and in calls that OutdialInbound has
			taken; elsewhere it is empty, and a warning is
			logged.</para>
			<example title="Name the recording by campaign and lead">
			same => n,MixMonitor(${OUTDIAL(campaign)}-${OUTDIAL(lead)}.wav)
			</example>
		</description>
		<see-also>
			<ref type="application">OutdialConnect</ref>
		</see-also>
	</function>
	<function name="OUTDIAL_AGENT" language="en_US">
		<synopsis>
			What outdial knows of an agent.
		</synopsis>
		<syntax>
			<parameter name="agent" required="true" />
			<parameter name="field" required="true">
				<enumlist>
					<enum name="state"><para><literal>available</literal>, <literal>on_call</literal>,
					<literal>wrap_up</literal>, <literal>paused</literal> and so on;
					<literal>logged_out</literal> for one who is not there.</para></enum>
					<enum name="pause"><para>The pause code.</para></enum>
					<enum name="since"><para>Seconds in this state.</para></enum>
					<enum name="logged_in"><para>Seconds since the log-in.</para></enum>
					<enum name="talk"><para>Seconds of it spent talking.</para></enum>
					<enum name="wrap_up"><para>Seconds of it spent in wrap-up.</para></enum>
					<enum name="paused"><para>Seconds of it spent paused.</para></enum>
					<enum name="calls"><para>Calls taken.</para></enum>
					<enum name="pin"><para>1 if OutdialAgent asks the agent for a PIN, else
					0.</para></enum>
				</enumlist>
			</parameter>
		</syntax>
		<description>
			<para>Empty for an agent who is not logged in, except for <literal>state</literal> and
			<literal>pin</literal>.</para>
		</description>
		<see-also>
			<ref type="application">OutdialAgent</ref>
			<ref type="application">OutdialPause</ref>
		</see-also>
	</function>
	<function name="OUTDIAL_CAMPAIGN" language="en_US">
		<synopsis>
			What outdial knows of a campaign.
		</synopsis>
		<syntax>
			<parameter name="campaign" required="true" />
			<parameter name="field" required="true">
				<enumlist>
					<enum name="state"><para><literal>running</literal>, <literal>paused</literal>,
					<literal>stopped</literal>, <literal>checking</literal>,
					<literal>refused</literal>.</para></enum>
					<enum name="why"><para>What keeps it from dialing more just now.</para></enum>
					<enum name="live"><para>Attempts live.</para></enum>
					<enum name="dialing"><para>Attempts not yet answered.</para></enum>
					<enum name="bridged"><para>Attempts with an agent.</para></enum>
					<enum name="agents"><para>Agents logged in.</para></enum>
					<enum name="free"><para>Agents free.</para></enum>
					<enum name="leads"><para>Leads in hand.</para></enum>
					<enum name="answered"><para>Calls answered by a person, over the window of the
					abandon rule.</para></enum>
					<enum name="abandoned"><para>Those of them that got no agent.</para></enum>
					<enum name="abandon_rate"><para>The same in percent, with two decimals.</para></enum>
					<enum name="short_calls"><para>Answered calls that were over within
					6 seconds.</para></enum>
				</enumlist>
			</parameter>
		</syntax>
		<description>
			<para>Empty for a campaign that this node does not know; a warning is logged.</para>
		</description>
		<see-also>
			<ref type="function">OUTDIAL</ref>
		</see-also>
	</function>
 ***/

#include "leg.h"

#include "asterisk/app.h"
#include "asterisk/channel.h"
#include "asterisk/pbx.h"

/*! \brief Read a field; \a quiet: that the thing is not there is no fault of the dialplan's. */
static int read_field(const char *function, uint32_t of, const char *name, const char *field,
	int quiet, char *buf, size_t len)
{
	int res = outdial_field(shim.engine, of, name, field, buf, len);

	if (res == OUTDIAL_OK) {
		return 0;
	}
	if (res == OUTDIAL_E_ARGUMENT) {
		ast_log(LOG_WARNING, "%s: there is no field '%s'%s; 'core show function %s' lists them\n",
			function, field, of == OUTDIAL_OF_LEG ? ", and the lead has no such column" : "",
			function);
	} else if (res != OUTDIAL_E_NOT_FOUND || !quiet) {
		ast_log(LOG_WARNING, "%s: '%s': %s\n", function, name, outdial_strerror(res));
	}
	return res == OUTDIAL_E_NOT_FOUND ? 1 : -1;
}

static int read_call(struct ast_channel *chan, const char *function, char *data, char *buf,
	size_t len)
{
	struct leg *leg;

	*buf = '\0';
	if (!chan || ast_strlen_zero(data)) {
		ast_log(LOG_WARNING, "%s(field) needs a channel and a field\n", function);
		return -1;
	}
	leg = leg_of(chan);
	if (!leg) {
		ast_log(LOG_WARNING, "%s on channel %s, which outdial has not dialed\n", function,
			ast_channel_uniqueid(chan));
		return 0;
	}
	read_field(function, OUTDIAL_OF_LEG, leg->id, data, 0, buf, len);
	leg_release(leg);
	return 0;
}

/*! \brief Both other functions: a name and a field. */
static int read_named(const char *function, uint32_t of, char *data, char *buf, size_t len)
{
	int res;
	AST_DECLARE_APP_ARGS(args,
		AST_APP_ARG(name);
		AST_APP_ARG(field);
	);

	*buf = '\0';
	AST_STANDARD_APP_ARGS(args, data);
	if (ast_strlen_zero(args.name) || ast_strlen_zero(args.field)) {
		ast_log(LOG_WARNING, "%s needs a name and a field\n", function);
		return -1;
	}
	res = read_field(function, of, args.name, args.field, of == OUTDIAL_OF_AGENT, buf, len);
	if (res > 0 && of == OUTDIAL_OF_AGENT && !strcmp(args.field, "state")) {
		ast_copy_string(buf, "logged_out", len);
	}
	return 0;
}

static int read_agent(struct ast_channel *chan, const char *function, char *data, char *buf,
	size_t len)
{
	return read_named(function, OUTDIAL_OF_AGENT, data, buf, len);
}

static int read_campaign(struct ast_channel *chan, const char *function, char *data, char *buf,
	size_t len)
{
	return read_named(function, OUTDIAL_OF_CAMPAIGN, data, buf, len);
}

static struct ast_custom_function functions[] = {
	{ .name = "OUTDIAL", .read = read_call, },
	{ .name = "OUTDIAL_AGENT", .read = read_agent, },
	{ .name = "OUTDIAL_CAMPAIGN", .read = read_campaign, },
};

int functions_register(void)
{
	size_t i;
	int res = 0;

	for (i = 0; i < ARRAY_LEN(functions); i++) {
		res |= ast_custom_function_register(&functions[i]);
	}
	return res;
}

void functions_unregister(void)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(functions); i++) {
		ast_custom_function_unregister(&functions[i]);
	}
}
