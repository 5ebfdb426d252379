/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * Supervisors who listen to agents.
 */
#ifndef OUTDIAL_MONITOR_H
#define OUTDIAL_MONITOR_H

#include "shim.h"

/* Non-zero: out of memory. */
int monitor_init(void);

/* The agent's session is over: whoever listens to it goes on in the dialplan. */
void monitor_over(const char *session);

#endif
