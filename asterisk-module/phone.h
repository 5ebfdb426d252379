/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief Phones of agents who have no channel but during calls.
 */

#ifndef OUTDIAL_PHONE_H
#define OUTDIAL_PHONE_H

#include "shim.h"

struct phone;

/*!
 * \brief Make a phone's job, and a session for it.
 *
 * \return NULL the request is malformed, the id is taken, or memory is short
 */
struct phone *phone_create(const struct outdial_ring *request);

/*! \brief For one that no pool takes: nothing is posted. */
void phone_forget(struct phone *phone);

/*!
 * \brief Ring, let the agent wait and talk, then post OUTDIAL_EVENT_SESSION_GONE.
 *
 * A job of the pool; takes over the phone.
 */
void phone_ring(void *phone);

#endif /* OUTDIAL_PHONE_H */
