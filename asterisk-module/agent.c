/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief OutdialAgent: an agent's channel waits in a holding bridge of its own.
 *
 * One shared bridge would cost time and messages in proportion to its members.
 */

/*** DOCUMENTATION
	<application name="OutdialAgent" language="en_US">
		<synopsis>
			Log the channel in as an agent of outdial and wait for calls.
		</synopsis>
		<syntax>
			<parameter name="agent" required="true">
				<para>The agent's name, as in <literal>outdial agents list</literal>.</para>
			</parameter>
			<parameter name="options">
				<optionlist>
					<option name="a">
						<argument name="sound" />
						<para>Play this sound to the agent, and to nobody else, when a
						customer comes. Default: <literal>beep</literal>.</para>
					</option>
					<option name="m">
						<argument name="class" />
						<para>Play music on hold of this class to the waiting agent.
						Without it the agent hears silence.</para>
					</option>
					<option name="p">
						<argument name="sound" required="true" />
						<para>What asks an agent for the PIN who has one. Default:
						<literal>agent-pass</literal>.</para>
					</option>
					<option name="t">
						<para>The agent may transfer customers with the keys of
						<filename>features.conf</filename> (<literal>blindxfer</literal>,
						<literal>atxfer</literal>).</para>
					</option>
				</optionlist>
			</parameter>
		</syntax>
		<description>
			<para>Answers the channel if needed. The agent stays until he hangs up, or until
			outdial lets him go; then the dialplan goes on.</para>
			<para>An agent who has a PIN (<literal>outdial agents set NAME --pin</literal>) is
			asked for it before, up to three times; <literal>#</literal> ends it. The PIN is
			neither logged nor in a variable. After five wrong ones in a row within 15 minutes,
			over all channels, the agent is locked for 15 minutes, or until
			<literal>outdial agents unlock NAME</literal>. Without the sidecar he can't log
			in.</para>
			<para>Keys that the agent may press, while waiting and during a call, are set in
			<filename>outdial.conf</filename>, section <literal>[keys]</literal>: pause, hold,
			mute, hang up the customer, a disposition and so on. All other keys go through to the
			customer.</para>
			<example title="A phone logs its agent in, with a beep before each call">
			exten => *50,1,OutdialAgent(${CHANNEL(endpoint)},a(beep)m(default)t)
			 same => n,Verbose(${OUTDIAL_STATUS})
			 same => n,Hangup()
			</example>
			<para>Sets <variable>OUTDIAL_STATUS</variable>:</para>
			<variablelist>
				<variable name="OUTDIAL_STATUS">
					<value name="UNKNOWN">No agent of that name is configured.</value>
					<value name="DUPLICATE">He is logged in on another channel.</value>
					<value name="WRONG_PIN">He did not say his PIN in three tries.</value>
					<value name="LOCKED">There were too many wrong PINs.</value>
					<value name="UNAVAILABLE">He has a PIN, and it can't be checked: the sidecar
					is not there, or did not answer in time.</value>
					<value name="DRAINING">outdial takes no more calls.</value>
					<value name="LOGGED_OFF">By a supervisor, or taken out of the
					configuration.</value>
					<value name="FULL">More agents than outdial can hold.</value>
					<value name="FAULT">outdial has stopped; see the log.</value>
					<value name="ERROR">The application was used wrongly; see the log.</value>
					<value name="HANGUP">The agent hung up.</value>
					<value name="ON_HOOK">Only on phones that outdial has rung: the call is
					over.</value>
				</variable>
			</variablelist>
		</description>
		<see-also>
			<ref type="application">OutdialConnect</ref>
		</see-also>
	</application>
 ***/

#include "leg.h"
#include "pin.h"
#include "records.h"
#include "replace.h"
#include "session.h"

#include "asterisk/app.h"
#include "asterisk/astobj2.h"
#include "asterisk/bridge.h"
#include "asterisk/bridge_basic.h"
#include "asterisk/bridge_roles.h"
#include "asterisk/causes.h"
#include "asterisk/features_config.h"
#include "asterisk/file.h"
#include "asterisk/pbx.h"

static const char app_name[] = "OutdialAgent";

/*! \brief What bridge_holding wants of those who wait. */
static const char role[] = "holding_participant";

enum agent_options {
	AGENT_MUSIC = (1 << 0),
	AGENT_ANNOUNCEMENT = (1 << 1),
	AGENT_TRANSFERS = (1 << 2),
	AGENT_PIN = (1 << 3),
};

enum agent_option_args {
	AGENT_MUSIC_CLASS,
	AGENT_ANNOUNCEMENT_SOUND,
	AGENT_PIN_SOUND,
	AGENT_ARGS,
};

AST_APP_OPTIONS(agent_options, BEGIN_OPTIONS
	AST_APP_OPTION_ARG('a', AGENT_ANNOUNCEMENT, AGENT_ANNOUNCEMENT_SOUND),
	AST_APP_OPTION_ARG('m', AGENT_MUSIC, AGENT_MUSIC_CLASS),
	AST_APP_OPTION_ARG('p', AGENT_PIN, AGENT_PIN_SOUND),
	AST_APP_OPTION('t', AGENT_TRANSFERS),
END_OPTIONS);

