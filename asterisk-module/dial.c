/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief Originating: from a leg to a channel in the operator's dialplan.
 *
 * One thread for each call, from the dialing to the end of the dialplan. This does what
 * pbx_outgoing_attempt() does for AMI and ARI, less what would hurt here: it never follows a 302,
 * keeps the assigned unique ids, and learns the SIP status and the cause.
 */

#include "dial.h"
#include "leg.h"
#include "records.h"

#include <stdlib.h>

#include "asterisk/astobj2.h"
#include "asterisk/callerid.h"
#include "asterisk/causes.h"
#include "asterisk/dial.h"
#include "asterisk/options.h"
#include "asterisk/pbx.h"
#include "asterisk/stasis_channels.h"

int dial_copy_text(char *to, size_t size, const char *from, int required)
{
	if (ast_strlen_zero(from)) {
		*to = '\0';
		return required;
	}
	if (strlen(from) >= size) {
		return -1;
	}
	ast_copy_string(to, from, size);
	return 0;
}

int dial_is_made_of(const char *text, const char *allowed)
{
	return strspn(text, allowed) == strlen(text);
}

const char *dial_refusal(void)
{
	double load;

	if (ast_shutting_down()) {
		return "Asterisk is shutting down";
	}
	if (shim.faulted || shim.closing) {
		return "the engine has stopped";
	}
	if (outdial_heartbeat_age_ms(shim.engine) > OUTDIAL_HEARTBEAT_MAX_MS) {
		return "the engine's heartbeat is stale";
	}
	/* Asterisk checks its own limits only when the answered call is to enter the dialplan. */
	if (ast_option_maxcalls && ast_active_calls() >= ast_option_maxcalls) {
		return "Asterisk has reached maxcalls";
	}
	if (ast_option_maxload && getloadavg(&load, 1) == 1 && load >= ast_option_maxload) {
		return "Asterisk has reached maxload";
	}
	return NULL;
}

/*!
 * \brief SIP status of the last response of the carrier.
 *
 * chan_pjsip notes each response under the channel's own name, as "SIP 486 Busy Here". The
 * channel's technology cause can't be used alone: on a hangup of our own it is made up from the
 * Q.850 cause.
 *
 * \return 0 where there was none, or the technology is not SIP
 */
static int sip_status_of(struct ast_channel *chan)
{
	struct ast_control_pvt_cause_code *cause;
	int status = 0;

	ast_channel_lock(chan);
	cause = ast_channel_dialed_causes_find(chan, ast_channel_name(chan));
	ast_channel_unlock(chan);
	if (cause) {
		if (sscanf(cause->code, "SIP %30d", &status) != 1) {
			status = 0;
		}
		ao2_ref(cause, -1);
	}
	return status;
}

/*! \brief What a callee says who is somewhere else: 302, or one of its kind. */
#define SIP_MOVED 302

/*! \brief Note how an unanswered call ended. */
static void note_failure(struct leg *leg, struct ast_channel *chan, struct ast_dial *dial,
	enum ast_dial_result result)
{
	int status = sip_status_of(chan);
	int tech_status;
	int cause;

	ast_channel_lock(chan);
	cause = ast_channel_hangupcause(chan);
	tech_status = compat_tech_cause(chan);
	if (status < 300 && !ast_strlen_zero(ast_channel_call_forward(chan))) {
		/* The dial ends at the word of another place, which may come before the note of the response. */
		status = SIP_MOVED;
	}
	ast_channel_unlock(chan);

	ao2_lock(leg);
	if (status < 300) {
		/*
		 * No final response was received. When neither the engine nor the timeout has ended the
		 * call, the stack has: 408 when nobody replied, 503 when the transport failed.
		 */
		status = leg->hangup || result == AST_DIAL_RESULT_TIMEOUT || tech_status < 300
			? 0 : tech_status;
	}
	leg->sip_status = status;
	if (leg->hangup) {
		cause = leg->hangup_cause;
	} else if (!cause) {
		cause = ast_dial_reason(dial, 0);
	}
	leg->q850 = MAX(0, cause);
	ao2_unlock(leg);
}

/*! \brief Note how an answered call ended. */
static void note_end(struct leg *leg, struct ast_channel *chan)
{
	/* The note may just be replaced by that of a repeated response; the answer is a 200. */
	int status = strcasecmp(leg->tech, "PJSIP") ? sip_status_of(chan) : 200;
	int cause;

	ast_channel_lock(chan);
	cause = ast_channel_hangupcause(chan);
	ast_channel_unlock(chan);

	ao2_lock(leg);
	leg->sip_status = status;
	leg->q850 = cause > 0 ? cause : AST_CAUSE_NORMAL_CLEARING;
	ao2_unlock(leg);
}

