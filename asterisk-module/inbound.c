/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief OutdialInbound: somebody who was dialed lately calls back.
 */

/*** DOCUMENTATION
	<application name="OutdialInbound" language="en_US">
		<synopsis>
			Bring somebody who was dialed lately, and calls back, to his campaign's agents.
		</synopsis>
		<syntax>
			<parameter name="campaign">
				<para>Only this campaign is meant; without it, the one that has dialed the caller
				last.</para>
			</parameter>
			<parameter name="options">
				<optionlist>
					<option name="c">
						<argument name="country" required="true" />
						<para>The country of numbers that come without its code,
						<literal>BR</literal> for example. Without it, that of the campaigns' caller
						ids.</para>
					</option>
					<option name="m">
						<argument name="class" />
						<para>Class of the music while he waits. Without the option it is the
						channel's own.</para>
					</option>
					<option name="s">
						<para>Silence while he waits.</para>
					</option>
					<option name="u">
						<para>Whoever calls is taken, dialed before or not; only with a campaign. Who
						is no lead of it becomes one, in its list
						<literal>inbound</literal>.</para>
					</option>
					<option name="w">
						<argument name="seconds" required="true" />
						<para>The longest wait, 1 to 3600; 60 without the option.</para>
					</option>
				</optionlist>
			</parameter>
		</syntax>
		<description>
			<para>Reads <literal>CALLERID(num)</literal>. Who has a number of a lead that was dialed
			in the campaign's <literal>inbound_days</literal> (30, unless it is set otherwise) waits
			for an agent of the campaign that has dialed him last, and is connected as any call is:
			recorded if the campaign records, with wrap-up and disposition. The campaign dials
			less meanwhile, so that an agent comes free. It may be paused, but not stopped.</para>
			<para>Meanwhile nobody dials him. When he has talked to an agent his lead is done, unless
			the disposition says otherwise. Who hangs up while he waits, or waits too long, is called
			back as soon as his calling hours allow, unless he is on the do-not-call list.</para>
			<para>The call is answered when he is put in line. After an agent has left first, the
			dialplan goes on, and <literal>OUTDIAL()</literal> and
			<literal>OutdialDisposition()</literal> know the call.</para>
			<example title="What the campaigns' caller ids lead to">
			exten => 551140001000,1,OutdialInbound()
			 same => n,GotoIf($["${OUTDIAL_STATUS}" = "CONNECTED"]?bye)
			 same => n,GotoIf($["${OUTDIAL_STATUS}" = "TIMEOUT"]?voicemail)
			 same => n,Queue(front-desk)
			 same => n(bye),Hangup()
			 same => n(voicemail),VoiceMail(100)
			</example>
			<para>Sets <variable>OUTDIAL_STATUS</variable>:</para>
			<variablelist>
				<variable name="OUTDIAL_STATUS">
					<value name="CONNECTED">An agent was there, and left first.</value>
					<value name="TRANSFERRED">The call goes on elsewhere in the dialplan: the agent
					has transferred it, or somebody has redirected it.</value>
					<value name="TIMEOUT">No agent came within the longest wait.</value>
					<value name="HANGUP">The caller hung up, or the call was ended.</value>
					<value name="NOT_FOUND">Nobody with this number was dialed lately, or the call
					has no number.</value>
					<value name="NOT_NOW">The campaign takes no calls now: no agent is at work, or
					outdial drains.</value>
					<value name="NOT_INBOUND">The call is one that outdial has dialed.</value>
					<value name="REPEATED">The call is one of outdial's already.</value>
					<value name="UNAVAILABLE">The sidecar or the database is not there, or did not
					answer in time.</value>
					<value name="FULL">outdial could not take the call.</value>
					<value name="FAULT">outdial has stopped; see the log.</value>
					<value name="ERROR">The application was used wrongly, there is no such campaign
					for example; see the log.</value>
				</variable>
			</variablelist>
		</description>
		<see-also>
			<ref type="application">OutdialConnect</ref>
			<ref type="application">OutdialDisposition</ref>
			<ref type="function">OUTDIAL</ref>
		</see-also>
	</application>
 ***/

#include "connect.h"
#include "leg.h"
#include "records.h"

#include <stdlib.h>

#include "asterisk/app.h"
#include "asterisk/causes.h"
#include "asterisk/pbx.h"

