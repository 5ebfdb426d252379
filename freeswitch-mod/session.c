/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * Sessions: their registry, and orders for agents.
 */
#include "monitor.h"
#include "session.h"

static struct {
	switch_mutex_t *lock;
	switch_hash_t *table;
	unsigned int count;
} sessions;

int sessions_init(void)
{
	if (switch_mutex_init(&sessions.lock, SWITCH_MUTEX_NESTED, shim.memory) != SWITCH_STATUS_SUCCESS) {
		return -1;
	}
	sessions.count = 0;
	return switch_core_hash_init(&sessions.table) == SWITCH_STATUS_SUCCESS ? 0 : -1;
}

void sessions_destroy(void)
{
	if (sessions.table) {
		switch_core_hash_destroy(&sessions.table);
	}
}

unsigned int sessions_count(void)
{
	unsigned int count;

	switch_mutex_lock(sessions.lock);
	count = sessions.count;
	switch_mutex_unlock(sessions.lock);
	return count;
}

static void session_free(struct session *session)
{
	bell_destroy(&session->bell);
	free(session);
}

struct session *session_create(const char *id, const char *agent)
{
	struct session *session = calloc(1, sizeof(*session));
	int taken;

	if (!session) {
		return NULL;
	}
	bell_init(&session->bell);
	if (shim_hold()) {
		session_free(session);
		return NULL;
	}
	session->lock = shim_lock_of(id);
	session->holds = 1;
	if (shim_copy(session->id, sizeof(session->id), id, 1)
		|| shim_copy(session->agent, sizeof(session->agent), agent, 1)) {
		session_free(session);
		shim_unhold();
		return NULL;
	}
	switch_mutex_lock(sessions.lock);
	taken = switch_core_hash_find(sessions.table, session->id) != NULL;
	if (!taken) {
		switch_core_hash_insert(sessions.table, session->id, session);
		sessions.count++;
	}
	switch_mutex_unlock(sessions.lock);
	if (taken) {
		session_free(session);
		shim_unhold();
		return NULL;
	}
	return session;
}

struct session *session_find(const char *id)
{
	struct session *session;

	switch_mutex_lock(sessions.lock);
	session = switch_core_hash_find(sessions.table, id);
	if (session) {
		session->holds++;
	}
	switch_mutex_unlock(sessions.lock);
	return session;
}

struct session *session_of(switch_channel_t *channel)
{
	return session_find(switch_channel_get_uuid(channel));
}

void session_release(struct session *session)
{
	unsigned int holds;

	if (!session) {
		return;
	}
	switch_mutex_lock(sessions.lock);
	holds = --session->holds;
	switch_mutex_unlock(sessions.lock);
	if (!holds) {
		session_free(session);
		shim_unhold();
	}
}

void session_end(struct session *session)
{
	session_set(session, NULL);
	switch_mutex_lock(sessions.lock);
	switch_core_hash_delete(sessions.table, session->id);
	sessions.count--;
	switch_mutex_unlock(sessions.lock);
	session_release(session);
}

void session_gone(struct session *session)
{
	char meet[OUTDIAL_ID_LEN];

	session_set(session, NULL);
	monitor_over(session->id);
	switch_mutex_lock(session->lock);
	session->waiting = 0;
	switch_copy_string(meet, session->meet, sizeof(meet));
	switch_mutex_unlock(session->lock);
	if (*meet) {
		/* He was told, and left instead. */
		shim_post(OUTDIAL_EVENT_LEG_CONNECT_FAILED, meet, session->id, 0);
	}
	shim_post(OUTDIAL_EVENT_SESSION_GONE, session->id, NULL, session->refused);
	session_end(session);
}

void session_each(void (*visit)(struct session *session, void *data), void *data)
{
	switch_hash_index_t *index;
	struct session **held;
	unsigned int count = 0;
	unsigned int i;

	switch_mutex_lock(sessions.lock);
	held = calloc(sessions.count + 1, sizeof(*held));
	for (index = held ? switch_core_hash_first(sessions.table) : NULL; index; index = switch_core_hash_next(&index)) {
		void *value = NULL;

		switch_core_hash_this(index, NULL, NULL, &value);
		held[count] = value;
		held[count++]->holds++;
	}
	switch_mutex_unlock(sessions.lock);
	for (i = 0; i < count; i++) {
		visit(held[i], data);
		session_release(held[i]);
	}
	free(held);
}

void session_each_id(void (*visit)(void *visitor, const char *id, int32_t session), void *visitor)
{
	switch_hash_index_t *index;

	switch_mutex_lock(sessions.lock);
	for (index = switch_core_hash_first(sessions.table); index; index = switch_core_hash_next(&index)) {
		const void *id = NULL;

		switch_core_hash_this(index, &id, NULL, NULL);
		visit(visitor, id, 1);
	}
	switch_mutex_unlock(sessions.lock);
}

void session_set(struct session *session, switch_core_session_t *channel)
{
	switch_mutex_lock(session->lock);
	session->session = channel;
	switch_mutex_unlock(session->lock);
}

switch_core_session_t *session_channel(struct session *session)
{
	switch_core_session_t *channel;

	switch_mutex_lock(session->lock);
	channel = session->session;
	if (channel && switch_core_session_read_lock(channel) != SWITCH_STATUS_SUCCESS) {
		channel = NULL;
	}
	switch_mutex_unlock(session->lock);
	return channel;
}

/* He sleeps until his next packet comes. */
static void session_wake(struct session *session)
{
	switch_core_session_t *channel = session_channel(session);

	bell_ring(&session->bell);
	if (channel) {
		switch_core_session_kill_channel(channel, SWITCH_SIG_BREAK);
		switch_core_session_rwunlock(channel);
	}
}

int session_meet(struct session *session, const char *leg)
{
	int good;

	switch_mutex_lock(session->lock);
	good = session->waiting && !*session->meet && !session->dismissed && !session->let_go;
	if (good) {
		switch_copy_string(session->meet, leg, sizeof(session->meet));
		session->told_at = switch_micro_time_now();
	}
	switch_mutex_unlock(session->lock);
	if (!good) {
		return -1;
	}
	session_wake(session);
	return 0;
}

void session_dismiss(struct session *session, unsigned int why)
{
	switch_core_session_t *channel;
	int ringing;

	switch_mutex_lock(session->lock);
	if (why) {
		session->dismissed = why;
	} else {
		session->let_go = 1;
	}
	ringing = session->ringing;
	switch_mutex_unlock(session->lock);
	if (!ringing) {
		/* One who talks leaves after it. */
		session_wake(session);
		return;
	}
	channel = session_channel(session);
	if (channel) {
		switch_channel_hangup(switch_core_session_get_channel(channel), SWITCH_CAUSE_ORIGINATOR_CANCEL);
		switch_core_session_rwunlock(channel);
	}
}