/*! \brief Does the dialplan hand the answered call to the engine at once? */
static int connects_at_once(const struct leg *leg)
{
	struct pbx_find_info find = { .stacklen = 0, };
	struct ast_exten *exten;
	int res;

	if (leg->has_amd) {
		return 0;
	}
	ast_rdlock_contexts();
	exten = pbx_find_extension(NULL, NULL, &find, leg->context, leg->exten, leg->priority, NULL,
		leg->caller_id, E_MATCH);
	res = exten && !strcasecmp(S_OR(ast_get_extension_app(exten), ""), "OutdialConnect");
	ast_unlock_contexts();
	return res;
}

/*! \brief Progress of a call that is being dialed; in the dialing thread. */
static void dial_state(struct ast_dial *dial)
{
	struct leg *leg = ast_dial_get_user_data(dial);

	switch (ast_dial_state(dial)) {
	case AST_DIAL_RESULT_PROCEEDING:
		shim_post(OUTDIAL_EVENT_LEG_PROCEEDING, leg->id, NULL, 0);
		break;
	case AST_DIAL_RESULT_RINGING:
		shim_post(OUTDIAL_EVENT_LEG_RINGING, leg->id, NULL, 0);
		break;
	case AST_DIAL_RESULT_PROGRESS:
		shim_post(OUTDIAL_EVENT_LEG_EARLY_MEDIA, leg->id, NULL, 0);
		break;
	case AST_DIAL_RESULT_ANSWERED:
		ao2_lock(leg);
		leg->answered = 1;
		ao2_unlock(leg);
		shim_post(OUTDIAL_EVENT_LEG_ANSWERED, leg->id, NULL, connects_at_once(leg));
		break;
	default:
		break;
	}
}

void dial_dress(struct ast_channel *chan, const char *account, const char *number,
	const char *name)
{
	struct ast_party_connected_line connected;

	/* One snapshot for all of it. */
	ast_channel_lock(chan);
	ast_channel_stage_snapshot(chan);
	if (!ast_strlen_zero(account)) {
		ast_channel_accountcode_set(chan, account);
		ast_channel_peeraccount_set(chan, account);
	}
	ast_set_flag(ast_channel_flags(chan), AST_FLAG_ORIGINATED);
	if (!ast_strlen_zero(number)) {
		/* PJSIP makes From out of the connected line. */
		ast_set_callerid(chan, number, name, number);
		ast_party_connected_line_set_init(&connected, ast_channel_connected(chan));
		connected.id.number.valid = 1;
		connected.id.number.str = (char *) number;
		connected.id.number.presentation = AST_PRES_ALLOWED_USER_NUMBER_NOT_SCREENED;
		if (!ast_strlen_zero(name)) {
			connected.id.name.valid = 1;
			connected.id.name.str = (char *) name;
			connected.id.name.presentation = AST_PRES_ALLOWED_USER_NUMBER_NOT_SCREENED;
		}
		ast_channel_set_connected_line(chan, &connected, NULL);
	}
	ast_channel_stage_snapshot_done(chan);
	ast_channel_unlock(chan);
}

/*! \brief The channel that the leg's hangup acts on, or NULL for none any more. */
static void leg_set_chan(struct leg *leg, struct ast_channel *chan)
{
	int hangup;
	int cause;

	ao2_lock(leg);
	leg->chan = chan;
	hangup = chan && leg->hangup;
	cause = leg->hangup_cause;
	ao2_unlock(leg);
	if (hangup) {
		/* Asked for before there was a channel: ast_call() refuses such a one. */
		ast_channel_softhangup_withcause_locked(chan, cause);
	}
}

/*! \brief Run the operator's dialplan on an answered call; it hangs up at the end. */
static void run_dialplan(struct leg *leg, struct ast_channel *chan)
{
	ast_channel_lock(chan);
	ast_channel_context_set(chan, leg->context);
	ast_channel_exten_set(chan, leg->exten);
	ast_channel_priority_set(chan, leg->priority);
	ast_channel_unlock(chan);
	if (ast_pbx_run(chan)) {
		ast_log(LOG_ERROR, "Leg '%s' was answered, but Asterisk does not run its dialplan\n",
			leg->id);
		ast_hangup(chan);
	}
}

