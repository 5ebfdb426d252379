/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * Recordings of campaigns that ask for them.
 */
#ifndef OUTDIAL_RECORD_H
#define OUTDIAL_RECORD_H

#include "shim.h"

struct leg;

/* Customer and agent are together: records them, if the campaign asks for it. Any thread; does not wait. */
void record_begin(struct leg *leg);

/* They have parted. Any thread. */
void record_end(struct leg *leg);

#endif
