/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief A thread that sees what Asterisk and the engine don't announce.
 *
 * 'core stop gracefully' waits until no channel is left, and says so to nobody: waiting agents
 * would hold it up forever. Here the engine is told to drain, which lets them go.
 */

#include "shim.h"
#include "session.h"

#include "asterisk/lock.h"
#include "asterisk/options.h"
#include "asterisk/time.h"

/*! \brief How often it looks. */
#define WATCH_INTERVAL_MS 250

static struct {
	ast_mutex_t lock;
	ast_cond_t wake;
	pthread_t thread;
	unsigned int stop:1;
} watch = {
	.thread = AST_PTHREADT_NULL,
};

/*! \brief What was seen last time. In the thread only. */
struct seen {
	int started;
	/*! \brief The heartbeat has been fresh. */
	int moved;
	int shutdown;
	/*! \brief Drained by an operator before the shutdown. */
	int drained;
	int stale;
};

/*! \brief Start the engine once Asterisk has its dialplan and channel drivers. */
static void look_for_boot(struct seen *seen)
{
	int res;

	if (seen->started || !ast_fully_booted) {
		return;
	}
	seen->started = 1;
	res = outdial_start(shim.engine);
	if (res != OUTDIAL_OK) {
		ast_log(LOG_ERROR, "outdial does not start: %s\n", outdial_strerror(res));
	}
}

static void look_for_shutdown(struct seen *seen)
{
	struct outdial_stats stats = { .struct_size = sizeof(stats), };
	int now = ast_shutting_down() != 0;

	if (now && !seen->shutdown) {
		outdial_stats(shim.engine, &stats);
		seen->drained = stats.draining;
		if (outdial_drain(shim.engine, 1) == OUTDIAL_E_FULL) {
			/* Again at the next look. */
			return;
		}
		ast_log(LOG_NOTICE, "Asterisk shuts down: no new calls, agents are let go\n");
	} else if (!now && seen->shutdown) {
		ast_log(LOG_NOTICE, "The shutdown was cancelled: dialing goes on\n");
		outdial_drain(shim.engine, seen->drained);
	}
	if (now && (shim.faulted || seen->stale)) {
		/* Nobody else does it any more. */
		host_let_go();
	}
	seen->shutdown = now;
}

static void look_for_heartbeat(struct seen *seen)
{
	unsigned long long age = outdial_heartbeat_age_ms(shim.engine);
	int stale = seen->moved && age > OUTDIAL_HEARTBEAT_MAX_MS;

	if (stale && !seen->stale) {
		ast_log(LOG_ERROR, "The engine has not moved for %llu ms: nothing is dialed\n", age);
	} else if (!stale && seen->stale) {
		ast_log(LOG_NOTICE, "The engine moves again\n");
	}
	seen->moved |= age <= OUTDIAL_HEARTBEAT_MAX_MS;
	seen->stale = stale;
}

static void *watch_main(void *data)
{
	struct seen seen = { 0, };

	pthread_setname_np(pthread_self(), "outdial-watch");
	look_for_boot(&seen);
	ast_mutex_lock(&watch.lock);
	while (!watch.stop) {
		struct timeval until = ast_tvadd(ast_tvnow(), ast_samp2tv(WATCH_INTERVAL_MS, 1000));
		struct timespec timeout = { .tv_sec = until.tv_sec, .tv_nsec = until.tv_usec * 1000, };

		ast_cond_timedwait(&watch.wake, &watch.lock, &timeout);
		if (watch.stop) {
			break;
		}
		ast_mutex_unlock(&watch.lock);
		look_for_boot(&seen);
		look_for_heartbeat(&seen);
		look_for_shutdown(&seen);
		ast_mutex_lock(&watch.lock);
	}
	ast_mutex_unlock(&watch.lock);
	return NULL;
}

int watch_start(void)
{
	ast_mutex_init(&watch.lock);
	ast_cond_init(&watch.wake, NULL);
	watch.stop = 0;
	if (ast_pthread_create_background(&watch.thread, NULL, watch_main, NULL)) {
		ast_cond_destroy(&watch.wake);
		ast_mutex_destroy(&watch.lock);
		watch.thread = AST_PTHREADT_NULL;
		return -1;
	}
	return 0;
}

void watch_stop(void)
{
	if (watch.thread == AST_PTHREADT_NULL) {
		return;
	}
	ast_mutex_lock(&watch.lock);
	watch.stop = 1;
	ast_cond_signal(&watch.wake);
	ast_mutex_unlock(&watch.lock);
	pthread_join(watch.thread, NULL);
	watch.thread = AST_PTHREADT_NULL;
	ast_cond_destroy(&watch.wake);
	ast_mutex_destroy(&watch.lock);
}
