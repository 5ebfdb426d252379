/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * What the engine asks of FreeSWITCH: each function enqueues and returns.
 */
#include "events.h"
#include "leg.h"
#include "phone.h"
#include "pool.h"
#include "queue.h"
#include "session.h"

/* A job of the work pool. */
struct work {
	void (*run)(struct work *work);
	char id[OUTDIAL_ID_LEN];
	char other[OUTDIAL_ID_LEN];
	char text[OUTDIAL_SOUND_LEN];
	uint32_t number;
};

static void work_run(void *data)
{
	struct work *work = data;

	work->run(work);
	free(work);
}

/* Non-zero: as many wait as may, or a text is too long. */
static int work_push(void (*run)(struct work *work), const char *id, const char *other, const char *text,
	uint32_t number)
{
	struct work *work = calloc(1, sizeof(*work));

	if (!work) {
		return -1;
	}
	work->run = run;
	work->number = number;
	if (shim_copy(work->id, sizeof(work->id), id, 0) || shim_copy(work->other, sizeof(work->other), other, 0)
		|| shim_copy(work->text, sizeof(work->text), text, 0) || pool_push(shim.work, work_run, work)) {
		free(work);
		return -1;
	}
	return 0;
}

static int32_t host_originate(void *ctx, const struct outdial_originate *request)
{
	struct leg *leg;

	shim_debug("The engine: dial %s over %s/%s as %s, for '%s'\n", request->leg, request->tech, request->endpoint,
		request->number, request->account);
	if (shim.closing) {
		return OUTDIAL_E_STATE;
	}
	if (legs_count() + sessions_count() >= shim_max_calls()) {
		return OUTDIAL_E_FULL;
	}
	leg = leg_create(request);
	if (!leg) {
		return OUTDIAL_E_ARGUMENT;
	}
	if (pool_push(shim.dials, leg_dial, leg)) {
		leg_forget(leg);
		return OUTDIAL_E_FULL;
	}
	return OUTDIAL_OK;
}

static int32_t host_ring(void *ctx, const struct outdial_ring *request)
{
	struct phone *phone;

	shim_debug("The engine: ring %s, %s/%s, for agent '%s'\n", request->session, request->tech, request->endpoint,
		request->agent);
	if (shim.closing) {
		return OUTDIAL_E_STATE;
	}
	phone = phone_create(request);
	if (!phone) {
		return OUTDIAL_E_ARGUMENT;
	}
	if (pool_push(shim.dials, phone_ring, phone)) {
		phone_forget(phone);
		return OUTDIAL_E_FULL;
	}
	return OUTDIAL_OK;
}

static void connect_run(struct work *work)
{
	struct leg *leg = leg_find(work->id);
	struct session *session = session_find(work->other);
	int failed = !leg || !session || leg_meet(leg, session->id);

	if (!failed && session_meet(session, leg->id)) {
		leg_unmeet(leg);
		failed = 1;
	}
	if (failed) {
		shim_post(OUTDIAL_EVENT_LEG_CONNECT_FAILED, work->id, work->other, 0);
	}
	session_release(session);
	leg_release(leg);
}

static void host_connect(void *ctx, const char *leg, const char *session)
{
	shim_debug("The engine: connect %s and %s\n", leg, session);
	if (work_push(connect_run, leg, session, NULL, 0)) {
		shim_post(OUTDIAL_EVENT_LEG_CONNECT_FAILED, leg, session, 0);
	}
}

/* `number`: the order. */
static void order_run(struct work *work)
{
	struct leg *leg = leg_find(work->id);

	if (leg) {
		leg_order(leg, (enum leg_order) work->number, work->text, work->other);
		leg_release(leg);
	}
}

static void host_play(void *ctx, const char *leg, const char *sound)
{
	shim_debug("The engine: play '%s' to %s\n", sound, leg);
	if (work_push(order_run, leg, NULL, sound, LEG_ORDER_PLAY)) {
		shim_post(OUTDIAL_EVENT_LEG_PLAYED, leg, NULL, 0);
	}
}

