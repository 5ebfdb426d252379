/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief A call that goes over to another device: an INVITE with Replaces (RFC 3891).
 *
 * Asterisk puts the new device's channel into the bridge and takes the old one out, and knows nothing
 * of whoever runs on the old one. Here the new device comes to the old channel instead: a masquerade,
 * in which the channel keeps its thread, its application, its leg or session, and its place.
 */

#ifndef OUTDIAL_REPLACE_H
#define OUTDIAL_REPLACE_H

#include "shim.h"

struct ast_bridge;

/*!
 * \brief After a channel has left a bridge: has another device's come into its place?
 *
 * \retval 0 no
 * \retval non-zero it has, and is on its way out to become this one: join the bridge again
 */
int replace_look(struct ast_bridge *bridge, struct ast_channel *chan);

#endif /* OUTDIAL_REPLACE_H */
