/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * Legs: their registry, and who holds them.
 */
#include "leg.h"

/* What a channel keeps its leg under. */
static const char private_name[] = "outdial_leg";

static struct {
	switch_mutex_t *lock;
	switch_hash_t *table;
	unsigned int count;
} legs;

int legs_init(void)
{
	if (switch_mutex_init(&legs.lock, SWITCH_MUTEX_NESTED, shim.memory) != SWITCH_STATUS_SUCCESS) {
		return -1;
	}
	legs.count = 0;
	return switch_core_hash_init(&legs.table) == SWITCH_STATUS_SUCCESS ? 0 : -1;
}

void legs_destroy(void)
{
	if (legs.table) {
		switch_core_hash_destroy(&legs.table);
	}
}

unsigned int legs_count(void)
{
	unsigned int count;

	switch_mutex_lock(legs.lock);
	count = legs.count;
	switch_mutex_unlock(legs.lock);
	return count;
}

static int leg_fill(struct leg *leg, const struct outdial_originate *request)
{
	char context[OUTDIAL_PLACE_LEN];

	shim_default_context(context, sizeof(context));
	if (shim_copy(leg->id, sizeof(leg->id), request->leg, 1)
		|| shim_copy(leg->tech, sizeof(leg->tech), request->tech, 1)
		|| shim_copy(leg->endpoint, sizeof(leg->endpoint), request->endpoint, 1)
		|| shim_copy(leg->number, sizeof(leg->number), request->number, 1)
		|| shim_copy(leg->caller_id, sizeof(leg->caller_id), request->caller_id, 0)
		|| shim_copy(leg->context, sizeof(leg->context), zstr(request->context) ? context : request->context, 1)
		|| shim_copy(leg->exten, sizeof(leg->exten), zstr(request->exten) ? "s" : request->exten, 1)) {
		return -1;
	}
	if (!shim_is_made_of(leg->id, OUTDIAL_NAME_CHARACTERS)
		|| !shim_is_made_of(leg->tech, OUTDIAL_NAME_CHARACTERS)
		|| !shim_is_made_of(leg->endpoint, OUTDIAL_NAME_CHARACTERS)
		|| !shim_is_made_of(leg->number, OUTDIAL_DIGITS)
		|| !shim_is_made_of(leg->caller_id, OUTDIAL_DIGITS)) {
		return -1;
	}
	/* For reports only: cut to what there is room for. */
	switch_copy_string(leg->account, switch_str_nil(request->account), sizeof(leg->account));
	leg->timeout_ms = request->timeout_ms;
	leg->attempt = request->attempt;
	leg->lead = request->lead;
	leg->record = request->record;
	leg->holds = 1;
	return 0;
}

/* Lists a new leg. Non-zero: there is one of that name. */
static int leg_list(struct leg *leg)
{
	int taken;

	switch_mutex_lock(legs.lock);
	taken = switch_core_hash_find(legs.table, leg->id) != NULL;
	if (!taken) {
		switch_core_hash_insert(legs.table, leg->id, leg);
		legs.count++;
	}
	switch_mutex_unlock(legs.lock);
	return taken;
}

static void leg_free(struct leg *leg)
{
	bell_destroy(&leg->bell);
	free(leg);
}

/* Takes an ended leg out of the registry, and frees it. */
static void leg_unlist(struct leg *leg)
{
	switch_mutex_lock(legs.lock);
	switch_core_hash_delete(legs.table, leg->id);
	legs.count--;
	switch_mutex_unlock(legs.lock);
	leg_free(leg);
	shim_unhold();
}

/* Lists a leg that has its id. Non-zero: the module is being unloaded, or there is one of that name; it is
 * freed. */
static int leg_enter(struct leg *leg)
{
	leg->lock = shim_lock_of(leg->id);
	if (shim_hold()) {
		leg_free(leg);
		return -1;
	}
	if (leg_list(leg)) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_ERROR, "No leg '%s': there is one of that name\n", leg->id);
		leg_free(leg);
		shim_unhold();
		return -1;
	}
	return 0;
}