static void host_release(void *ctx, const char *leg, const char *context, const char *exten, uint32_t priority)
{
	shim_debug("The engine: let %s go on at %s in %s\n", leg, switch_str_nil(exten), switch_str_nil(context));
	work_push(order_run, leg, context, zstr(exten) ? "s" : exten, LEG_ORDER_RELEASE);
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
		session_release(session);
	}
}

static void host_dismiss(void *ctx, const char *session, uint32_t why)
{
	shim_debug("The engine: let %s go, %u\n", session, why);
	work_push(dismiss_run, session, NULL, NULL, why ? why : OUTDIAL_DISMISS_LOGGED_OFF);
}

static void host_probe(void *ctx, uint64_t request, uint32_t what, const char *first, const char *second,
	uint32_t number)
{
	probe_push(request, what, first, second, number);
}

static void host_visit_live(void *ctx, void (*visit)(void *visitor, const char *id, int32_t session), void *visitor)
{
	leg_each_id(visit, visitor);
	session_each_id(visit, visitor);
}

static void host_load(void *ctx, struct outdial_host_load *load)
{
	struct pool_load dials;
	struct pool_load work;

	pool_load(shim.dials, &dials);
	pool_load(shim.work, &work);
	load->waiting = dials.waiting + work.waiting;
	load->running = dials.running + work.running;
	load->oldest_ms = dials.oldest_ms > work.oldest_ms ? dials.oldest_ms : work.oldest_ms;
}

static void host_log(void *ctx, uint32_t level, const char *text)
{
	if (level >= OUTDIAL_LOG_ERROR) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_ERROR, "%s\n", text);
	} else if (level >= OUTDIAL_LOG_WARN) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_WARNING, "%s\n", text);
	} else if (level >= OUTDIAL_LOG_INFO) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_NOTICE, "%s\n", text);
	} else {
		shim_debug("%s\n", text);
	}
}

/* A ringing call would be answered by nobody; a waiting customer waits in vain. */
static void let_leg_go(struct leg *leg, void *data)
{
	int answered;
	int bridged;

	switch_mutex_lock(leg->lock);
	answered = leg->answered;
	bridged = leg->bridged;
	switch_mutex_unlock(leg->lock);
	if (!answered) {
		leg_hangup(leg, SWITCH_CAUSE_NORMAL_CLEARING);
	} else if (!bridged) {
		leg_order(leg, LEG_ORDER_LET_GO, NULL, NULL);
	}
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
	switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_ERROR,
		"outdial has stopped dialing: %s. Calls go on; restart FreeSWITCH to dial again\n", text);
	shim.faulted = 1;
	work_push(fault_run, NULL, NULL, NULL, 0);
}

static void host_leave_message(void *ctx, const char *leg, const char *sound)
{
	shim_debug("The engine: leave '%s' on %s\n", sound, leg);
	if (work_push(order_run, leg, NULL, sound, LEG_ORDER_LEAVE_MESSAGE)) {
		shim_post(OUTDIAL_EVENT_LEG_PLAYED, leg, NULL, 0);
	}
}

static void host_enqueue(void *ctx, const char *leg, const char *queue)
{
	shim_debug("The engine: hand %s to queue '%s'\n", leg, queue);
	if (strlen(queue) >= OUTDIAL_QUEUE_LEN || work_push(order_run, leg, NULL, queue, LEG_ORDER_ENQUEUE)) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_ERROR, "Leg '%s' can't be handed to queue '%s'\n", leg, queue);
		shim_post(OUTDIAL_EVENT_LEG_UNQUEUED, leg, NULL, 0);
	}
}

static void dequeue_run(struct work *work)
{
	struct leg *leg = leg_find(work->id);

	if (leg) {
		queue_leave(leg);
		leg_release(leg);
	}
}

static void host_dequeue(void *ctx, const char *leg)
{
	shim_debug("The engine: take %s out of its queue\n", leg);
	if (work_push(dequeue_run, leg, NULL, NULL, 0)) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_ERROR, "Leg '%s' can't be taken out of its queue\n", leg);
	}
}

static void host_watch_queue(void *ctx, const char *queue, uint32_t on)
{
	shim_debug("The engine: %s queue '%s'\n", on ? "watch" : "no longer watch", queue);
	queues_watch(queue, on != 0);
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
