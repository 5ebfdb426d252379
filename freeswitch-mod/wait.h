/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * Waiting, as agents and customers do it: what comes is dropped, silence or music goes out.
 */
#ifndef OUTDIAL_WAIT_H
#define OUTDIAL_WAIT_H

#include "bell.h"
#include "shim.h"

struct wait {
	/* Non-zero: the waiting is over. Asked at each packet, and when the bell has rung. */
	int (*over)(void *data);
	/* A key was pressed; NULL: keys are dropped. */
	void (*key)(void *data, char digit);
	/* Is given what comes, as signed linear of one channel; nothing at all: no samples. NULL: what comes is
	 * dropped. Not with music. */
	void (*hear)(void *data, const int16_t *samples, unsigned int count, unsigned int rate);
	void *data;
	/* Rings when over() may have changed. */
	struct bell *bell;
	/* What is heard; NULL or empty: silence. */
	const char *music;
};

/* In the channel's own thread. Returns also when the channel hangs up, or is to go elsewhere. Non-zero: it is
 * to be heard, and can't be decoded. */
int wait_run(switch_core_session_t *session, const struct wait *wait);

#endif