struct leg *leg_create(const struct outdial_originate *request)
{
	struct leg *leg = calloc(1, sizeof(*leg));

	if (!leg) {
		return NULL;
	}
	bell_init(&leg->bell);
	if (leg_fill(leg, request)) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_ERROR, "Not dialing leg '%s': the request is malformed\n",
			switch_str_nil(request->leg));
		leg_free(leg);
		return NULL;
	}
	return leg_enter(leg) ? NULL : leg;
}

struct leg *leg_adopt(const struct outdial_inbound_leg *taken, switch_core_session_t *session)
{
	struct leg *leg = calloc(1, sizeof(*leg));

	if (!leg) {
		return NULL;
	}
	bell_init(&leg->bell);
	switch_copy_string(leg->id, taken->leg, sizeof(leg->id));
	leg->attempt = taken->attempt;
	leg->lead = taken->lead;
	leg->record = taken->record;
	leg->inbound = 1;
	leg->proceeding = 1;
	leg->answered = 1;
	leg->routed = 1;
	leg->holds = 1;
	if (leg_enter(leg)) {
		return NULL;
	}
	leg_attach(leg, session);
	return leg;
}

struct leg *leg_find(const char *id)
{
	struct leg *leg;

	switch_mutex_lock(legs.lock);
	leg = switch_core_hash_find(legs.table, id);
	if (leg && leg->holds) {
		leg->holds++;
	} else {
		leg = NULL;
	}
	switch_mutex_unlock(legs.lock);
	return leg;
}

struct leg *leg_of(switch_channel_t *channel)
{
	struct leg *leg = switch_channel_get_private(channel, private_name);

	/* The channel's own hold lasts to its destruction, which waits for who uses the channel. */
	return leg ? leg_find(leg->id) : NULL;
}

void leg_each(void (*visit)(struct leg *leg, void *data), void *data)
{
	switch_hash_index_t *index;
	struct leg **held;
	unsigned int count = 0;
	unsigned int i;

	switch_mutex_lock(legs.lock);
	held = calloc(legs.count + 1, sizeof(*held));
	for (index = held ? switch_core_hash_first(legs.table) : NULL; index; index = switch_core_hash_next(&index)) {
		void *value = NULL;
		struct leg *leg;

		switch_core_hash_this(index, NULL, NULL, &value);
		leg = value;
		if (leg && leg->holds) {
			leg->holds++;
			held[count++] = leg;
		}
	}
	switch_mutex_unlock(legs.lock);
	for (i = 0; i < count; i++) {
		visit(held[i], data);
		leg_release(held[i]);
	}
	free(held);
}

void leg_each_id(void (*visit)(void *visitor, const char *id, int32_t session), void *visitor)
{
	switch_hash_index_t *index;

	switch_mutex_lock(legs.lock);
	for (index = switch_core_hash_first(legs.table); index; index = switch_core_hash_next(&index)) {
		const void *id = NULL;

		switch_core_hash_this(index, &id, NULL, NULL);
		visit(visitor, id, 0);
	}
	switch_mutex_unlock(legs.lock);
}

void leg_release(struct leg *leg)
{
	unsigned int holds;

	if (!leg) {
		return;
	}
	switch_mutex_lock(legs.lock);
	holds = --leg->holds;
	switch_mutex_unlock(legs.lock);
	if (!holds) {
		shim_post_ended(leg->id, leg->refused, leg->sip_status, leg->q850);
		leg_unlist(leg);
	}
}

void leg_forget(struct leg *leg)
{
	switch_mutex_lock(legs.lock);
	leg->holds = 0;
	switch_mutex_unlock(legs.lock);
	leg_unlist(leg);
}

