/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief Jobs of the work pool: commands of the engine, and what must not be done where it is found out.
 */

#ifndef OUTDIAL_WORK_H
#define OUTDIAL_WORK_H

#include "shim.h"

/*! \brief One job, with copies of its arguments. */
struct work {
	void (*run)(struct work *work);
	/*! \brief Leg, or session. */
	char id[OUTDIAL_ID_LEN];
	/*! \brief Session, or context. */
	char other[OUTDIAL_ID_LEN];
	/*! \brief Sound, extension, or queue. */
	char text[OUTDIAL_SOUND_LEN];
	unsigned int number;
};

/*!
 * \brief Hand a job to the work pool. Any thread.
 *
 * \param run is called in a thread of the pool; the job is freed behind it
 *
 * \retval -1 it was not taken, which was logged
 */
int work_push(void (*run)(struct work *work), const char *id, const char *other, const char *text,
	unsigned int number);

#endif /* OUTDIAL_WORK_H */
