/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief Queue mode: the members of a queue of app_queue are a campaign's agents.
 *
 * queue.c hands an answered call to Queue() and takes it out again; queues.c counts members and
 * callers. Which member gets the call is app_queue's business alone.
 */

#ifndef OUTDIAL_QUEUE_H
#define OUTDIAL_QUEUE_H

#include "leg.h"

/*! \brief Longest name of a queue, with its NUL; the engine's own bound on names. */
#define OUTDIAL_QUEUE_LEN 81

/*! \brief Members and callers of one queue. */
struct queue_count {
	/*! \brief There is such a queue. */
	unsigned int known;
	/*! \brief Logged in and not paused. */
	unsigned int members;
	/*! \brief Of which free; one that is rung for a caller counts. */
	unsigned int free;
	/*! \brief Whom no member has taken yet. */
	unsigned int callers;
	/*! \brief Members in wrap-up: nobody tells when they are free again. */
	unsigned int wrapping;
};

/*! \brief Members of one queue, as app_queue lists them. */
struct queue_listing {
	unsigned int found;
	unsigned int members;
	/*! \brief Not paused, without a call. */
	unsigned int idle;
	/*! \brief Not paused, being rung. */
	unsigned int ringing;
	unsigned int callers;
};

/*!
 * \brief Run Queue() for a customer. In his own thread, outside of any bridge.
 *
 * \param queue its name
 *
 * \retval 0 no member has taken the call; he is out of the queue
 * \retval 1 a member has, and customer and member have parted
 */
int queue_run(struct leg *leg, struct ast_channel *chan, const char *queue);

/*! \brief Is there a queue of that name, and what works it? */
int queue_exists(const char *queue);

/*! \brief Enter one event of app_queue's list into the listing. */
void queue_list(struct queue_listing *listing, const char *text);

/*!
 * \brief What a listing comes to.
 *
 * \param not_in_use members that QUEUE_MEMBER(,free) counts: not paused, not in use
 * \param ready of which not in wrap-up
 */
struct queue_count queue_sum(const struct queue_listing *listing, unsigned int not_in_use,
	unsigned int ready);

/*! \brief Count now, and tell the engine if it has changed. It is told before this returns. */
void queues_count(const char *queue);

int queues_start(void);
void queues_stop(void);

/*! \brief For the vtable: as struct outdial_host says. @{ */
void host_enqueue(void *ctx, const char *leg, const char *queue);
void host_dequeue(void *ctx, const char *leg);
void host_watch_queue(void *ctx, const char *queue, uint32_t on);
/*! @} */

#endif /* OUTDIAL_QUEUE_H */
