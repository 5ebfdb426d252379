/* Threads that ask the engine for everything at once, as consoles, dialplans and reports do. */
#ifndef CROWD_H
#define CROWD_H

#include "pbx.h"

struct crowd;

/* `threads` threads begin. `settings` and the strings in it stay as they are until the end. */
struct crowd *crowd_new(struct pbx *pbx, struct outdial_engine *engine,
	const struct outdial_settings *settings, unsigned int threads);
/* Every thread ends after what it is at. Returns how many calls of the ABI they made. */
unsigned long crowd_free(struct crowd *crowd);

#endif
