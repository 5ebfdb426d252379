/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief CDR and CEL: which attempt a record is of, and one CDR for each leg.
 */

#ifndef OUTDIAL_RECORDS_H
#define OUTDIAL_RECORDS_H

#include "shim.h"

int records_register(void);
void records_unregister(void);

/*!
 * \brief Mark a customer's channel: userfield outdial:ATTEMPT:LEAD. Without the channel's lock.
 *
 * Before dial_dress(), whose snapshot tells of it.
 */
void records_customer(struct ast_channel *chan, uint64_t attempt, uint64_t lead);

/*! \brief Mark an agent's channel: userfield outdial:agent:NAME. Without the channel's lock. */
void records_agent(struct ast_channel *chan, const char *agent);

#endif /* OUTDIAL_RECORDS_H */
