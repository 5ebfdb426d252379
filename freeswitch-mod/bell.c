/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 */
#include "bell.h"

#include <time.h>

void bell_init(struct bell *bell)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&bell->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&bell->rings, &attr);
	pthread_condattr_destroy(&attr);
	bell->rung = 0;
}

void bell_destroy(struct bell *bell)
{
	pthread_cond_destroy(&bell->rings);
	pthread_mutex_destroy(&bell->lock);
}

void bell_ring(struct bell *bell)
{
	pthread_mutex_lock(&bell->lock);
	bell->rung = 1;
	pthread_cond_signal(&bell->rings);
	pthread_mutex_unlock(&bell->lock);
}

int bell_wait(struct bell *bell, unsigned int ms)
{
	struct timespec until;
	int rung;
	int res = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long) ms * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&bell->lock);
	while (!bell->rung && !res) {
		res = pthread_cond_timedwait(&bell->rings, &bell->lock, &until);
	}
	rung = bell->rung;
	bell->rung = 0;
	pthread_mutex_unlock(&bell->lock);
	return rung;
}