static const char app_name[] = "OutdialInbound";

/*! \brief The longest wait, in seconds: usual, and at most. @{ */
#define WAIT_SECONDS 60
#define WAIT_SECONDS_MAX 3600
/*! @} */

enum inbound_flag {
	INBOUND_COUNTRY = (1 << 0),
	INBOUND_MUSIC = (1 << 1),
	INBOUND_SILENCE = (1 << 2),
	INBOUND_ANYBODY = (1 << 3),
	INBOUND_WAIT = (1 << 4),
};

enum inbound_arg {
	INBOUND_COUNTRY_CODE,
	INBOUND_MUSIC_CLASS,
	INBOUND_WAIT_SECONDS,
	INBOUND_ARGS,
};

AST_APP_OPTIONS(inbound_options, BEGIN_OPTIONS
	AST_APP_OPTION_ARG('c', INBOUND_COUNTRY, INBOUND_COUNTRY_CODE),
	AST_APP_OPTION_ARG('m', INBOUND_MUSIC, INBOUND_MUSIC_CLASS),
	AST_APP_OPTION('s', INBOUND_SILENCE),
	AST_APP_OPTION('u', INBOUND_ANYBODY),
	AST_APP_OPTION_ARG('w', INBOUND_WAIT, INBOUND_WAIT_SECONDS),
END_OPTIONS);

/*! \brief What the dialplan asks for. */
struct wish {
	char *campaign;
	const char *country;
	/*! \brief Class of the music; empty: the channel's own. */
	const char *music;
	unsigned int wait_ms;
	unsigned int silence:1;
	unsigned int anybody:1;
};

/*! \brief Read the arguments; \a parse is cut to pieces. Non-zero: they are wrong. */
static int read_wish(struct wish *wish, char *parse)
{
	struct ast_flags flags = { 0, };
	char *option_args[INBOUND_ARGS] = { NULL, };
	char *end = "";
	long seconds = WAIT_SECONDS;
	AST_DECLARE_APP_ARGS(args,
		AST_APP_ARG(campaign);
		AST_APP_ARG(options);
	);

	AST_STANDARD_APP_ARGS(args, parse);
	if (args.argc > 2 || (args.options
		&& ast_app_parse_options(inbound_options, &flags, option_args, args.options))) {
		return -1;
	}
	if (ast_test_flag(&flags, INBOUND_WAIT)) {
		seconds = strtol(S_OR(option_args[INBOUND_WAIT_SECONDS], ""), &end, 10);
	}
	wish->campaign = args.campaign;
	wish->country = option_args[INBOUND_COUNTRY_CODE];
	wish->music = S_OR(option_args[INBOUND_MUSIC_CLASS], "");
	wish->wait_ms = (unsigned int) seconds * 1000;
	wish->silence = ast_test_flag(&flags, INBOUND_SILENCE) ? 1 : 0;
	wish->anybody = ast_test_flag(&flags, INBOUND_ANYBODY) ? 1 : 0;
	return !ast_strlen_zero(end) || seconds < 1 || seconds > WAIT_SECONDS_MAX
		|| (ast_test_flag(&flags, INBOUND_COUNTRY) && ast_strlen_zero(wish->country))
		|| (wish->anybody && ast_strlen_zero(wish->campaign))
		|| (wish->silence && ast_test_flag(&flags, INBOUND_MUSIC));
}

/*! \brief A call that is one of ours already. Non-zero: it is, and it has been said. */
static int is_ours(struct ast_channel *chan)
{
	struct leg *leg = leg_of(chan);

	if (!leg) {
		return 0;
	}
	ast_log(LOG_WARNING, "%s on leg '%s', which %s\n", app_name, leg->id,
		leg->inbound ? "is in outdial already" : "outdial has dialed");
	shim_status(chan, leg->inbound ? "REPEATED" : "NOT_INBOUND");
	leg_release(leg);
	return 1;
}

/*! \brief What OUTDIAL_STATUS says of a call that was not taken. */
static void refuse(struct ast_channel *chan, const char *campaign, int res, const char *err)
{
	switch (res) {
	case OUTDIAL_E_NOT_FOUND:
		/* Most of those who call a number are nobody's. */
		shim_debug("%s(%s): %s\n", app_name, campaign, err);
		shim_status(chan, "NOT_FOUND");
		return;
	case OUTDIAL_E_STATE:
		ast_log(LOG_NOTICE, "%s(%s): %s\n", app_name, campaign,
			S_OR(err, outdial_strerror(res)));
		shim_status(chan, "NOT_NOW");
		return;
	default:
		shim_result(chan, app_name, campaign, res, "NOT_FOUND", err);
	}
}

