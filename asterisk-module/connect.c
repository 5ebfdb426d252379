/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief OutdialConnect: a customer waits in a bridge of his own for what the engine decides.
 */

/*** DOCUMENTATION
	<application name="OutdialConnect" language="en_US">
		<synopsis>
			Hand an answered call of outdial to its campaign.
		</synopsis>
		<syntax>
			<parameter name="options">
				<para>None so far.</para>
			</parameter>
		</syntax>
		<description>
			<para>The campaign connects an agent, plays a message, lets the call go on in the
			dialplan, or hangs up. If the campaign is to know what answered, it asks for
			<literal>AMD()</literal>, which is run here then (<literal>outdial campaign set NAME
			--amd default</literal>); or run it before: <variable>AMDSTATUS</variable> and
			<variable>AMDCAUSE</variable> are read here. A message that is left on a machine
			begins after its beep, or after 4 seconds of silence where it has none.</para>
			<para>Only for calls that outdial has dialed, and once for each of them.</para>
			<para>Sets <variable>OUTDIAL_STATUS</variable>:</para>
			<variablelist>
				<variable name="OUTDIAL_STATUS">
					<value name="CONNECTED">An agent was there, and left first.</value>
					<value name="TRANSFERRED">The call goes on elsewhere in the dialplan: the agent
					has transferred it, or somebody has redirected it.</value>
					<value name="MESSAGE">A message was played.</value>
					<value name="RELEASED">The campaign lets the call go on.</value>
					<value name="HANGUP">The customer hung up, or the campaign ended the
					call.</value>
					<value name="NOT_OUTDIAL">The call was not dialed by outdial.</value>
					<value name="REPEATED">The application was called before on this
					call.</value>
					<value name="FULL">outdial could not take the call.</value>
					<value name="FAULT">outdial has stopped; see the log.</value>
				</variable>
			</variablelist>
		</description>
		<see-also>
			<ref type="application">OutdialAgent</ref>
			<ref type="application">AMD</ref>
		</see-also>
	</application>
 ***/

#include "beep.h"
#include "leg.h"
#include "replace.h"

#include "asterisk/app.h"
#include "asterisk/astobj2.h"
#include "asterisk/bridge.h"
#include "asterisk/bridge_basic.h"
#include "asterisk/causes.h"
#include "asterisk/file.h"
#include "asterisk/pbx.h"

static const char app_name[] = "OutdialConnect";

/*! \brief What tells people from machines. */
static const char amd_name[] = "AMD";

/*! \brief What happens to one customer. In his own thread only. */
struct visit {
	struct leg *leg;
	struct ast_channel *chan;
	/*! \brief The event that says that he waits in his bridge; 0: it has been posted. */
	uint32_t due;
	/*! \brief Its value. */
	int value;
	/*! \brief What the engine answered to it. */
	int refused;
	/*! \brief A message was played. */
	unsigned int played:1;
};

/*! \brief What AMD() has found out, if it has run. */
static int verdict_of(struct ast_channel *chan)
{
	const char *status;
	int verdict = OUTDIAL_VERDICT_NONE;

	ast_channel_lock(chan);
	status = pbx_builtin_getvar_helper(chan, "AMDSTATUS");
	if (!ast_strlen_zero(status)) {
		if (!strcasecmp(status, "HUMAN")) {
			verdict = OUTDIAL_VERDICT_HUMAN;
		} else if (!strcasecmp(status, "MACHINE")) {
			verdict = OUTDIAL_VERDICT_MACHINE;
		} else {
			/* NOTSURE; or HANGUP, in which case the call is about to end anyway. */
			verdict = OUTDIAL_VERDICT_UNKNOWN;
		}
	}
	ast_channel_unlock(chan);
	return verdict;
}

/*! \brief Run AMD() where the campaign asks for it and the dialplan has not. Non-zero: he hung up. */
static int tell_apart(struct leg *leg, struct ast_channel *chan)
{
	struct ast_app *amd;

	if (!leg->has_amd || verdict_of(chan) != OUTDIAL_VERDICT_NONE) {
		return 0;
	}
	amd = pbx_findapp(amd_name);
	if (!amd) {
		ast_log(LOG_WARNING, "Leg '%s': the campaign asks for AMD(), and app_amd.so is not loaded; "
			"who answered counts as a person\n", leg->id);
		return 0;
	}
	return pbx_exec(chan, amd, leg->amd) || ast_check_hangup_locked(chan);
}

/*!
 * \brief How long ago the callee's greeting ended: AMD() waits for a silence before it believes in a
 * person, and says how long it was.
 *
 * \retval -1 AMD() has heard no greeting that is over
 */
