/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief An answered call goes to Queue(), and comes out of it.
 *
 * Queue() runs in the customer's own thread. Whether a member has taken the call or the engine has
 * taken it out is decided once, under the leg's lock: by the customer's arrival in the member's
 * bridge, or by queue_leave().
 */

#include "queue.h"
#include "work.h"

#include "asterisk/app.h"
#include "asterisk/astobj2.h"
#include "asterisk/bridge_features.h"
#include "asterisk/file.h"
#include "asterisk/musiconhold.h"
#include "asterisk/pbx.h"

static void fill_enqueue(struct leg *leg, const void *from)
{
	const struct work *work = from;

	leg->in_queue = LEG_QUEUE_ORDERED;
	ast_copy_string(leg->sound, work->text, sizeof(leg->sound));
}

static void enqueue_run(struct work *work)
{
	struct leg *leg = leg_find(work->id);

	if (leg) {
		leg_order(leg, LEG_ORDER_ENQUEUE, fill_enqueue, work);
		leg_release(leg);
	}
}

void host_enqueue(void *ctx, const char *leg, const char *queue)
{
	shim_debug("The engine: hand %s to queue '%s'\n", leg, queue);
	if (strlen(queue) >= OUTDIAL_QUEUE_LEN || work_push(enqueue_run, leg, NULL, queue, 0)) {
		ast_log(LOG_ERROR, "Leg '%s' can't be handed to queue '%s'\n", leg, queue);
		shim_post(OUTDIAL_EVENT_LEG_UNQUEUED, leg, NULL, 0);
	}
}

/*! \brief Take a customer out of Queue(), unless a member has taken the call. */
static void queue_leave(struct leg *leg)
{
	struct ast_channel *chan;
	unsigned int runs;

	ao2_lock(leg);
	if (leg->in_queue == LEG_QUEUE_ORDERED) {
		/* Not in there yet: he won't go. */
		leg->in_queue = LEG_QUEUE_LEAVES;
	}
	runs = leg->in_queue == LEG_QUEUE_RUNS;
	ao2_unlock(leg);
	chan = runs ? leg_channel(leg) : NULL;
	if (chan) {
		ast_channel_lock(chan);
		ao2_lock(leg);
		runs = leg->in_queue == LEG_QUEUE_RUNS;
		if (runs) {
			leg->in_queue = LEG_QUEUE_LEAVES;
		}
		ao2_unlock(leg);
		if (runs) {
			/* As if he was sent elsewhere in the dialplan: Queue() takes it for a hangup. */
			ast_softhangup_nolock(chan, AST_SOFTHANGUP_ASYNCGOTO);
		}
		ast_channel_unlock(chan);
	}
	ast_channel_cleanup(chan);
}

static void dequeue_run(struct work *work)
{
	struct leg *leg = leg_find(work->id);

	if (leg) {
		queue_leave(leg);
		leg_release(leg);
	}
}

void host_dequeue(void *ctx, const char *leg)
{
	shim_debug("The engine: take %s out of its queue\n", leg);
	if (work_push(dequeue_run, leg, NULL, NULL, 0)) {
		ast_log(LOG_ERROR, "Leg '%s' can't be taken out of its queue\n", leg);
	}
}

/*! \brief The member is counted before the engine hears that he has the call. */
static void member_run(struct work *work)
{
	struct leg *leg = leg_find(work->id);

	queues_count(work->text);
	shim_post(OUTDIAL_EVENT_LEG_MEMBER, work->id, NULL, 0);
	if (leg) {
		leg_record(leg);
		leg_release(leg);
	}
}

