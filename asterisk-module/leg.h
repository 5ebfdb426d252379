/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief Legs: one for each originate that was accepted.
 *
 * A leg is held by the thread that dials it, by a datastore on its channel, and for a moment by
 * whoever works on it. When the last hold goes, OUTDIAL_EVENT_LEG_ENDED is posted: exactly once,
 * after every other event of the leg, and not before the channel is destroyed.
 *
 * Lock order: channel, then leg. Nothing of Asterisk's is called with a leg locked, except for
 * taking a reference.
 */

#ifndef OUTDIAL_LEG_H
#define OUTDIAL_LEG_H

#include "shim.h"

struct ast_bridge;

/*! \brief What a customer in OutdialConnect is told to do next. */
enum leg_order {
	LEG_ORDER_NONE = 0,
	/*! \brief Hear \a sound, then wait again. */
	LEG_ORDER_PLAY,
	/*! \brief Wait in the queue that \a sound names. */
	LEG_ORDER_ENQUEUE,
	/*! \brief Go on in the dialplan. */
	LEG_ORDER_RELEASE,
	/*! \brief Go on in the dialplan, for the engine is gone. */
	LEG_ORDER_LET_GO,
};

/*! \brief How a customer fares in a queue of app_queue. */
enum leg_queue {
	LEG_QUEUE_NONE = 0,
	/*! \brief He is to go there. */
	LEG_QUEUE_ORDERED,
	/*! \brief He is in Queue(). */
	LEG_QUEUE_RUNS,
	/*! \brief The engine has taken him out, or will not let him in. */
	LEG_QUEUE_LEAVES,
	/*! \brief A member has taken the call. */
	LEG_QUEUE_TAKEN,
};

struct leg {
	/*! \brief What was asked for. Constant. @{ */
	char id[OUTDIAL_ID_LEN];
	/*! \brief The channel's unique id: the leg's own, but of a call that came in. */
	char uniqueid[OUTDIAL_ID_LEN];
	char tech[32];
	char endpoint[128];
	char number[64];
	char caller_id[64];
	char account[AST_MAX_ACCOUNT_CODE];
	char context[AST_MAX_CONTEXT];
	char exten[AST_MAX_EXTENSION];
	int priority;
	unsigned int timeout_ms;
	unsigned int record;
	/*! \brief OutdialConnect runs AMD(), with these arguments. */
	unsigned int has_amd;
	char amd[OUTDIAL_SOUND_LEN];
	uint64_t attempt;
	uint64_t lead;
	/*! \brief It came in. */
	unsigned int inbound;
	/*! \brief What the caller hears while he waits, if he hears music; empty: his channel's own. @{ */
	unsigned int has_music;
	char music[MAX_MUSICCLASS];
	/*! @} */
	/*! @} */

	/*! \brief Frame hook that waits for the first response, -1: none. Under the channel's lock. */
	int hook;
	/*! \brief Under the leg's lock, from here on. Holds; 0: it has ended. */
	unsigned int holds;
	/*! \brief The dialing thread's reference, or that of OutdialInbound; NULL before and after. */
	struct ast_channel *chan;
	/*! \brief Where the customer waits or talks; with a reference, NULL outside. */
	struct ast_bridge *bridge;
	enum leg_order order;
	enum leg_queue in_queue;
	/*! \brief With \a order: what to play, or the queue's name. */
	char sound[OUTDIAL_SOUND_LEN];
	/*! \brief With \a order: not before the machine at the far end records. */
	int after_beep;
	/*! \brief With \a order: where to go on; empty: behind OutdialConnect. @{ */
	char to_context[AST_MAX_CONTEXT];
	char to_exten[AST_MAX_EXTENSION];
	int to_priority;
	/*! @} */
	/*! \brief Cause of a hangup that was asked for; see \a hangup. */
	int hangup_cause;
	/*! \brief For OUTDIAL_EVENT_LEG_ENDED. @{ */
	int sip_status;
	int q850;
	/*! @} */
	/*! \brief The engine wants it ended. */
	unsigned int hangup:1;
	/*! \brief The PBX itself refused the call. */
	unsigned int refused:1;
	unsigned int answered:1;
	/*! \brief OutdialConnect was entered; once for each leg. */
	unsigned int connected:1;
	/*! \brief An agent has been with the customer. */
	unsigned int bridged:1;
	/*! \brief The channel has to be looked up by its unique id: a masquerade has put the call on another
	 * one, which took the id over, or OutdialInbound has been left. */
	unsigned int moved:1;
};

