/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * Events for other programs: outdial::call_state and outdial::agent_state. Nothing of outdial's own
 * depends on them.
 */
#ifndef OUTDIAL_EVENTS_H
#define OUTDIAL_EVENTS_H

#include "shim.h"

/* What has become of events since the module was loaded. */
struct events_load {
	uint64_t sent;
	uint64_t dropped;
};

/* Non-zero: out of memory, or another module has events of these names. */
int events_init(void);
/* Sends what waits. After the engine has ended. */
void events_destroy(void);

/* Switches events on or off, as outdial.conf.xml has it. Non-zero: not possible. */
int events_apply(const struct shim_config *config);

/* A state has changed: queues the event. From the engine's pump. */
void events_notice(const struct outdial_notice *notice);

void events_load(struct events_load *load);

#endif