/*!
 * \brief What OUTDIAL_STATUS says of a dismissal.
 *
 * \param[out] mistake what the log says of it, where the dialplan's author, or whoever set outdial up,
 * should know; else untouched
 */
static const char *dismissal(unsigned int why, const char **mistake)
{
	switch (why) {
	case OUTDIAL_DISMISS_UNKNOWN:
		*mistake = "no agent of that name is configured";
		return "UNKNOWN";
	case OUTDIAL_DISMISS_DUPLICATE:
		*mistake = "the agent is logged in on another channel";
		return "DUPLICATE";
	case OUTDIAL_DISMISS_DRAINING:
		return "DRAINING";
	case OUTDIAL_DISMISS_FULL:
		*mistake = "there are more agents than outdial can hold";
		return "FULL";
	case OUTDIAL_DISMISS_ON_HOOK:
		return "ON_HOOK";
	case OUTDIAL_DISMISS_PIN_UNCHECKED:
		return "UNAVAILABLE";
	default:
		return "LOGGED_OFF";
	}
}

/*! \brief What he hears while he waits. Non-zero: out of memory. */
static int prepare_wait(struct ast_channel *chan, int music, const char *class)
{
	int res = ast_channel_add_bridge_role(chan, role);

	if (music) {
		res |= ast_channel_set_bridge_role_option(chan, role, "idle_mode", "musiconhold");
		if (!ast_strlen_zero(class)) {
			res |= ast_channel_set_bridge_role_option(chan, role, "moh_class", class);
		}
	} else {
		res |= ast_channel_set_bridge_role_option(chan, role, "idle_mode", "silence");
	}
	return res;
}

/*! \brief Join hook of the waiting room: only now can he be moved. */
static int agent_arrived(struct ast_bridge_channel *bridge_channel, void *hook_pvt)
{
	struct session *session = hook_pvt;
	int leave;

	ao2_lock(session);
	session->arrived = 1;
	leave = session->dismissed || session->let_go || shim.faulted;
	ao2_unlock(session);
	if (leave) {
		ast_bridge_channel_leave_bridge(bridge_channel, BRIDGE_CHANNEL_STATE_END_NO_DISSOLVE,
			AST_CAUSE_NORMAL_CLEARING);
	} else {
		shim_post(OUTDIAL_EVENT_SESSION_WAITING, session->id, NULL, 0);
	}
	return 0;
}

/*! \brief Leave hook: which bridge it is that he leaves. */
static int agent_leaves(struct ast_bridge_channel *bridge_channel, void *hook_pvt)
{
	struct ast_bridge **left = hook_pvt;

	ao2_replace(*left, bridge_channel->bridge);
	return 0;
}

/*!
 * \brief Be in a bridge, and in those that he is moved to.
 *
 * \return the bridge that he has left last, with a reference; NULL when he was in none
 */
static struct ast_bridge *agent_join(struct session *session, struct ast_channel *chan,
	struct ast_bridge *bridge)
{
	struct ast_bridge_features features;
	struct ast_bridge *left = NULL;

	ast_bridge_features_init(&features);
	if (!keys_listen(session, &features)
		&& (bridge != session->holding
			|| !ast_bridge_join_hook(&features, agent_arrived, session, NULL, 0))
		&& !ast_bridge_leave_hook(&features, agent_leaves, &left, NULL, 0)) {
		ast_bridge_join(bridge, chan, NULL, &features, NULL, 0);
	}
	ast_bridge_features_cleanup(&features);
	return left;
}

/*! \brief Wait for one call, and take it. Non-zero: he was not even in the waiting room. */
static int agent_turn(struct session *session, struct ast_channel *chan)
{
	struct ast_bridge *bridge = ao2_bump(session->holding);
	char with[OUTDIAL_ID_LEN];
	int arrived;
	int again;
	int muted;

	ao2_lock(session);
	session->arrived = 0;
	session->with[0] = '\0';
	ao2_unlock(session);

	do {
		struct ast_bridge *left = agent_join(session, chan, bridge);

		ao2_ref(bridge, -1);
		bridge = left;
		again = bridge && replace_look(bridge, chan);
	} while (again);
	ao2_cleanup(bridge);

	ao2_lock(session);
	while (session->moving) {
		/* What the mover posts comes before the next SESSION_WAITING. */
		ast_cond_wait(&session->settled, ao2_object_get_lockaddr(session));
	}
	arrived = session->arrived;
	muted = session->muted;
	ast_copy_string(with, session->with, sizeof(with));
	ao2_unlock(session);
	if (muted) {
		session_mute(session, chan, 0);
	}
	if (!ast_strlen_zero(with)) {
		leg_parted(with);
	}
	return arrived ? 0 : -1;
}

