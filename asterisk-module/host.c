/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief What the engine asks of Asterisk: each function enqueues and returns.
 */

#include "events.h"
#include "leg.h"
#include "phone.h"
#include "queue.h"
#include "session.h"
#include "work.h"

#include "asterisk/astobj2.h"
#include "asterisk/bridge.h"
#include "asterisk/causes.h"

static int32_t host_originate(void *ctx, const struct outdial_originate *request)
{
	struct leg *leg;

	shim_debug("The engine: dial %s over %s/%s as %s, for '%s'\n", request->leg, request->tech,
		request->endpoint, request->number, request->account);
	if (shim.closing) {
		return OUTDIAL_E_STATE;
	}
	leg = leg_create(request);
	if (!leg) {
		return OUTDIAL_E_ARGUMENT;
	}
	if (pool_push(shim.calls, leg_dial, leg)) {
		leg_forget(leg);
		return OUTDIAL_E_FULL;
	}
	return OUTDIAL_OK;
}

static int32_t host_ring(void *ctx, const struct outdial_ring *request)
{
	struct phone *phone;

	shim_debug("The engine: ring %s, %s/%s, for agent '%s'\n", request->session, request->tech,
		request->endpoint, request->agent);
	if (shim.closing) {
		return OUTDIAL_E_STATE;
	}
	phone = phone_create(request);
	if (!phone) {
		return OUTDIAL_E_ARGUMENT;
	}
	if (pool_push(shim.calls, phone_ring, phone)) {
		phone_forget(phone);
		return OUTDIAL_E_FULL;
	}
	return OUTDIAL_OK;
}

/*! \brief The agent is in the customer's bridge, and can't have left it yet. */
static void agent_is_there(struct session *session, void *data)
{
	struct leg *leg = data;

	ao2_lock(leg);
	leg->bridged = 1;
	ao2_unlock(leg);
	leg_silence(leg);
	session_met(session, leg->id);
	shim_post(OUTDIAL_EVENT_LEG_BRIDGED, leg->id, session->id, 0);
	leg_record(leg);
}

static void connect_run(struct work *work)
{
	struct leg *leg = leg_find(work->id);
	struct session *session = session_find(work->other);
	struct ast_bridge *bridge = NULL;

	if (leg && session) {
		ao2_lock(leg);
		bridge = leg->order == LEG_ORDER_NONE ? ao2_bump(leg->bridge) : NULL;
		ao2_unlock(leg);
	}
	if (!bridge || session_move(session, bridge, agent_is_there, leg)) {
		shim_post(OUTDIAL_EVENT_LEG_CONNECT_FAILED, work->id, work->other, 0);
	}
	ao2_cleanup(bridge);
	ao2_cleanup(session);
	leg_release(leg);
}

static void host_connect(void *ctx, const char *leg, const char *session)
{
	shim_debug("The engine: connect %s and %s\n", leg, session);
	if (work_push(connect_run, leg, session, NULL, 0)) {
		shim_post(OUTDIAL_EVENT_LEG_CONNECT_FAILED, leg, session, 0);
	}
}

static void fill_play(struct leg *leg, const void *from)
{
	const struct work *work = from;

	ast_copy_string(leg->sound, work->text, sizeof(leg->sound));
	leg->after_beep = work->number;
}

static void play_run(struct work *work)
{
	struct leg *leg = leg_find(work->id);

	if (leg) {
		leg_order(leg, LEG_ORDER_PLAY, fill_play, work);
		leg_release(leg);
	}
}

static void host_play(void *ctx, const char *leg, const char *sound)
{
	shim_debug("The engine: play '%s' to %s\n", sound, leg);
	if (strlen(sound) >= OUTDIAL_SOUND_LEN || work_push(play_run, leg, NULL, sound, 0)) {
		shim_post(OUTDIAL_EVENT_LEG_PLAYED, leg, NULL, 0);
	}
}

static void host_leave_message(void *ctx, const char *leg, const char *sound)
{
	shim_debug("The engine: leave '%s' on %s\n", sound, leg);
	if (strlen(sound) >= OUTDIAL_SOUND_LEN || work_push(play_run, leg, NULL, sound, 1)) {
		shim_post(OUTDIAL_EVENT_LEG_PLAYED, leg, NULL, 0);
	}
}

static void fill_release(struct leg *leg, const void *from)
{
	const struct work *work = from;

	ast_copy_string(leg->to_context, work->other, sizeof(leg->to_context));
	ast_copy_string(leg->to_exten, S_OR(work->text, "s"), sizeof(leg->to_exten));
	leg->to_priority = MAX(1, (int) work->number);
}

static void release_run(struct work *work)
{
	struct leg *leg = leg_find(work->id);

	if (leg) {
		leg_order(leg, LEG_ORDER_RELEASE, fill_release, work);
		leg_release(leg);
	}
}

