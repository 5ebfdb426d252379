/* What the program's own files share. */
#ifndef MAIN_H
#define MAIN_H

#include <stdio.h>
#include <stdlib.h>

#include "pbx.h"

#define CHECK(condition) do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			exit(1); \
		} \
	} while (0)

#define STOP_MS 20000

extern struct outdial_settings settings;

struct outdial_stats stats_of(struct outdial_engine *engine);
/* Mode bad. */
void bad(void);

#endif
