/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief Sessions: one for each channel in OutdialAgent, and one for each agent's phone that rings or
 * is off hook.
 */

#ifndef OUTDIAL_SESSION_H
#define OUTDIAL_SESSION_H

#include "keys.h"
#include "shim.h"

struct ast_bridge;
struct leg;

/*! \brief A key of a session, as its hook wants it. */
struct session_key {
	struct session *session;
	struct key key;
};

struct session {
	/*! \brief The channel's unique id. Constant. */
	char id[OUTDIAL_ID_LEN];
	/*! \brief The agent's name. Constant. */
	char agent[80];
	/*! \brief What he hears when a customer comes; empty: nothing. Set before session_open(). */
	char announcement[OUTDIAL_SOUND_LEN];
	/*! \brief Set by session_open(), then constant. @{ */
	struct session_key keys[OUTDIAL_KEYS];
	unsigned int key_count;
	/*! @} */
	/*! \brief The agent's own waiting room. Made by session_open(), then constant. */
	struct ast_bridge *holding;
	/*! \brief Somebody is no longer at work on this session. */
	ast_cond_t settled;
	/*! \brief Under the session's lock, from here on. The application's, or the ringing thread's;
	 * NULL: it has ended, or there is none yet. */
	struct ast_channel *chan;
	/*! \brief Why he is let go, one of OUTDIAL_DISMISS_; 0: he stays. */
	unsigned int dismissed;
	/*! \brief The leg that he is with, or was in this turn; empty: none. */
	char with[OUTDIAL_ID_LEN];
	/*! \brief A thread moves him to a customer; his own thread waits for it. */
	unsigned int moving:1;
	/*! \brief He was in the waiting room during this turn. */
	unsigned int arrived:1;
	/*! \brief The engine is gone; he is let go when free. */
	unsigned int let_go:1;
	/*! \brief His phone rings: there is no waiting room yet. */
	unsigned int ringing:1;
	/*! \brief He has put the customer on hold. */
	unsigned int held:1;
	/*! \brief His voice is kept from the customer. */
	unsigned int muted:1;
};

int sessions_init(void);
void sessions_destroy(void);
/*! \brief Agents in OutdialAgent, and phones that were rung. */
int sessions_count(void);

/*!
 * \brief Make a session and list it. It rings until session_open().
 *
 * \return the session, a reference for the caller
 * \retval NULL out of memory, or there is one of that id already
 */
struct session *session_create(const char *id, const char *agent);

/*! \brief Give the session its channel while it rings. Non-zero: it is dismissed already. */
int session_ring(struct session *session, struct ast_channel *chan);

/*! \brief Make the waiting room: from here on he can be moved. Non-zero: out of memory. */
int session_open(struct session *session, struct ast_channel *chan);

/*! \brief Let him wait, and take calls, until he hangs up or is let go. Returns what an application
 * does. */
int session_serve(struct session *session, struct ast_channel *chan, int music, const char *class);

/*! \brief His channel ends: nobody can move or dismiss him any more. */
void session_close(struct session *session);

/*! \brief As session_close(), and nobody can find the session any more. Gives up the reference. */
void session_end(struct session *session);

/*!
 * \brief As session_end(), and tell the engine: OUTDIAL_EVENT_SESSION_GONE.
 *
 * \param refused the PBX itself did not ring the phone
 */
void session_gone(struct session *session, int refused);

/*! \brief Find a session; an ao2 reference, NULL when there is none. */
struct session *session_find(const char *id);

/*! \brief The session that this channel serves, as session_find(). */
struct session *session_of(struct ast_channel *chan);

/*! \brief Visit every session. */
void session_each(void (*visit)(struct session *session, void *data), void *data);

/*!
 * \brief Bring the agent into a customer's bridge.
 *
 * Waits for locks: only from the work pool.
 *
 * \param arrived called when he is there, before his own thread can go on; may be NULL
 *
 * \retval 0 he is in there
 * \retval -1 he is not: he left, was moved by another thread, or the bridge is gone
 */
int session_move(struct session *session, struct ast_bridge *to,
	void (*arrived)(struct session *session, void *data), void *data);

/*! \brief Play a sound to the agent alone, in whatever bridge he is. Does not wait for its end. */
void session_hears(struct session *session, const char *sound);

/*!
 * \brief Keep what he says from everybody, or no longer. Keys come through.
 *
 * \param chan his channel, not locked
 * \retval -1 out of memory: nothing has changed
 */
int session_mute(struct session *session, struct ast_channel *chan, int muted);

/*! \brief He is in the bridge of this leg: he hears his announcement. */
void session_met(struct session *session, const char *leg);

/*!
 * \brief Let the agent go: at once when he waits, after the call when he talks.
 *
 * \param why one of OUTDIAL_DISMISS_; 0: the engine is gone
 */
void session_dismiss(struct session *session, unsigned int why);

#endif /* OUTDIAL_SESSION_H */
