/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * Making channels, for legs and for agents' phones.
 */
#ifndef OUTDIAL_DIAL_H
#define OUTDIAL_DIAL_H

#include "shim.h"

/* A channel that is to be made. */
struct dial {
	/* Its uuid. */
	const char *id;
	const char *tech;
	/* What the technology calls the far end. */
	const char *device;
	/* What the far end sees. */
	const char *caller_id;
	const char *name;
};

/* What a technology calls the number at the endpoint: of sofia the endpoint is a gateway, of loopback a
 * context. Non-zero: too long. */
int dial_device(char *device, size_t size, const char *tech, const char *endpoint, const char *number);

/* Makes the channel; its thread is not launched yet. NULL: `*cause` says why. */
switch_core_session_t *dial_channel(const struct dial *dial, switch_call_cause_t *cause);

/* Launches the channel's thread; whoever has hung it up meanwhile has done so already. To be called with a
 * read lock of the session. Non-zero: it has no thread. */
int dial_launch(switch_core_session_t *session);

/* From now on the leg is told how the channel ends. */
void leg_follow(switch_channel_t *channel);
/* The channel is no leg's any more: nothing of this module may be left on it. */
void leg_unfollow(switch_channel_t *channel);

#endif