static int greeting_age(struct ast_channel *chan)
{
	int silence;

	ast_channel_lock(chan);
	if (sscanf(S_OR(pbx_builtin_getvar_helper(chan, "AMDCAUSE"), ""), "HUMAN-%30d", &silence) != 1) {
		silence = -1;
	}
	ast_channel_unlock(chan);
	return silence;
}

/*! \brief Post what is due. */
static void visit_post(struct visit *visit)
{
	if (visit->due) {
		visit->refused = shim_post(visit->due, visit->leg->id, NULL, visit->value);
		visit->due = 0;
	}
}

/*! \brief Join hook of the customer's bridge: he can be connected from now on. */
static int customer_arrived(struct ast_bridge_channel *bridge_channel, void *hook_pvt)
{
	struct visit *visit = hook_pvt;
	int leave;

	visit_post(visit);
	ao2_lock(visit->leg);
	leave = visit->refused || shim.faulted || visit->leg->order != LEG_ORDER_NONE;
	ao2_unlock(visit->leg);
	if (leave) {
		ast_bridge_channel_leave_bridge(bridge_channel, BRIDGE_CHANNEL_STATE_END_NO_DISSOLVE,
			AST_CAUSE_NORMAL_CLEARING);
	}
	return 0;
}

/*! \brief Be in the bridge until he leaves it, or is taken out. Non-zero: out of memory. */
static int visit_join(struct visit *visit, struct ast_bridge *bridge)
{
	struct ast_bridge_features features;
	int res = -1;

	ast_bridge_features_init(&features);
	if (!ast_bridge_join_hook(&features, customer_arrived, visit, NULL, 0)) {
		res = ast_bridge_join(bridge, visit->chan, NULL, &features, NULL, 0);
	}
	ast_bridge_features_cleanup(&features);
	return res;
}

/*! \brief Wait in a bridge, and talk there if an agent comes. Non-zero: out of memory. */
static int visit_wait(struct visit *visit)
{
	struct ast_bridge *bridge = ast_bridge_basic_new();
	int res;

	if (!bridge) {
		return -1;
	}
	ao2_lock(visit->leg);
	visit->leg->bridge = ao2_bump(bridge);
	ao2_unlock(visit->leg);

	do {
		res = visit_join(visit, bridge);
	} while (!res && replace_look(bridge, visit->chan));

	ao2_lock(visit->leg);
	visit->leg->bridge = NULL;
	ao2_unlock(visit->leg);
	ao2_ref(bridge, -1);
	/* An agent who is in there, or arrives just now, goes back to his waiting room. */
	ast_bridge_destroy(bridge, 0);
	return res;
}

/*! \brief Wait for the machine's beep where the order says so. Non-zero: nothing is to be played. */
static int visit_listen(struct visit *visit, int after_beep)
{
	if (!after_beep) {
		return 0;
	}
	switch (beep_wait(visit->leg, visit->chan)) {
	case BEEP_HEARD:
	case BEEP_SILENCE:
		return 0;
	case BEEP_NEVER:
		ast_log(LOG_NOTICE, "Leg '%s': no message is left, the machine never stops talking\n",
			visit->leg->id);
		return -1;
	case BEEP_HANGUP:
	case BEEP_ORDER:
		return -1;
	}
	return -1;
}

/*! \brief Play a message. Its event is due when the customer waits again. */
static void visit_play(struct visit *visit, const char *sound, int after_beep)
{
	int res = visit_listen(visit, after_beep);

	if (!res) {
		res = ast_streamfile(visit->chan, sound, ast_channel_language(visit->chan));
	}
	if (!res) {
		res = ast_waitstream(visit->chan, "");
	}
	ast_stopstream(visit->chan);
	visit->played |= !res;
	visit->due = OUTDIAL_EVENT_LEG_PLAYED;
	visit->value = !res;
}

/*! \brief Take the order that has come, if any. */
static enum leg_order take_order(struct leg *leg, char *sound, size_t size, int *after_beep)
{
	enum leg_order order;

	ao2_lock(leg);
	order = leg->order;
	leg->order = LEG_ORDER_NONE;
	ast_copy_string(sound, leg->sound, size);
	*after_beep = leg->after_beep;
	ao2_unlock(leg);
	return order;
}

/*! \brief Go on in the dialplan where the engine said. */
static void visit_release(struct visit *visit)
{
	struct leg *leg = visit->leg;
	char context[AST_MAX_CONTEXT];
	char exten[AST_MAX_EXTENSION];
	int priority;

	ao2_lock(leg);
	ast_copy_string(context, leg->to_context, sizeof(context));
	ast_copy_string(exten, leg->to_exten, sizeof(exten));
	priority = leg->to_priority;
	ao2_unlock(leg);
	if (!ast_strlen_zero(context)) {
		if (!ast_exists_extension(visit->chan, context, exten, priority, NULL)) {
			ast_log(LOG_WARNING, "Leg '%s' can't go on at %s,%s,%d: there is no such place\n",
				leg->id, context, exten, priority);
		} else {
			ast_explicit_goto(visit->chan, context, exten, priority);
		}
	}
	shim_post(OUTDIAL_EVENT_LEG_RELEASED, leg->id, NULL, 0);
}

