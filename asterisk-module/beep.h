/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief When an answering machine records.
 */

#ifndef OUTDIAL_BEEP_H
#define OUTDIAL_BEEP_H

struct ast_channel;
struct leg;

/*! \brief What a wait for the beep came to. */
enum beep {
	/*! \brief A tone of its length, and it is over. */
	BEEP_HEARD,
	/*! \brief No tone, but a long silence: it records without one. */
	BEEP_SILENCE,
	/*! \brief Neither, for as long as one may wait. */
	BEEP_NEVER,
	/*! \brief The far end, or the engine, hung up. */
	BEEP_HANGUP,
	/*! \brief The leg has another order to carry out. */
	BEEP_ORDER,
};

/*!
 * \brief Listen until the machine at the far end records.
 *
 * In the channel's own thread. The channel is in no bridge.
 */
enum beep beep_wait(struct leg *leg, struct ast_channel *chan);

#endif /* OUTDIAL_BEEP_H */