int legs_init(void);
void legs_destroy(void);
/*! \brief Legs that live. */
int legs_count(void);

/*!
 * \brief Make a leg and list it.
 *
 * \return the leg, held for the caller
 * \retval NULL the request is malformed, the id is taken, or memory is short
 */
struct leg *leg_create(const struct outdial_originate *request);

/*!
 * \brief Find a leg by its id.
 *
 * \return the leg, held for the caller: give it back by leg_release()
 * \retval NULL there is none, or it has ended
 */
struct leg *leg_find(const char *id);

/*! \brief The leg whose channel this is, as leg_find(). */
struct leg *leg_of(struct ast_channel *chan);

/*! \brief Visit every leg. Stops when \a visit returns non-zero. */
void leg_each(int (*visit)(struct leg *leg, void *data), void *data);

/*! \brief Give back a hold. The last one ends the leg. NULL is allowed. */
void leg_release(struct leg *leg);

/*!
 * \brief Put a leg that never was with the engine back: no event is posted.
 *
 * For an originate that is refused after leg_create().
 */
void leg_forget(struct leg *leg);

/*! \brief Hold the leg by a datastore on its channel. Non-zero: out of memory. */
int leg_attach(struct leg *leg, struct ast_channel *chan);

/*!
 * \brief Make a leg of a call that came in, and list it.
 *
 * \return the leg, held for the caller and by the channel
 * \retval NULL memory is short
 */
struct leg *leg_adopt(const struct outdial_inbound_leg *taken, struct ast_channel *chan);
/*! \brief The channel goes on without the leg. */
void leg_detach(struct leg *leg, struct ast_channel *chan);
/*! \brief The application that has adopted the leg is about to return. */
void leg_leave(struct leg *leg);

/*! \brief Who waits to music hears it no more: somebody is there. */
void leg_silence(struct leg *leg);

/*! \brief The leg's channel, wherever a masquerade has put it; with a reference. NULL: there is none. */
struct ast_channel *leg_channel(struct leg *leg);

/*! \brief End the leg's call, whatever it does. Safe to call from anywhere but a locked leg. */
void leg_hangup(struct leg *leg, int q850);

/*! \brief Dial the leg and run its dialplan; takes over the caller's hold. A job of the pool. */
void leg_dial(void *leg);

/*! \brief Post OUTDIAL_EVENT_LEG_PROCEEDING at the carrier's first response. */
void leg_watch_proceeding(struct leg *leg, struct ast_channel *chan);
/*! \brief No more. The channel is the one that it was started for. */
void leg_unwatch_proceeding(struct leg *leg, struct ast_channel *chan);

/*!
 * \brief Record the call, if its campaign wants it: what is said while somebody is with the customer.
 *
 * Waits for the engine, so only from the work pool.
 */
void leg_record(struct leg *leg);

/*!
 * \brief An agent is out of the call of this leg.
 *
 * Tells the engine that it goes on if somebody else is with the customer. One who is alone is just
 * about to leave, hung up, transferred, or let go by the bridge, and says so himself.
 */
void leg_parted(const char *id);

/*!
 * \brief Give a customer an order and wake him up.
 *
 * Takes the leg out of its bridge if it is in one; otherwise the order is carried out as soon as
 * OutdialConnect runs.
 *
 * \param fill writes the order's arguments, called with the leg locked
 */
void leg_order(struct leg *leg, enum leg_order order, void (*fill)(struct leg *leg, const void *from),
	const void *from);

#endif /* OUTDIAL_LEG_H */
