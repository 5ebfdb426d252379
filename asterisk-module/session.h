/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief Sessions: one for each channel in OutdialAgent.
 */

#ifndef OUTDIAL_SESSION_H
#define OUTDIAL_SESSION_H

#include "shim.h"

struct ast_bridge;
struct leg;

struct session {
	/*! \brief The channel's unique id. Constant. */
	char id[OUTDIAL_ID_LEN];
	/*! \brief The agent's name. Constant. */
	char agent[80];
	/*! \brief The agent's own waiting room. Constant while \a chan is set. */
	struct ast_bridge *holding;
	/*! \brief Somebody is no longer at work on this session. */
	ast_cond_t settled;
	/*! \brief Under the session's lock, from here on. The application's; NULL: it has ended. */
	struct ast_channel *chan;
	/*! \brief Why he is let go, one of OUTDIAL_DISMISS_; 0: he stays. */
	unsigned int dismissed;
	/*! \brief A thread moves him to a customer; his own thread waits for it. */
	unsigned int moving:1;
	/*! \brief He was in the waiting room during this turn. */
	unsigned int arrived:1;
	/*! \brief The engine is gone; he is let go when free. */
	unsigned int let_go:1;
};

int sessions_init(void);
void sessions_destroy(void);
/*! \brief Agents in OutdialAgent. */
int sessions_count(void);

/*!
 * \brief Make a session and list it.
 *
 * \return the session, a reference for the application
 * \retval NULL out of memory, or the channel is in OutdialAgent already
 */
struct session *session_create(const char *id, const char *agent, struct ast_channel *chan);

/*! \brief The application ends: nobody can find or move the session any more. */
void session_end(struct session *session);

/*! \brief As session_end(), and tell the engine: OUTDIAL_EVENT_SESSION_GONE. */
void session_gone(struct session *session);

/*! \brief Find a session; an ao2 reference, NULL when there is none. */
struct session *session_find(const char *id);

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

/*!
 * \brief Let the agent go: at once when he waits, after the call when he talks.
 *
 * \param why one of OUTDIAL_DISMISS_; 0: the engine is gone
 */
void session_dismiss(struct session *session, unsigned int why);

#endif /* OUTDIAL_SESSION_H */
