/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief Legs: their registry, and who holds them.
 */

#include "dial.h"
#include "leg.h"

#include "asterisk/astobj2.h"
#include "asterisk/bridge.h"
#include "asterisk/causes.h"
#include "asterisk/datastore.h"
#include "asterisk/mixmonitor.h"
#include "asterisk/musiconhold.h"
#include "asterisk/pbx.h"
#include "asterisk/strings.h"

/*! \brief Buckets of the registry. */
#define LEG_BUCKETS 1021

static struct ao2_container *legs;

AO2_STRING_FIELD_HASH_FN(leg, id)
AO2_STRING_FIELD_CMP_FN(leg, id)

int legs_init(void)
{
	legs = ao2_container_alloc_hash(AO2_ALLOC_OPT_LOCK_MUTEX, 0, LEG_BUCKETS, leg_hash_fn, NULL,
		leg_cmp_fn);
	return legs ? 0 : -1;
}

void legs_destroy(void)
{
	ao2_cleanup(legs);
	legs = NULL;
}

int legs_count(void)
{
	return ao2_container_count(legs);
}

static int leg_fill(struct leg *leg, const struct outdial_originate *request)
{
	char context[AST_MAX_CONTEXT];

	shim_default_context(context, sizeof(context));
	if (dial_copy_text(leg->id, sizeof(leg->id) - 2, request->leg, 1)
		|| dial_copy_text(leg->tech, sizeof(leg->tech), request->tech, 1)
		|| dial_copy_text(leg->endpoint, sizeof(leg->endpoint), request->endpoint, 1)
		|| dial_copy_text(leg->number, sizeof(leg->number), request->number, 1)
		|| dial_copy_text(leg->caller_id, sizeof(leg->caller_id), request->caller_id, 0)
		|| dial_copy_text(leg->context, sizeof(leg->context), S_OR(request->context, context), 1)
		|| dial_copy_text(leg->exten, sizeof(leg->exten), S_OR(request->exten, "s"), 1)
		|| dial_copy_text(leg->amd, sizeof(leg->amd), S_OR(request->amd, ""), 0)) {
		return -1;
	}
	if (!dial_is_made_of(leg->id, OUTDIAL_NAME_CHARACTERS) || !dial_is_made_of(leg->tech, OUTDIAL_NAME_CHARACTERS)
		|| !dial_is_made_of(leg->endpoint, OUTDIAL_NAME_CHARACTERS) || !dial_is_made_of(leg->number, OUTDIAL_DIGITS)
		|| !dial_is_made_of(leg->caller_id, OUTDIAL_DIGITS)
		|| !dial_is_made_of(leg->amd, OUTDIAL_DIGITS ",")) {
		return -1;
	}
	ast_copy_string(leg->uniqueid, leg->id, sizeof(leg->uniqueid));
	/* For reports only: cut to what Asterisk can hold. */
	ast_copy_string(leg->account, S_OR(request->account, ""), sizeof(leg->account));
	leg->priority = MAX(1, (int) request->priority);
	leg->timeout_ms = request->timeout_ms;
	leg->attempt = request->attempt;
	leg->lead = request->lead;
	leg->record = request->record;
	leg->has_amd = request->amd != NULL;
	leg->holds = 1;
	return 0;
}

/*! \brief List a new leg. Non-zero: it can't be, and the caller's reference is gone. */
static int leg_list(struct leg *leg)
{
	struct leg *other;

	ao2_lock(legs);
	other = ao2_find(legs, leg->id, OBJ_SEARCH_KEY | OBJ_NOLOCK);
	if (other || !ao2_link_flags(legs, leg, OBJ_NOLOCK)) {
		ao2_unlock(legs);
		ast_log(LOG_ERROR, "No leg '%s': %s\n", leg->id,
			other ? "there is one of that name" : "out of memory");
		ao2_cleanup(other);
		ao2_ref(leg, -1);
		return -1;
	}
	ao2_unlock(legs);
	ast_module_ref(AST_MODULE_SELF);
	return 0;
}

struct leg *leg_create(const struct outdial_originate *request)
{
	struct leg *leg = ao2_alloc(sizeof(*leg), NULL);

	if (!leg) {
		return NULL;
	}
	if (leg_fill(leg, request)) {
		ast_log(LOG_ERROR, "Not dialing leg '%s': the request is malformed\n",
			S_OR(request->leg, ""));
		ao2_ref(leg, -1);
		return NULL;
	}
	return leg_list(leg) ? NULL : leg;
}

/*! \brief Hold a leg that the caller has a reference to. Non-zero: it has ended. */
static int leg_hold(struct leg *leg)
{
	int ended;

	ao2_lock(leg);
	ended = !leg->holds;
	if (!ended) {
		leg->holds++;
	}
	ao2_unlock(leg);
	return ended;
}

