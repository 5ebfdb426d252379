/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * When an answering machine records.
 */
#ifndef OUTDIAL_LISTEN_H
#define OUTDIAL_LISTEN_H

#include "shim.h"

struct leg;

enum listened {
	/* The machine has beeped. */
	LISTENED_BEEP,
	/* It has said nothing for long: it records, and has no beep. */
	LISTENED_SILENCE,
	/* It never came to an end, or can't be heard. */
	LISTENED_NEVER,
	/* The call ends, or there is another order. */
	LISTENED_CUT,
};

/* Waits until the machine at the far end records. In the channel's own thread. */
enum listened listen_for_recorder(struct leg *leg, switch_core_session_t *session);

#endif
