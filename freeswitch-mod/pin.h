/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * The PIN that an agent says before he is logged in.
 */
#ifndef OUTDIAL_PIN_H
#define OUTDIAL_PIN_H

#include "shim.h"

/* What comes after the PIN. */
enum pin_result {
	/* He has said it, and it was right. */
	PIN_RIGHT,
	/* outdial does not know that he has one; should it learn so, it dismisses him. */
	PIN_NONE,
	/* No log-in: outdial_status says why. */
	PIN_REFUSED,
};

/* Asks for the PIN of the agent of that name, if he has one. In the channel's own thread; it is answered.
 * Waits for keys and for the sidecar. What was keyed in is neither logged nor kept. `sound` asks for it. */
enum pin_result pin_ask(switch_core_session_t *session, const char *agent, const char *sound);

#endif
