/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * What agent and customer hear of what the agent's keys do.
 */
#ifndef OUTDIAL_DESK_H
#define OUTDIAL_DESK_H

#include "shim.h"

struct session;

/* A beep for the agent alone: it was done, or not. Any thread; does not wait. */
void desk_hears(struct session *session, int done);

/* The customer whom the agent is with, with a read lock: give it back by switch_core_session_rwunlock().
 * NULL: there is none. */
switch_core_session_t *desk_customer(struct session *session);

/* Music for the customer, who hears nothing else; and back. In the agent's own thread, as the rest.
 * Non-zero: there is no call. */
int desk_hold(struct session *session);

/* The agent's voice is kept from the customer; and back. Non-zero: there is no call, or no memory. */
int desk_mute(struct session *session);

/* The two are about to be bridged: both are heard of even where a phone sends nothing. */
void desk_begin(struct session *session, switch_core_session_t *agent, switch_core_session_t *customer);

/* The call is over: neither on hold nor mute any more. */
void desk_over(struct session *session, switch_core_session_t *agent, switch_core_session_t *customer);

#endif