struct leg *leg_find(const char *id)
{
	struct leg *leg = ao2_find(legs, id, OBJ_SEARCH_KEY);

	if (leg && leg_hold(leg)) {
		ao2_ref(leg, -1);
		leg = NULL;
	}
	return leg;
}

void leg_each(int (*visit)(struct leg *leg, void *data), void *data)
{
	struct ao2_iterator iter = ao2_iterator_init(legs, 0);
	struct leg *leg;
	int stop = 0;

	while (!stop && (leg = ao2_iterator_next(&iter))) {
		if (leg_hold(leg)) {
			ao2_ref(leg, -1);
			continue;
		}
		stop = visit(leg, data);
		leg_release(leg);
	}
	ao2_iterator_destroy(&iter);
}

/*! \brief Take a leg out of the registry for good. */
static void leg_unlist(struct leg *leg)
{
	ao2_unlink(legs, leg);
	ao2_ref(leg, -1);
	ast_module_unref(AST_MODULE_SELF);
}

void leg_release(struct leg *leg)
{
	unsigned int holds;

	if (!leg) {
		return;
	}
	ao2_lock(leg);
	holds = --leg->holds;
	ao2_unlock(leg);
	if (holds) {
		ao2_ref(leg, -1);
		return;
	}
	shim_post_ended(leg->id, leg->refused, leg->sip_status, leg->q850);
	leg_unlist(leg);
}

void leg_forget(struct leg *leg)
{
	ao2_lock(leg);
	leg->holds = 0;
	ao2_unlock(leg);
	leg_unlist(leg);
}

/*! \brief The channel is destroyed. */
static void leg_datastore_destroy(void *data)
{
	leg_release(data);
}

/*! \brief A masquerade moves the call, and the leg with it, to another channel. */
static void leg_datastore_fixup(void *data, struct ast_channel *old_chan,
	struct ast_channel *new_chan)
{
	struct leg *leg = data;
	int bridged;

	ao2_lock(leg);
	leg->moved = 1;
	bridged = leg->bridged;
	ao2_unlock(leg);
	if (bridged) {
		/* He was transferred into an application; OutdialConnect is left with an empty shell. */
		shim_post(OUTDIAL_EVENT_LEG_LEFT, leg->id, NULL, 0);
	}
}

static const struct ast_datastore_info leg_datastore = {
	.type = "outdial leg",
	.destroy = leg_datastore_destroy,
	.chan_fixup = leg_datastore_fixup,
};

int leg_attach(struct leg *leg, struct ast_channel *chan)
{
	struct ast_datastore *datastore = ast_datastore_alloc(&leg_datastore, NULL);

	if (!datastore) {
		return -1;
	}
	ao2_ref(leg, +1);
	leg_hold(leg);
	datastore->data = leg;
	ast_channel_lock(chan);
	ast_channel_datastore_add(chan, datastore);
	ast_channel_unlock(chan);
	return 0;
}

struct leg *leg_of(struct ast_channel *chan)
{
	struct ast_datastore *datastore;
	struct leg *leg = NULL;

	ast_channel_lock(chan);
	datastore = ast_channel_datastore_find(chan, &leg_datastore, NULL);
	if (datastore) {
		leg = ao2_bump(datastore->data);
		leg_hold(leg);
	}
	ast_channel_unlock(chan);
	return leg;
}

struct leg *leg_adopt(const struct outdial_inbound_leg *taken, struct ast_channel *chan)
{
	struct leg *leg = ao2_alloc(sizeof(*leg), NULL);

	if (!leg) {
		return NULL;
	}
	ast_copy_string(leg->id, taken->leg, sizeof(leg->id));
	ast_copy_string(leg->uniqueid, ast_channel_uniqueid(chan), sizeof(leg->uniqueid));
	leg->attempt = taken->attempt;
	leg->lead = taken->lead;
	leg->record = taken->record;
	leg->inbound = 1;
	leg->answered = 1;
	/* OutdialConnect has nothing more to do. */
	leg->connected = 1;
	leg->chan = chan;
	leg->holds = 1;
	if (leg_list(leg)) {
		return NULL;
	}
	if (leg_attach(leg, chan)) {
		leg_forget(leg);
		return NULL;
	}
	return leg;
}

void leg_detach(struct leg *leg, struct ast_channel *chan)
{
	struct ast_datastore *datastore;

	ast_channel_lock(chan);
	datastore = ast_channel_datastore_find(chan, &leg_datastore, NULL);
	if (datastore && datastore->data == leg) {
		ast_channel_datastore_remove(chan, datastore);
	} else {
		/* A masquerade has it: the call goes on there. */
		datastore = NULL;
	}
	ast_channel_unlock(chan);
	if (datastore) {
		ast_datastore_free(datastore);
	}
}