static void host_release(void *ctx, const char *leg, const char *context, const char *exten,
	uint32_t priority)
{
	shim_debug("The engine: let %s go on at %s,%s,%u\n", leg, S_OR(context, "(next)"),
		S_OR(exten, ""), priority);
	work_push(release_run, leg, context, exten, priority);
}

static void hangup_run(struct work *work)
{
	struct leg *leg = leg_find(work->id);

	if (leg) {
		leg_hangup(leg, (int) work->number);
		leg_release(leg);
	}
}

static void host_hangup(void *ctx, const char *leg, uint32_t q850)
{
	shim_debug("The engine: hang up %s, Q.850 %u\n", leg, q850);
	work_push(hangup_run, leg, NULL, NULL, q850);
}

static void dismiss_run(struct work *work)
{
	struct session *session = session_find(work->id);

	if (session) {
		session_dismiss(session, work->number);
		ao2_ref(session, -1);
	}
}

static void host_dismiss(void *ctx, const char *session, uint32_t why)
{
	shim_debug("The engine: let %s go, %u\n", session, why);
	work_push(dismiss_run, session, NULL, NULL, why ? why : OUTDIAL_DISMISS_LOGGED_OFF);
}

static void host_probe(void *ctx, uint64_t request, uint32_t what, const char *first,
	const char *second, uint32_t number)
{
	probe_push(request, what, first, second, number);
}

/*! \brief The arguments of visit_live. */
struct live_visit {
	void (*visit)(void *visitor, const char *id, int32_t session);
	void *visitor;
};

static int visit_leg(struct leg *leg, void *data)
{
	struct live_visit *live = data;

	live->visit(live->visitor, leg->id, 0);
	return 0;
}

static void visit_session(struct session *session, void *data)
{
	struct live_visit *live = data;

	live->visit(live->visitor, session->id, 1);
}

static void host_visit_live(void *ctx, void (*visit)(void *visitor, const char *id, int32_t session),
	void *visitor)
{
	struct live_visit live = { .visit = visit, .visitor = visitor, };

	leg_each(visit_leg, &live);
	session_each(visit_session, &live);
}

static void host_load(void *ctx, struct outdial_host_load *load)
{
	struct pool_load calls;
	struct pool_load work;

	pool_load(shim.calls, &calls);
	pool_load(shim.work, &work);
	load->waiting = calls.waiting + work.waiting;
	load->running = calls.running + work.running;
	load->oldest_ms = MAX(calls.oldest_ms, work.oldest_ms);
}

static void host_log(void *ctx, uint32_t level, const char *text)
{
	if (level >= OUTDIAL_LOG_ERROR) {
		ast_log(LOG_ERROR, "%s\n", text);
	} else if (level >= OUTDIAL_LOG_WARN) {
		ast_log(LOG_WARNING, "%s\n", text);
	} else if (level >= OUTDIAL_LOG_INFO) {
		ast_log(LOG_NOTICE, "%s\n", text);
	} else {
		shim_debug("%s\n", text);
	}
}

/*! \brief A ringing call would be answered by nobody; a waiting customer waits in vain. */
static int let_leg_go(struct leg *leg, void *data)
{
	int answered;
	int bridged;

	ao2_lock(leg);
	answered = leg->answered;
	bridged = leg->bridged;
	ao2_unlock(leg);
	if (!answered) {
		leg_hangup(leg, AST_CAUSE_NORMAL_CLEARING);
	} else if (!bridged) {
		leg_order(leg, LEG_ORDER_LET_GO, NULL, NULL);
	}
	return 0;
}

static void let_session_go(struct session *session, void *data)
{
	session_dismiss(session, 0);
}

void host_let_go(void)
{
	leg_each(let_leg_go, NULL);
	session_each(let_session_go, NULL);
}

static void fault_run(struct work *work)
{
	host_let_go();
}

static void host_on_fault(void *ctx, const char *text)
{
	ast_log(LOG_ERROR, "outdial has stopped dialing: %s. Calls go on; restart Asterisk to dial again\n",
		text);
	shim.faulted = 1;
	work_push(fault_run, NULL, NULL, NULL, 0);
}

static void host_notice(void *ctx, const struct outdial_notice *notice)
{
	events_notice(notice);
}

const struct outdial_host shim_host = {
	.abi_version = OUTDIAL_ABI_MAJOR << 16 | OUTDIAL_ABI_MINOR,
	.struct_size = sizeof(struct outdial_host),
	.originate = host_originate,
	.connect = host_connect,
	.play = host_play,
	.release = host_release,
	.hangup = host_hangup,
	.dismiss = host_dismiss,
	.probe = host_probe,
	.visit_live = host_visit_live,
	.load = host_load,
	.log = host_log,
	.on_fault = host_on_fault,
	.ring = host_ring,
	.notice = host_notice,
	.leave_message = host_leave_message,
	.enqueue = host_enqueue,
	.dequeue = host_dequeue,
	.watch_queue = host_watch_queue,
};