void leg_attach(struct leg *leg, switch_core_session_t *session)
{
	switch_mutex_lock(legs.lock);
	leg->holds++;
	switch_mutex_unlock(legs.lock);
	switch_channel_set_private(switch_core_session_get_channel(session), private_name, leg);
	switch_mutex_lock(leg->lock);
	leg->session = session;
	switch_mutex_unlock(leg->lock);
}

void leg_detach(struct leg *leg, switch_core_session_t *session)
{
	switch_channel_set_private(switch_core_session_get_channel(session), private_name, NULL);
	switch_mutex_lock(leg->lock);
	leg->session = NULL;
	switch_mutex_unlock(leg->lock);
	leg_release(leg);
}

switch_core_session_t *leg_session(struct leg *leg)
{
	switch_core_session_t *session;

	switch_mutex_lock(leg->lock);
	session = leg->session;
	if (session && switch_core_session_read_lock(session) != SWITCH_STATUS_SUCCESS) {
		session = NULL;
	}
	switch_mutex_unlock(leg->lock);
	return session;
}

void leg_hangup(struct leg *leg, int q850)
{
	switch_core_session_t *session;

	switch_mutex_lock(leg->lock);
	leg->hangup = 1;
	leg->hangup_cause = q850 > 0 ? q850 : SWITCH_CAUSE_NORMAL_CLEARING;
	q850 = leg->hangup_cause;
	switch_mutex_unlock(leg->lock);

	/* None: not dialed yet, and the dialing thread looks at the flag; or just ending by itself. */
	session = leg_session(leg);
	if (session) {
		switch_channel_hangup(switch_core_session_get_channel(session), (switch_call_cause_t) q850);
		switch_core_session_rwunlock(session);
	}
}

/* He sleeps until his next packet comes. */
static void leg_wake(struct leg *leg)
{
	switch_core_session_t *session = leg_session(leg);
	int talking;

	bell_ring(&leg->bell);
	if (!session) {
		return;
	}
	switch_mutex_lock(leg->lock);
	talking = leg->talking;
	switch_mutex_unlock(leg->lock);
	if (talking) {
		/* Either side of a bridge goes when the other one is no longer marked so. */
		switch_channel_clear_flag(switch_core_session_get_channel(session), CF_BRIDGED);
	}
	switch_core_session_kill_channel(session, SWITCH_SIG_BREAK);
	switch_core_session_rwunlock(session);
}

void leg_order(struct leg *leg, enum leg_order order, const char *text, const char *context)
{
	int replaced;

	switch_mutex_lock(leg->lock);
	replaced = leg->order == LEG_ORDER_PLAY || leg->order == LEG_ORDER_LEAVE_MESSAGE;
	leg->order = order;
	if (order == LEG_ORDER_ENQUEUE) {
		leg->in_queue = LEG_QUEUE_ORDERED;
	}
	switch_copy_string(leg->text, switch_str_nil(text), sizeof(leg->text));
	switch_copy_string(leg->to_context, switch_str_nil(context), sizeof(leg->to_context));
	switch_mutex_unlock(leg->lock);
	if (replaced) {
		shim_post(OUTDIAL_EVENT_LEG_PLAYED, leg->id, NULL, 0);
	}
	leg_wake(leg);
}

int leg_meet(struct leg *leg, const char *session)
{
	int good;

	switch_mutex_lock(leg->lock);
	good = leg->visiting && leg->order == LEG_ORDER_NONE;
	if (good) {
		leg->order = LEG_ORDER_MEET;
		switch_copy_string(leg->text, session, sizeof(leg->text));
	}
	switch_mutex_unlock(leg->lock);
	if (good) {
		leg_wake(leg);
	}
	return good ? 0 : -1;
}

void leg_unmeet(struct leg *leg)
{
	switch_mutex_lock(leg->lock);
	if (leg->order == LEG_ORDER_MEET) {
		leg->order = LEG_ORDER_NONE;
	}
	switch_mutex_unlock(leg->lock);
}
