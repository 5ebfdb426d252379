/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief AMI events for other programs: OutdialCallState and OutdialAgentState.
 */

#ifndef OUTDIAL_EVENTS_H
#define OUTDIAL_EVENTS_H

#include "shim.h"

/*! \brief Events that may wait for Asterisk's manager; what comes then is dropped. */
#define EVENTS_WAITING 8192
/*! \brief Events that a thread of the work pool sends before other jobs have their turn. */
#define EVENTS_AT_ONCE 64

/*! \brief What has become of events since the module was loaded. */
struct events_load {
	uint64_t sent;
	uint64_t dropped;
};

int events_init(void);
/*! \brief Forget what waits. After the work pool and the engine have ended. */
void events_destroy(void);

/*! \brief Switch events on or off, as outdial.conf has it. Non-zero: not possible. */
int events_apply(const struct shim_config *config);

/*! \brief A state has changed: queue the event. From the engine's pump; takes no lock of Asterisk's. */
void events_notice(const struct outdial_notice *notice);

void events_load(struct events_load *load);

#endif /* OUTDIAL_EVENTS_H */
