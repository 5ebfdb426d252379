/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * Sessions: one for each channel in outdial_agent, and one for each agent's phone that rings or is off
 * hook. Not FreeSWITCH's own, which every channel has.
 *
 * An agent's own thread does everything with his channel; others leave him an order and wake him up. A
 * session's lock is the innermost, as a leg's.
 */
#ifndef OUTDIAL_SESSION_H
#define OUTDIAL_SESSION_H

#include "bell.h"
#include "shim.h"

/* How long after he was told an agent may still come to a customer. */
#define OUTDIAL_AGENT_COMES_MS 1000
/* How long the customer waits for him, who was told at the same time: well longer, for he must not give up between
 * the agent's look at his flag and the bridge. */
#define OUTDIAL_CUSTOMER_WAITS_MS 4000

struct leg;

struct session {
	/* The channel's uuid; constant. */
	char id[OUTDIAL_ID_LEN];
	/* The agent's name; constant. */
	char agent[80];
	/* What he hears when a customer comes; empty: nothing. Constant once he waits. */
	char announcement[OUTDIAL_SOUND_LEN];
	/* What he hears while he waits; empty: silence. Constant once he waits. */
	char music[OUTDIAL_SOUND_LEN];

	/* What he may press. Constant once he waits. */
	struct keys keys;

	/* In his own thread only: he has put the customer on hold, to this; empty: to silence. */
	char hold_music[OUTDIAL_SOUND_LEN];
	int held;
	/* In his own thread only: he has muted himself. */
	int muted;

	/* Under the registry's lock. */
	unsigned int holds;

	/* Wakes the agent's thread. */
	struct bell bell;
	/* Shared with some other sessions. */
	switch_mutex_t *lock;
	/* Under the session's lock, from here on. NULL: it has ended, or there is none yet. */
	switch_core_session_t *session;
	/* The leg that he is to meet; empty: none. */
	char meet[OUTDIAL_ID_LEN];
	/* Since when. */
	switch_time_t told_at;
	/* The leg that he is with; empty: none. */
	char with[OUTDIAL_ID_LEN];
	/* What he has pressed, and may become a key; one digit more for a moment. */
	char pressed[OUTDIAL_KEY_LEN + 1];
	switch_time_t pressed_at;
	/* Why he is let go, one of OUTDIAL_DISMISS_; 0: he stays. */
	unsigned int dismissed;
	/* He can be given an order. */
	unsigned int waiting:1;
	/* The engine is gone; he is let go when free. */
	unsigned int let_go:1;
	/* His phone rings. */
	unsigned int ringing:1;
	/* FreeSWITCH itself did not ring the phone. */
	unsigned int refused:1;
	switch_time_t rung_at;
	unsigned int timeout_ms;
};

int sessions_init(void);
void sessions_destroy(void);
/* Agents in outdial_agent, and phones that were rung. */
unsigned int sessions_count(void);

/* Makes a session and lists it; held for the caller. NULL: out of memory, or there is one of that id. */
struct session *session_create(const char *id, const char *agent);

/* Finds a session, held for the caller. NULL: there is none. */
struct session *session_find(const char *id);

/* The session that this channel serves, as session_find(). */
struct session *session_of(switch_channel_t *channel);

void session_release(struct session *session);

/* Nobody finds it any more; the hold of session_create() is given back. */
void session_end(struct session *session);

/* As session_end(), and tells the engine: OUTDIAL_EVENT_SESSION_GONE. */
void session_gone(struct session *session);

/* Visits every session, with no lock. */
void session_each(void (*visit)(struct session *session, void *data), void *data);

/* Tells the ids of all, with the registry locked. */
void session_each_id(void (*visit)(void *visitor, const char *id, int32_t session), void *visitor);

/* The channel that can be woken up and hung up; NULL: no more. */
void session_set(struct session *session, switch_core_session_t *channel);

/* Its channel with a read lock: give it back by switch_core_session_rwunlock(). NULL: there is none, or it
 * hangs up. */
switch_core_session_t *session_channel(struct session *session);

/* Has a waiting agent meet the customer of a leg. Non-zero: he does not wait. */
int session_meet(struct session *session, const char *leg);

/* Lets the agent go: at once when he waits or rings, after the call when he talks. `why`: one of
 * OUTDIAL_DISMISS_; 0: the engine is gone. */
void session_dismiss(struct session *session, unsigned int why);

/* Lets him wait, and take calls, until he hangs up or is let go; sets outdial_status. In the channel's
 * thread. */
void session_serve(struct session *session, switch_core_session_t *channel);

#endif
