/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * Legs: one for each originate that was accepted.
 *
 * A leg is held by the job that dials it, by its channel, and for a moment by whoever works on it. When
 * the last hold goes, OUTDIAL_EVENT_LEG_ENDED is posted: exactly once, after every other event of the
 * leg, and not before the channel is destroyed.
 *
 * A leg's lock is the innermost: nothing of FreeSWITCH's is called with it, but for taking a read lock
 * that does not wait, and setting a channel's flag.
 */
#ifndef OUTDIAL_LEG_H
#define OUTDIAL_LEG_H

#include "bell.h"
#include "shim.h"

/* What a customer in outdial_connect is told to do next. */
enum leg_order {
	LEG_ORDER_NONE = 0,
	/* Meet the agent whose session `text` names. */
	LEG_ORDER_MEET,
	/* Hear the sound `text`, then wait again. */
	LEG_ORDER_PLAY,
	/* The same, once the machine at the far end records. */
	LEG_ORDER_LEAVE_MESSAGE,
	/* Wait in the queue `text`. */
	LEG_ORDER_ENQUEUE,
	/* Go on in the dialplan: at `context` and `text`, or behind outdial_connect where it is empty. */
	LEG_ORDER_RELEASE,
	/* Go on in the dialplan, for the engine is gone. */
	LEG_ORDER_LET_GO,
};

/* Where a customer is who was handed to a queue. */
enum leg_queue {
	LEG_QUEUE_NONE = 0,
	/* About to enter it. */
	LEG_QUEUE_ORDERED,
	/* In mod_callcenter's application. */
	LEG_QUEUE_RUNS,
	/* Told to leave it. */
	LEG_QUEUE_LEAVES,
	/* Out of it, and perhaps about to be bridged. */
	LEG_QUEUE_OUT,
	/* With an agent. */
	LEG_QUEUE_TAKEN,
};

enum leg_recording {
	LEG_RECORDING_NONE = 0,
	/* They are together. */
	LEG_RECORDING_WANTED,
	LEG_RECORDING_RUNS,
};

struct leg {
	/* What was asked for; constant. */
	char id[OUTDIAL_ID_LEN];
	char tech[32];
	char endpoint[128];
	char number[64];
	char caller_id[64];
	char account[128];
	char context[OUTDIAL_PLACE_LEN];
	char exten[OUTDIAL_PLACE_LEN];
	unsigned int timeout_ms;
	unsigned int record;
	uint64_t attempt;
	uint64_t lead;
	/* It came in, by outdial_inbound. */
	unsigned int inbound;
	/* What he hears while he waits; empty: silence. Constant once he waits. */
	char music[OUTDIAL_SOUND_LEN];

	/* Under the registry's lock. Holds; 0: it has ended. */
	unsigned int holds;

	/* Wakes the customer's thread. */
	struct bell bell;
	/* Shared with some other legs. */
	switch_mutex_t *lock;
	/* Under the leg's lock, from here on. NULL before and after. */
	switch_core_session_t *session;
	switch_time_t dialed_at;
	enum leg_order order;
	char text[OUTDIAL_SOUND_LEN];
	char to_context[OUTDIAL_PLACE_LEN];
	/* Cause of a hangup that was asked for; see `hangup`. */
	int hangup_cause;
	/* For OUTDIAL_EVENT_LEG_ENDED. */
	int sip_status;
	int q850;
	/* The engine wants it ended. */
	unsigned int hangup:1;
	/* The PBX itself refused the call. */
	unsigned int refused:1;
	/* The carrier has said something. */
	unsigned int proceeding:1;
	unsigned int answered:1;
	/* The answered call is in the dialplan. */
	unsigned int routed:1;
	/* outdial_connect was entered; once for each leg. */
	unsigned int connected:1;
	/* He waits in outdial_connect, or does what he was told there. */
	unsigned int visiting:1;
	/* He is with an agent. */
	unsigned int talking:1;
	/* An agent has been with the customer. */
	unsigned int bridged:1;
	enum leg_queue in_queue;
	/* The queue; constant once he has entered it. */
	char queue[OUTDIAL_QUEUE_LEN];
	enum leg_recording recording;
	/* What the recording is called, while it runs. */
	char recorded[OUTDIAL_RECORDING_LEN];
};

int legs_init(void);
void legs_destroy(void);
/* Legs that live. */
unsigned int legs_count(void);

/* Makes a leg and lists it; held for the caller. NULL: the request is malformed, the id is taken, or
 * memory is short. */
struct leg *leg_create(const struct outdial_originate *request);

/* As leg_create(), of a call that came in and is answered or about to be; its channel holds it, too. NULL:
 * the id is taken, or memory is short. */
struct leg *leg_adopt(const struct outdial_inbound_leg *taken, switch_core_session_t *session);

/* The leg of that id, held for the caller: give it back by leg_release(). NULL: there is none, or it has
 * ended. */
struct leg *leg_find(const char *id);

/* The leg whose channel this is, as leg_find(). */
struct leg *leg_of(switch_channel_t *channel);

/* Visits every leg, with no lock. */
void leg_each(void (*visit)(struct leg *leg, void *data), void *data);

/* Tells the ids of all, with the registry locked. */
void leg_each_id(void (*visit)(void *visitor, const char *id, int32_t session), void *visitor);

/* Gives back a hold. The last one ends the leg. NULL is allowed. */
void leg_release(struct leg *leg);

/* Puts a leg that never was with the engine back: no event is posted. For an originate that is refused
 * after leg_create(). */
void leg_forget(struct leg *leg);

/* The channel holds the leg from now on, to its destruction. */
void leg_attach(struct leg *leg, switch_core_session_t *session);
/* The channel is being destroyed. */
void leg_detach(struct leg *leg, switch_core_session_t *session);

/* The leg's session with a read lock: give it back by switch_core_session_rwunlock(). NULL: there is none
 * yet, or it hangs up. */
switch_core_session_t *leg_session(struct leg *leg);

/* Ends the leg's call, whatever it does. */
void leg_hangup(struct leg *leg, int q850);

/* Gives a customer an order and wakes him up; it is carried out as soon as outdial_connect runs. */
void leg_order(struct leg *leg, enum leg_order order, const char *text, const char *context);

/* Has a waiting customer meet the agent of a session. Non-zero: he does not wait. */
int leg_meet(struct leg *leg, const char *session);
/* The agent does not come. */
void leg_unmeet(struct leg *leg);

/* Dials the leg; takes over the caller's hold. A job of the pool. */
void leg_dial(void *leg);

#endif