/*! \brief Dial on a channel that exists, to its end. */
static void dial_channel(struct leg *leg, struct ast_dial *dial, struct ast_channel *chan)
{
	enum ast_dial_result result;

	if (leg_attach(leg, chan)) {
		ao2_lock(leg);
		leg->refused = 1;
		ao2_unlock(leg);
		return;
	}
	records_customer(chan, leg->attempt, leg->lead);
	dial_dress(chan, leg->account, leg->caller_id, NULL);
	leg_watch_proceeding(leg, chan);
	leg_set_chan(leg, chan);
	result = ast_dial_run(dial, NULL, 0);
	if (result == AST_DIAL_RESULT_ANSWERED && ast_dial_answered_steal(dial)) {
		leg_unwatch_proceeding(leg, chan);
		run_dialplan(leg, chan);
		note_end(leg, chan);
	} else {
		note_failure(leg, chan, dial, result);
	}
	leg_set_chan(leg, NULL);
}

/*! \brief What a channel driver calls the number at the endpoint. */
static void device_of(const struct leg *leg, char *device, size_t size)
{
	if (!strcasecmp(leg->tech, "PJSIP")) {
		snprintf(device, size, "%s@%s", leg->number, leg->endpoint);
	} else if (!strcasecmp(leg->tech, "Local")) {
		/* Not optimized away: the leg lives as long as its own channel. */
		snprintf(device, size, "%s@%s/n", leg->number, leg->endpoint);
	} else {
		snprintf(device, size, "%s/%s", leg->endpoint, leg->number);
	}
}

struct ast_dial *dial_make(const char *tech, const char *device, const char *id,
	unsigned int timeout_ms)
{
	char second[OUTDIAL_ID_LEN];
	struct ast_assigned_ids ids = { .uniqueid = id, .uniqueid2 = second, };
	struct ast_dial *dial = ast_dial_create();

	if (!dial) {
		return NULL;
	}
	snprintf(second, sizeof(second), "%.*s;2", (int) sizeof(second) - 3, id);
	if (ast_dial_append(dial, tech, device, &ids)) {
		ast_dial_destroy(dial);
		return NULL;
	}
	ast_dial_option_global_enable(dial, AST_DIAL_OPTION_DISABLE_CALL_FORWARDING, NULL);
	/* Without the second one, ast_dial gives up when a signal interrupts its waiting. */
	ast_dial_set_global_timeout(dial, MAX(1, (int) timeout_ms));
	ast_dial_set_timeout(dial, 0, MAX(1, (int) timeout_ms));
	return dial;
}

static struct ast_dial *dial_prepare(struct leg *leg)
{
	char device[OUTDIAL_DEVICE_LEN];
	struct ast_dial *dial;

	device_of(leg, device, sizeof(device));
	dial = dial_make(leg->tech, device, leg->id, leg->timeout_ms);
	if (dial) {
		ast_dial_set_state_callback(dial, dial_state);
		ast_dial_set_user_data(dial, leg);
	}
	return dial;
}

/*! \brief There is no channel: whose fault is it? */
static void note_no_channel(struct leg *leg, struct ast_dial *dial)
{
	int cause = dial ? ast_dial_reason(dial, 0) : 0;

	ao2_lock(leg);
	switch (cause) {
	case AST_CAUSE_NO_ROUTE_DESTINATION:
	case AST_CAUSE_UNREGISTERED:
		/* The endpoint is unknown or nobody is registered there: the route's fault. */
		leg->q850 = cause;
		break;
	default:
		leg->refused = 1;
		break;
	}
	ao2_unlock(leg);
	shim_debug("Leg '%s': no channel, cause %d\n", leg->id, cause);
}

void leg_dial(void *data)
{
	struct leg *leg = data;
	struct ast_dial *dial = NULL;
	struct ast_channel *chan;
	const char *why = dial_refusal();
	int hangup;

	ao2_lock(leg);
	hangup = leg->hangup;
	leg->refused = why && !hangup;
	leg->q850 = hangup ? leg->hangup_cause : 0;
	ao2_unlock(leg);
	if (why || hangup) {
		shim_debug("Not dialing leg '%s': %s\n", leg->id, S_OR(why, "cancelled"));
		leg_release(leg);
		return;
	}

	ast_callid_threadassoc_add(ast_create_callid());
	dial = dial_prepare(leg);
	if (!dial || ast_dial_prerun(dial, NULL, NULL)) {
		note_no_channel(leg, dial);
	} else {
		chan = ast_channel_ref(ast_dial_get_channel(dial, 0));
		dial_channel(leg, dial, chan);
		ast_channel_unref(chan);
	}
	if (dial) {
		ast_dial_destroy(dial);
	}
	ast_callid_threadassoc_remove();
	leg_release(leg);
}
