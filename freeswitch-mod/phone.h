/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * Agents without a channel: their phones are rung for a call, and put on hook after it.
 */
#ifndef OUTDIAL_PHONE_H
#define OUTDIAL_PHONE_H

#include "shim.h"

struct phone;

/* NULL: the request is malformed, the id is taken, or memory is short. */
struct phone *phone_create(const struct outdial_ring *request);

/* Rings the phone; takes it over. A job of the pool. */
void phone_ring(void *phone);

/* For a ring that is refused after phone_create(): no event is posted. */
void phone_forget(struct phone *phone);

void phone_register(switch_loadable_module_interface_t **module_interface);

#endif