/*! \brief Ask whose the caller is, and have him put in line. NULL: he is not; the status says why. */
static struct leg *take(struct ast_channel *chan, const struct wish *wish)
{
	struct outdial_inbound call = {
		.struct_size = sizeof(call),
		.wait_ms = wish->wait_ms,
		.anybody = wish->anybody,
		.campaign = wish->campaign,
		.country = wish->country,
	};
	struct outdial_inbound_leg taken = { .struct_size = sizeof(taken), };
	const char *campaign = S_OR(wish->campaign, "");
	char number[AST_MAX_EXTENSION] = "";
	char called[AST_MAX_EXTENSION] = "";
	char err[512] = "";
	struct leg *leg;
	int res;

	ast_channel_lock(chan);
	if (ast_channel_caller(chan)->id.number.valid) {
		ast_copy_string(number, S_OR(ast_channel_caller(chan)->id.number.str, ""), sizeof(number));
	}
	ast_copy_string(called, S_OR(ast_channel_dialed(chan)->number.str, ast_channel_exten(chan)),
		sizeof(called));
	ast_channel_unlock(chan);
	call.number = number;
	call.called = called;
	if (ast_strlen_zero(number)) {
		refuse(chan, campaign, OUTDIAL_E_NOT_FOUND, "the call has no number");
		return NULL;
	}
	res = outdial_inbound(shim.engine, &call, &taken, err, sizeof(err));
	if (res != OUTDIAL_OK) {
		refuse(chan, campaign, res, err);
		return NULL;
	}
	leg = leg_adopt(&taken, chan);
	if (!leg) {
		shim_post_ended(taken.leg, 1, 0, 0);
		shim_status(chan, "FULL");
		return NULL;
	}
	if (!wish->silence) {
		ast_copy_string(leg->music, S_OR(wish->music, ""), sizeof(leg->music));
		leg->has_music = 1;
	}
	records_customer(chan, taken.attempt, taken.lead);
	return leg;
}

/*! \brief How the caller's channel ended, for LEG_ENDED. */
static void note_hangup(struct leg *leg, struct ast_channel *chan)
{
	int cause;

	ast_channel_lock(chan);
	cause = ast_channel_hangupcause(chan);
	ast_channel_unlock(chan);
	ao2_lock(leg);
	leg->q850 = cause > 0 ? cause : AST_CAUSE_NORMAL_CLEARING;
	ao2_unlock(leg);
}

static int inbound_exec(struct ast_channel *chan, const char *data)
{
	char *parse = ast_strdupa(S_OR(data, ""));
	struct wish wish = { 0, };
	struct leg *leg;
	const char *status;

	if (read_wish(&wish, parse)) {
		ast_log(LOG_WARNING, "%s([campaign][,c(country)m(class)suw(seconds)]): got '%s'\n", app_name,
			S_OR(data, ""));
		shim_status(chan, "ERROR");
		return 0;
	}
	if (is_ours(chan)) {
		return 0;
	}
	leg = take(chan, &wish);
	if (!leg) {
		return 0;
	}
	status = ast_channel_state(chan) != AST_STATE_UP && ast_answer(chan)
		? NULL : customer_visit(leg, chan, OUTDIAL_VERDICT_NONE);
	if (!status) {
		note_hangup(leg, chan);
	} else if (!strcmp(status, "RELEASED")) {
		/* He goes on, and is none of ours any more. */
		status = "TIMEOUT";
		leg_detach(leg, chan);
	} else if (!strcmp(status, "FULL") || !strcmp(status, "FAULT")) {
		leg_detach(leg, chan);
	}
	shim_status(chan, S_OR(status, "HANGUP"));
	leg_leave(leg);
	leg_release(leg);
	return status ? 0 : -1;
}

int inbound_register(void)
{
	return ast_register_application_xml(app_name, inbound_exec);
}

void inbound_unregister(void)
{
	ast_unregister_application(app_name);
}
