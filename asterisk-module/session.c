/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief Sessions: their registry, and moving an agent to a customer.
 */

#include "session.h"

#include "asterisk/astobj2.h"
#include "asterisk/bridge.h"
#include "asterisk/causes.h"
#include "asterisk/strings.h"

/*! \brief Buckets of the registry. */
#define SESSION_BUCKETS 509

static struct ao2_container *sessions;

AO2_STRING_FIELD_HASH_FN(session, id)
AO2_STRING_FIELD_CMP_FN(session, id)

int sessions_init(void)
{
	sessions = ao2_container_alloc_hash(AO2_ALLOC_OPT_LOCK_MUTEX, 0, SESSION_BUCKETS,
		session_hash_fn, NULL, session_cmp_fn);
	return sessions ? 0 : -1;
}

void sessions_destroy(void)
{
	ao2_cleanup(sessions);
	sessions = NULL;
}

int sessions_count(void)
{
	return ao2_container_count(sessions);
}

static void session_destructor(void *obj)
{
	struct session *session = obj;

	if (session->holding) {
		ast_bridge_destroy(session->holding, 0);
	}
	ast_cond_destroy(&session->settled);
}

struct session *session_create(const char *id, const char *agent)
{
	struct session *session = ao2_alloc(sizeof(*session), session_destructor);
	struct session *other;

	if (!session) {
		return NULL;
	}
	ast_cond_init(&session->settled, NULL);
	ast_copy_string(session->id, id, sizeof(session->id));
	ast_copy_string(session->agent, agent, sizeof(session->agent));
	session->ringing = 1;
	ao2_lock(sessions);
	other = ao2_find(sessions, session->id, OBJ_SEARCH_KEY | OBJ_NOLOCK);
	if (other || !ao2_link_flags(sessions, session, OBJ_NOLOCK)) {
		ao2_unlock(sessions);
		ao2_cleanup(other);
		ao2_ref(session, -1);
		return NULL;
	}
	ao2_unlock(sessions);
	return session;
}

int session_ring(struct session *session, struct ast_channel *chan)
{
	int leave;

	ao2_lock(session);
	leave = session->dismissed || session->let_go;
	if (!leave) {
		session->chan = chan;
	}
	ao2_unlock(session);
	return leave;
}

int session_open(struct session *session, struct ast_channel *chan)
{
	struct ast_bridge *holding = ast_bridge_base_new(AST_BRIDGE_CAPABILITY_HOLDING,
		AST_BRIDGE_FLAG_MERGE_INHIBIT_TO | AST_BRIDGE_FLAG_MERGE_INHIBIT_FROM
		| AST_BRIDGE_FLAG_SWAP_INHIBIT_TO | AST_BRIDGE_FLAG_SWAP_INHIBIT_FROM
		| AST_BRIDGE_FLAG_TRANSFER_PROHIBITED, "OutdialAgent", NULL, NULL);

	if (!holding) {
		ast_log(LOG_ERROR, "No holding bridge for an agent: is bridge_holding.so loaded?\n");
		return -1;
	}
	shim_keys(session);
	ao2_lock(session);
	session->holding = holding;
	session->chan = chan;
	session->ringing = 0;
	ao2_unlock(session);
	return 0;
}

void session_close(struct session *session)
{
	ao2_lock(session);
	session->chan = NULL;
	while (session->moving) {
		ast_cond_wait(&session->settled, ao2_object_get_lockaddr(session));
	}
	ao2_unlock(session);
}

void session_end(struct session *session)
{
	ao2_unlink(sessions, session);
	session_close(session);
	ao2_ref(session, -1);
}

void session_gone(struct session *session, int refused)
{
	ao2_ref(session, +1);
	session_end(session);
	shim_post(OUTDIAL_EVENT_SESSION_GONE, session->id, NULL, refused);
	ao2_ref(session, -1);
}

struct session *session_find(const char *id)
{
	return ao2_find(sessions, id, OBJ_SEARCH_KEY);
}

