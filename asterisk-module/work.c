/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief Jobs of the work pool.
 */

#include "work.h"

static void work_run(void *data)
{
	struct work *work = data;

	work->run(work);
	ast_free(work);
}

int work_push(void (*run)(struct work *work), const char *id, const char *other, const char *text,
	unsigned int number)
{
	struct work *work = ast_calloc(1, sizeof(*work));

	if (!work) {
		return -1;
	}
	work->run = run;
	ast_copy_string(work->id, S_OR(id, ""), sizeof(work->id));
	ast_copy_string(work->other, S_OR(other, ""), sizeof(work->other));
	ast_copy_string(work->text, S_OR(text, ""), sizeof(work->text));
	work->number = number;
	if (pool_push(shim.work, work_run, work)) {
		ast_log(LOG_ERROR, "A command for '%s' is lost: %u jobs wait\n", work->id,
			OUTDIAL_WORK_WAITING);
		ast_free(work);
		return -1;
	}
	return 0;
}
