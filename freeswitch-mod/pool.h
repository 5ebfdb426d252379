/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * A few threads that work off jobs.
 */
#ifndef OUTDIAL_POOL_H
#define OUTDIAL_POOL_H

#include "shim.h"

struct pool;

struct pool_load {
	uint32_t waiting;
	uint32_t running;
	/* How long the job that was begun last had waited, while others wait. */
	uint32_t oldest_ms;
};

/* NULL: out of memory, or no thread can be made. */
struct pool *pool_create(unsigned int threads, unsigned int waiting);

/* Has `run(data)` called by one of the threads. Does not wait. Non-zero: as many wait as may. */
int pool_push(struct pool *pool, void (*run)(void *data), void *data);

void pool_load(struct pool *pool, struct pool_load *load);

/* Works off what waits, and ends the threads. NULL is allowed. */
void pool_destroy(struct pool *pool);

#endif