struct session *session_of(struct ast_channel *chan)
{
	/* One that has gone over to another device has that one's unique id. */
	struct session *session = session_find(ast_channel_uniqueid(chan));
	struct ao2_iterator iter;
	int own = 0;

	if (session) {
		return session;
	}
	iter = ao2_iterator_init(sessions, 0);
	while (!own && (session = ao2_iterator_next(&iter))) {
		ao2_lock(session);
		own = session->chan == chan;
		ao2_unlock(session);
		if (!own) {
			ao2_ref(session, -1);
		}
	}
	ao2_iterator_destroy(&iter);
	return session;
}

void session_each(void (*visit)(struct session *session, void *data), void *data)
{
	struct ao2_iterator iter = ao2_iterator_init(sessions, 0);
	struct session *session;

	while ((session = ao2_iterator_next(&iter))) {
		visit(session, data);
		ao2_ref(session, -1);
	}
	ao2_iterator_destroy(&iter);
}

int session_move(struct session *session, struct ast_bridge *to,
	void (*arrived)(struct session *session, void *data), void *data)
{
	struct ast_channel *chan = NULL;
	int res;

	ao2_lock(session);
	if (!session->moving && !session->dismissed && !session->ringing) {
		chan = ao2_bump(session->chan);
		session->moving = chan != NULL;
	}
	ao2_unlock(session);
	if (!chan) {
		return -1;
	}
	res = ast_bridge_move(to, session->holding, chan, NULL, 0);
	if (!res && arrived) {
		arrived(session, data);
	}
	ast_channel_unref(chan);

	ao2_lock(session);
	session->moving = 0;
	ast_cond_broadcast(&session->settled);
	ao2_unlock(session);
	return res ? -1 : 0;
}

void session_met(struct session *session, const char *leg)
{
	ao2_lock(session);
	ast_copy_string(session->with, leg, sizeof(session->with));
	session->held = 0;
	ao2_unlock(session);
	if (!ast_strlen_zero(session->announcement)) {
		session_hears(session, session->announcement);
	}
}

void session_hears(struct session *session, const char *sound)
{
	struct ast_bridge_channel *bridge_channel;
	struct ast_channel *chan;

	ao2_lock(session);
	chan = ao2_bump(session->chan);
	ao2_unlock(session);
	if (!chan) {
		return;
	}
	ast_channel_lock(chan);
	bridge_channel = ast_channel_get_bridge_channel(chan);
	ast_channel_unlock(chan);
	if (bridge_channel) {
		ast_bridge_channel_queue_playfile(bridge_channel, NULL, sound, NULL);
		ao2_ref(bridge_channel, -1);
	}
	ast_channel_unref(chan);
}

int session_mute(struct session *session, struct ast_channel *chan, int muted)
{
	int res;

	ast_channel_lock(chan);
	res = muted ? ast_channel_suppress(chan, AST_MUTE_DIRECTION_READ, AST_FRAME_VOICE)
		: ast_channel_unsuppress(chan, AST_MUTE_DIRECTION_READ, AST_FRAME_VOICE);
	ast_channel_unlock(chan);
	if (!res) {
		ao2_lock(session);
		session->muted = muted;
		ao2_unlock(session);
	}
	return res;
}

void session_dismiss(struct session *session, unsigned int why)
{
	struct ast_channel *chan;
	int ringing;

	ao2_lock(session);
	if (why) {
		session->dismissed = why;
	} else {
		session->let_go = 1;
	}
	chan = ao2_bump(session->chan);
	ringing = session->ringing;
	ao2_unlock(session);
	if (chan && ringing) {
		ast_channel_softhangup_withcause_locked(chan, AST_CAUSE_NORMAL_CLEARING);
		ast_channel_unref(chan);
	} else if (chan) {
		/* Not in the waiting room: he talks, or is about to enter. Then he leaves later. */
		ast_bridge_remove(session->holding, chan);
		ast_channel_unref(chan);
	}
}
