/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief The PIN that an agent says before he is logged in.
 */

#ifndef OUTDIAL_PIN_H
#define OUTDIAL_PIN_H

struct ast_channel;

/*! \brief What comes after the PIN. */
enum pin_result {
	/*! He has said it, and it was right. */
	PIN_RIGHT,
	/*! outdial does not know that he has one; should it learn so, it dismisses him. */
	PIN_NONE,
	/*! No log-in: OUTDIAL_STATUS says why, and the dialplan goes on. */
	PIN_REFUSED,
	/*! No log-in: he hung up. */
	PIN_HANGUP,
};

/*!
 * \brief Ask for the PIN of the agent called \a agent, if he has one.
 *
 * The channel's thread, without locks; it is answered. Waits for keys and for the sidecar.
 * What was keyed in is neither logged nor kept.
 *
 * \param sound What asks for it.
 */
enum pin_result pin_ask(struct ast_channel *chan, const char *agent, const char *sound);

#endif