/*! \brief Turn after turn, until he hangs up or is let go. Returns what the application does. */
static int agent_loop(struct session *session, struct ast_channel *chan)
{
	const char *status = NULL;
	const char *mistake = NULL;
	int failed;

	while (!status) {
		failed = agent_turn(session, chan);
		if (ast_check_hangup_locked(chan)) {
			shim_status(chan, "HANGUP");
			return -1;
		}
		/* The bridge has set a cause for leaving it; the channel lives on. */
		ast_channel_lock(chan);
		ast_channel_hangupcause_set(chan, 0);
		ast_channel_unlock(chan);

		ao2_lock(session);
		if (session->dismissed) {
			status = dismissal(session->dismissed, &mistake);
		} else if (session->let_go || shim.faulted || failed) {
			status = "FAULT";
		}
		ao2_unlock(session);
	}
	if (mistake) {
		ast_log(LOG_WARNING, "%s(%s): %s\n", app_name, session->agent, mistake);
	}
	shim_status(chan, status);
	return 0;
}

int session_serve(struct session *session, struct ast_channel *chan, int music, const char *class)
{
	int res;

	if (prepare_wait(chan, music, class)) {
		shim_status(chan, "FAULT");
		return 0;
	}
	res = agent_loop(session, chan);
	ast_channel_remove_bridge_role(chan, role);
	return res;
}

static struct session *session_start(struct ast_channel *chan, const char *agent,
	const char *announcement, int pin_checked)
{
	struct session *session = session_create(ast_channel_uniqueid(chan), agent);
	int res;

	if (!session) {
		shim_status(chan, "FAULT");
		return NULL;
	}
	ast_copy_string(session->announcement, announcement, sizeof(session->announcement));
	if (session_open(session, chan)) {
		shim_status(chan, "FAULT");
		session_end(session);
		return NULL;
	}
	records_agent(chan, agent);
	res = shim_post(OUTDIAL_EVENT_SESSION_ENTERED, session->id, session->agent, pin_checked);
	if (res == OUTDIAL_OK) {
		return session;
	}
	ast_log(LOG_WARNING, "%s: '%s' can't log in: %s\n", app_name, agent, outdial_strerror(res));
	shim_status(chan, res == OUTDIAL_E_FULL ? "FULL" : "FAULT");
	session_end(session);
	return NULL;
}

/*! \brief The keys of features.conf work in a customer's bridge. */
static void allow_transfers(struct ast_channel *chan)
{
	struct ast_flags features = { AST_FEATURE_REDIRECT | AST_FEATURE_ATXFER, };

	ast_channel_lock(chan);
	if (ast_bridge_features_ds_append(chan, &features)) {
		ast_log(LOG_WARNING, "%s: no transfers on this channel: out of memory\n", app_name);
	}
	ast_channel_unlock(chan);
}

static int agent_exec(struct ast_channel *chan, const char *data)
{
	struct session *session;
	struct ast_flags flags = { 0, };
	const char *announcement = "";
	char *option_args[AGENT_ARGS] = { NULL, };
	char *parse = ast_strdupa(S_OR(data, ""));
	enum pin_result pin;
	int res;
	AST_DECLARE_APP_ARGS(args,
		AST_APP_ARG(agent);
		AST_APP_ARG(options);
	);

	AST_STANDARD_APP_ARGS(args, parse);
	if (ast_strlen_zero(args.agent) || strlen(args.agent) >= sizeof(session->agent)
		|| (args.options
			&& ast_app_parse_options(agent_options, &flags, option_args, args.options))) {
		ast_log(LOG_WARNING, "%s(agent[,a(sound)m(class)p(sound)t]): agent missing or too long, or wrong "
			"options\n", app_name);
		shim_status(chan, "ERROR");
		return 0;
	}
	if (ast_test_flag(&flags, AGENT_ANNOUNCEMENT)) {
		announcement = S_OR(option_args[AGENT_ANNOUNCEMENT_SOUND], "beep");
	}
	if (strlen(announcement) >= OUTDIAL_SOUND_LEN || (*announcement
		&& ast_fileexists(announcement, NULL, ast_channel_language(chan)) <= 0)) {
		ast_log(LOG_WARNING, "%s: there is no sound '%s'\n", app_name, announcement);
		shim_status(chan, "ERROR");
		return 0;
	}
	if (ast_channel_state(chan) != AST_STATE_UP && ast_answer(chan)) {
		return -1;
	}
	pin = pin_ask(chan, args.agent, S_OR(option_args[AGENT_PIN_SOUND], "agent-pass"));
	if (pin == PIN_REFUSED || pin == PIN_HANGUP) {
		return pin == PIN_HANGUP ? -1 : 0;
	}
	if (ast_test_flag(&flags, AGENT_TRANSFERS)) {
		allow_transfers(chan);
	}
	session = session_start(chan, args.agent, announcement, pin == PIN_RIGHT);
	if (!session) {
		return 0;
	}
	res = session_serve(session, chan, ast_test_flag(&flags, AGENT_MUSIC),
		option_args[AGENT_MUSIC_CLASS]);
	session_gone(session, 0);
	return res;
}

int agent_register(void)
{
	return ast_register_application_xml(app_name, agent_exec);
}

void agent_unregister(void)
{
	ast_unregister_application(app_name);
}