/*! \brief Join hook of the customer's channel, for every bridge that he comes into: is it a member's? */
static int customer_joined(struct ast_bridge_channel *bridge_channel, void *hook_pvt)
{
	struct leg *leg = hook_pvt;
	char queue[OUTDIAL_QUEUE_LEN];
	unsigned int taken;

	ao2_lock(leg);
	taken = leg->in_queue == LEG_QUEUE_RUNS;
	if (taken) {
		leg->in_queue = LEG_QUEUE_TAKEN;
		leg->bridged = 1;
		ast_copy_string(queue, leg->sound, sizeof(queue));
	}
	ao2_unlock(leg);
	if (taken && work_push(member_run, leg->id, NULL, queue, 0)) {
		/* The count comes by itself, a moment later. */
		shim_post(OUTDIAL_EVENT_LEG_MEMBER, leg->id, NULL, 0);
	}
	return 0;
}

/*! \brief Let the channel tell when it comes into a bridge. Non-zero: out of memory. */
static int listen_for_member(struct leg *leg, struct ast_channel *chan)
{
	struct ast_bridge_features features;
	int res;

	if (ast_bridge_features_init(&features)) {
		ast_bridge_features_cleanup(&features);
		return -1;
	}
	ao2_ref(leg, +1);
	res = ast_bridge_join_hook(&features, customer_joined, leg, __ao2_cleanup, 0);
	if (res) {
		ao2_ref(leg, -1);
	} else {
		ast_channel_lock(chan);
		res = ast_channel_feature_hooks_append(chan, &features);
		ast_channel_unlock(chan);
	}
	ast_bridge_features_cleanup(&features);
	return res;
}

/*! \brief The arguments of Queue(): the name, and the options that the dialplan has set. */
static void queue_arguments(struct ast_channel *chan, const char *queue, char *data, size_t size)
{
	const char *options;

	ast_channel_lock(chan);
	options = pbx_builtin_getvar_helper(chan, "OUTDIAL_QUEUE_OPTIONS");
	snprintf(data, size, "%s,%s", queue, S_OR(options, ""));
	ast_channel_unlock(chan);
}

/*! \brief He is about to enter. Non-zero: he has been taken out already. */
static int queue_enter(struct leg *leg)
{
	int res;

	ao2_lock(leg);
	res = leg->in_queue != LEG_QUEUE_ORDERED;
	if (!res) {
		leg->in_queue = LEG_QUEUE_RUNS;
	}
	ao2_unlock(leg);
	return res;
}

/*! \brief He is out. Non-zero: a member had the call. */
static int queue_left(struct leg *leg, struct ast_channel *chan)
{
	enum leg_queue was;

	ast_channel_lock(chan);
	ao2_lock(leg);
	was = leg->in_queue;
	leg->in_queue = LEG_QUEUE_NONE;
	ao2_unlock(leg);
	if (was == LEG_QUEUE_LEAVES) {
		ast_channel_clear_softhangup(chan, AST_SOFTHANGUP_ASYNCGOTO);
	}
	ast_channel_unlock(chan);
	return was == LEG_QUEUE_TAKEN;
}

int queue_run(struct leg *leg, struct ast_channel *chan, const char *queue)
{
	struct ast_app *app = pbx_findapp("Queue");
	char data[OUTDIAL_QUEUE_LEN + 512];
	int taken;

	if (!app || listen_for_member(leg, chan)) {
		ast_log(LOG_WARNING, "Leg '%s' can't enter queue '%s': %s\n", leg->id, queue,
			app ? "out of memory" : "app_queue.so is not loaded");
		queue_left(leg, chan);
		return 0;
	}
	queue_arguments(chan, queue, data, sizeof(data));
	if (!queue_enter(leg)) {
		pbx_exec(chan, app, data);
	}
	taken = queue_left(leg, chan);
	/* Where Queue() believes in a hangup its music goes on. */
	ast_moh_stop(chan);
	ast_stopstream(chan);
	queues_count(queue);
	return taken;
}

int queue_exists(const char *queue)
{
	char function[OUTDIAL_QUEUE_LEN + 16];
	char value[16] = "";

	if (!pbx_findapp("Queue")) {
		return 0;
	}
	snprintf(function, sizeof(function), "QUEUE_EXISTS(%s)", queue);
	return !ast_func_read(NULL, function, value, sizeof(value)) && !strcmp(value, "1");
}
