/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * What wakes a channel's thread that waits. Breaking a read is not enough: one with a timer ends at the
 * timer's next tick, 10 ms later on average, for each of the two who are to meet.
 */
#ifndef OUTDIAL_BELL_H
#define OUTDIAL_BELL_H

#include <pthread.h>

struct bell {
	pthread_mutex_t lock;
	pthread_cond_t rings;
	int rung;
};

void bell_init(struct bell *bell);
void bell_destroy(struct bell *bell);
/* Wakes who waits, or lets the next wait return at once. */
void bell_ring(struct bell *bell);
/* Non-zero: it rang. */
int bell_wait(struct bell *bell, unsigned int ms);

#endif