void leg_leave(struct leg *leg)
{
	ao2_lock(leg);
	leg->chan = NULL;
	leg->moved = 1;
	ao2_unlock(leg);
}

void leg_silence(struct leg *leg)
{
	struct ast_channel *chan;

	if (!leg->has_music) {
		return;
	}
	ao2_lock(leg);
	chan = ao2_bump(leg->chan);
	ao2_unlock(leg);
	if (chan) {
		ast_moh_stop(chan);
		ast_channel_unref(chan);
	}
}

/*! \brief Has the far end hung up? */
static int is_hung_up(struct ast_channel *chan)
{
	int res;

	ast_channel_lock(chan);
	res = (ast_channel_softhangup_internal_flag(chan) & AST_SOFTHANGUP_DEV) != 0;
	ast_channel_unlock(chan);
	return res;
}

struct ast_channel *leg_channel(struct leg *leg)
{
	struct ast_channel *chan;
	int moved;

	ao2_lock(leg);
	moved = leg->moved;
	chan = moved ? NULL : ao2_bump(leg->chan);
	ao2_unlock(leg);
	/* Rare, and the unique id went along: one look-up by it. */
	return moved ? ast_channel_get_by_name(leg->uniqueid) : chan;
}

void leg_hangup(struct leg *leg, int q850)
{
	struct ast_channel *chan;
	int over;

	ao2_lock(leg);
	over = leg->answered && !leg->hangup;
	leg->hangup = 1;
	leg->hangup_cause = q850 > 0 ? q850 : AST_CAUSE_NORMAL_CLEARING;
	q850 = leg->hangup_cause;
	ao2_unlock(leg);

	chan = leg_channel(leg);
	if (!chan) {
		/* Not dialed yet: the dialing thread looks at the flag. Or just ending by itself. */
		return;
	}
	if (!over || !is_hung_up(chan)) {
		/* Else the cause of what ended it would be lost. */
		ast_channel_softhangup_withcause_locked(chan, q850);
	}
	ast_channel_unref(chan);
}

void leg_order(struct leg *leg, enum leg_order order, void (*fill)(struct leg *leg, const void *from),
	const void *from)
{
	struct ast_bridge *bridge;
	struct ast_channel *chan;
	int replaced;

	ao2_lock(leg);
	replaced = leg->order == LEG_ORDER_PLAY;
	leg->order = order;
	if (fill) {
		fill(leg, from);
	}
	bridge = ao2_bump(leg->bridge);
	chan = ao2_bump(leg->chan);
	ao2_unlock(leg);

	if (replaced) {
		shim_post(OUTDIAL_EVENT_LEG_PLAYED, leg->id, NULL, 0);
	}
	if (bridge && chan) {
		/* Not in there yet: its join hook sees the order. */
		ast_bridge_remove(bridge, chan);
	}
	ao2_cleanup(chan);
	ao2_cleanup(bridge);
}

/*! \brief Is somebody else with the customer, in whatever bridge he is? */
static int leg_has_company(struct leg *leg)
{
	struct ast_bridge_channel *bridge_channel = NULL;
	struct ast_channel *chan;
	unsigned int present = 0;

	ao2_lock(leg);
	chan = ao2_bump(leg->chan);
	ao2_unlock(leg);
	if (!chan) {
		return 0;
	}
	ast_channel_lock(chan);
	bridge_channel = ast_channel_get_bridge_channel(chan);
	ast_channel_unlock(chan);
	if (bridge_channel) {
		/* A transfer may be making one bridge of two: this waits until it has. */
		ast_bridge_channel_lock_bridge(bridge_channel);
		present = bridge_channel->bridge->num_channels;
		ast_bridge_unlock(bridge_channel->bridge);
		ao2_ref(bridge_channel, -1);
	}
	ast_channel_unref(chan);
	return present > 1;
}

void leg_parted(const char *id)
{
	struct leg *leg = leg_find(id);

	if (leg && leg_has_company(leg)) {
		shim_post(OUTDIAL_EVENT_LEG_LEFT, leg->id, NULL, 0);
	}
	leg_release(leg);
}

void leg_record(struct leg *leg)
{
	char name[256] = "";
	struct ast_channel *chan;

	if (!leg->record
		|| outdial_field(shim.engine, OUTDIAL_OF_LEG, leg->id, "recording", name, sizeof(name))
		|| ast_strlen_zero(name)) {
		return;
	}
	ao2_lock(leg);
	chan = ao2_bump(leg->chan);
	ao2_unlock(leg);
	if (!chan) {
		return;
	}
	/* b: only while bridged, so neither waiting nor a survey is on it. */
	if (ast_start_mixmonitor(chan, name, "b")) {
		ast_log(LOG_WARNING, "Leg '%s' is not recorded: is app_mixmonitor.so loaded, and the folder of "
			"recordings writable?\n", leg->id);
	}
	ast_channel_unref(chan);
}
