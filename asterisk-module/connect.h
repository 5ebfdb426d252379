/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief A customer's visit: he waits in a bridge of his own for what the engine decides.
 */

#ifndef OUTDIAL_CONNECT_H
#define OUTDIAL_CONNECT_H

struct ast_channel;
struct leg;

/*!
 * \brief From OUTDIAL_EVENT_LEG_READY to whatever ends the visit. In the channel's own thread.
 *
 * \param verdict one of OUTDIAL_VERDICT_
 *
 * \return what OUTDIAL_STATUS is to say
 * \retval NULL he was hung up
 */
const char *customer_visit(struct leg *leg, struct ast_channel *chan, int verdict);

#endif /* OUTDIAL_CONNECT_H */
