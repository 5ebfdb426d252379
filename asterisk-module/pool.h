/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief A bounded pool of threads, all of which are joined when it ends.
 *
 * Asterisk's own thread pools and task pools wait for short tasks; ours carry a call each.
 */

#ifndef OUTDIAL_POOL_H
#define OUTDIAL_POOL_H

#include <stdint.h>

struct pool;

/*! \brief How busy a pool is. */
struct pool_load {
	unsigned int waiting;
	unsigned int running;
	/*! \brief Age of the oldest waiting job. */
	unsigned int oldest_ms;
};

/*!
 * \brief Make a pool. Threads start when jobs come, and end after a while without one.
 *
 * \param name of the pool in the log, and of its threads: 15 characters at most
 * \param max_threads threads at most
 * \param max_jobs jobs at most, waiting and running together
 *
 * \return NULL when out of memory
 */
struct pool *pool_create(const char *name, unsigned int max_threads, unsigned int max_jobs);

/*! \brief Change the bounds; what is running goes on. */
void pool_resize(struct pool *pool, unsigned int max_threads, unsigned int max_jobs);

/*!
 * \brief Hand a job to the pool. Does not wait.
 *
 * \retval 0 \a run will be called with \a data, exactly once
 * \retval -1 the pool is full, ending, or out of memory; nothing is called
 */
int pool_push(struct pool *pool, void (*run)(void *data), void *data);

/*! \brief How busy the pool is. */
void pool_load(struct pool *pool, struct pool_load *load);

/*!
 * \brief Take no more jobs, run those that wait, join every thread, free the pool.
 *
 * NULL is allowed. Not from a thread of the pool.
 */
void pool_destroy(struct pool *pool);

#endif /* OUTDIAL_POOL_H */