/*! \brief What OUTDIAL_STATUS says when the visit ends without an order. */
static const char *visit_outcome(struct visit *visit)
{
	int bridged;

	if (visit->refused) {
		ast_log(LOG_WARNING, "Leg '%s' is not taken by the engine: %s\n", visit->leg->id,
			outdial_strerror(visit->refused));
		return visit->refused == OUTDIAL_E_FULL ? "FULL" : "FAULT";
	}
	ao2_lock(visit->leg);
	bridged = visit->leg->bridged;
	ao2_unlock(visit->leg);
	if (bridged) {
		shim_post(OUTDIAL_EVENT_LEG_LEFT, visit->leg->id, NULL, 0);
		return "CONNECTED";
	}
	return visit->played ? "MESSAGE" : "FAULT";
}

/*! \brief He was transferred, or sent to another place of the dialplan, where he goes on. */
static int visit_goes_elsewhere(struct visit *visit)
{
	int flags;
	int bridged;

	ast_channel_lock(visit->chan);
	flags = ast_channel_softhangup_internal_flag(visit->chan);
	ast_channel_unlock(visit->chan);
	ao2_lock(visit->leg);
	bridged = visit->leg->bridged;
	ao2_unlock(visit->leg);
	if (flags != AST_SOFTHANGUP_ASYNCGOTO || !bridged) {
		return 0;
	}
	shim_post(OUTDIAL_EVENT_LEG_LEFT, visit->leg->id, NULL, 0);
	return 1;
}

/*! \brief From READY to whatever ends the visit. NULL: hung up. */
static const char *visit_run(struct visit *visit)
{
	char sound[OUTDIAL_SOUND_LEN];
	int after_beep;
	int failed;

	for (;;) {
		failed = visit_wait(visit);
		if (visit_goes_elsewhere(visit)) {
			return "TRANSFERRED";
		}
		if (ast_check_hangup_locked(visit->chan)) {
			if (visit->due == OUTDIAL_EVENT_LEG_PLAYED) {
				visit_post(visit);
			}
			return NULL;
		}
		/* The bridge has set a cause for leaving it; the channel lives on. */
		ast_channel_lock(visit->chan);
		ast_channel_hangupcause_set(visit->chan, 0);
		ast_channel_unlock(visit->chan);
		visit_post(visit);

		switch (take_order(visit->leg, sound, sizeof(sound), &after_beep)) {
		case LEG_ORDER_PLAY:
			if (failed) {
				return "FAULT";
			}
			visit_play(visit, sound, after_beep);
			continue;
		case LEG_ORDER_RELEASE:
			visit_release(visit);
			return "RELEASED";
		case LEG_ORDER_LET_GO:
			return "FAULT";
		case LEG_ORDER_NONE:
			return visit_outcome(visit);
		}
	}
}

static int connect_exec(struct ast_channel *chan, const char *data)
{
	struct visit visit = { .leg = leg_of(chan), .chan = chan, .due = OUTDIAL_EVENT_LEG_READY, };
	const char *status;
	int age;
	int again;

	if (!ast_strlen_zero(data)) {
		ast_log(LOG_WARNING, "%s takes no options, '%s' is ignored\n", app_name, data);
	}
	if (!visit.leg) {
		ast_log(LOG_WARNING, "%s on channel %s, which outdial has not dialed\n", app_name,
			ast_channel_uniqueid(chan));
		shim_status(chan, "NOT_OUTDIAL");
		return 0;
	}
	ao2_lock(visit.leg);
	again = visit.leg->connected;
	visit.leg->connected = 1;
	ao2_unlock(visit.leg);
	if (again) {
		ast_log(LOG_WARNING, "%s was called before on leg '%s'\n", app_name, visit.leg->id);
		shim_status(chan, "REPEATED");
		leg_release(visit.leg);
		return 0;
	}
	if (tell_apart(visit.leg, chan)) {
		shim_status(chan, "HANGUP");
		leg_release(visit.leg);
		return -1;
	}
	visit.value = verdict_of(chan);
	age = greeting_age(chan);
	if (age >= 0) {
		shim_post(OUTDIAL_EVENT_LEG_GREETING_ENDED, visit.leg->id, NULL, age);
	}
	status = visit_run(&visit);
	shim_status(chan, S_OR(status, "HANGUP"));
	leg_release(visit.leg);
	return status ? 0 : -1;
}

int connect_register(void)
{
	return ast_register_application_xml(app_name, connect_exec);
}

void connect_unregister(void)
{
	ast_unregister_application(app_name);
}
