/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * What a customer goes through with the engine.
 */
#ifndef OUTDIAL_CONNECT_H
#define OUTDIAL_CONNECT_H

#include "shim.h"

struct leg;

/* Hands the leg to its campaign, until that is over; in the channel's own thread. `verdict`: one of
 * OUTDIAL_VERDICT_. Returns what outdial_status says. */
const char *connect_leg(struct leg *leg, switch_core_session_t *session, int verdict);

#endif
