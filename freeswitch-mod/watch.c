/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * Looks now and then: whether FreeSWITCH is up or shuts down, whether the engine moves, and at the calls
 * that ring.
 */
#include "leg.h"
#include "session.h"

#include <pthread.h>
#include <time.h>

/* How often it looks. */
#define WATCH_INTERVAL_MS 250

static struct {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	int runs;
	int stop;
} watch = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* What was seen last time. In the thread only. */
struct seen {
	int started;
	/* The heartbeat has been fresh. */
	int moved;
	int closed;
	/* Drained by an operator before FreeSWITCH took no more sessions. */
	int drained;
	int stale;
};

/* Starts the engine once FreeSWITCH has loaded all that calls need. */
static void look_for_boot(struct seen *seen)
{
	int res;

	if (seen->started || !switch_core_ready()) {
		return;
	}
	seen->started = 1;
	res = outdial_start(shim.engine);
	if (res != OUTDIAL_OK) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_ERROR, "outdial does not start: %s\n", outdial_strerror(res));
	}
}

/* `fsctl pause`, and any shutdown that waits for calls. */
static void look_for_shutdown(struct seen *seen)
{
	struct outdial_stats stats = { .struct_size = sizeof(stats) };
	int now = !switch_core_ready();

	if (!seen->started) {
		return;
	}
	if (now && !seen->closed) {
		outdial_stats(shim.engine, &stats);
		seen->drained = stats.draining != 0;
		if (outdial_drain(shim.engine, 1) == OUTDIAL_E_FULL) {
			/* Again at the next look. */
			return;
		}
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_NOTICE,
			"FreeSWITCH takes no new sessions: nothing is dialed, agents are let go\n");
	} else if (!now && seen->closed) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_NOTICE, "FreeSWITCH takes sessions again: dialing goes on\n");
		outdial_drain(shim.engine, seen->drained);
	}
	if (now && (shim.faulted || seen->stale)) {
		/* Nobody else does it any more. */
		host_let_go();
	}
	seen->closed = now;
}

static void look_for_heartbeat(struct seen *seen)
{
	unsigned long long age = outdial_heartbeat_age_ms(shim.engine);
	int stale = seen->moved && age > OUTDIAL_HEARTBEAT_MAX_MS;

	if (stale && !seen->stale) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_ERROR,
			"The engine has not moved for %llu ms: nothing is dialed\n", age);
	} else if (!stale && seen->stale) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_NOTICE, "The engine moves again\n");
	}
	seen->moved |= age <= OUTDIAL_HEARTBEAT_MAX_MS;
	seen->stale = stale;
}

static int is_late(switch_time_t since, unsigned int timeout_ms)
{
	return since && timeout_ms && switch_micro_time_now() - since > (switch_time_t) timeout_ms * 1000;
}

static void look_at_leg(struct leg *leg, void *data)
{
	int late;

	switch_mutex_lock(leg->lock);
	late = !leg->answered && is_late(leg->dialed_at, leg->timeout_ms);
	switch_mutex_unlock(leg->lock);
	if (late) {
		/* The engine's own deadline is earlier; it is gone, or stuck. */
		leg_hangup(leg, SWITCH_CAUSE_NO_ANSWER);
	}
}

static void look_at_session(struct session *session, void *data)
{
	switch_core_session_t *channel;
	int late;

	keys_look(session);
	switch_mutex_lock(session->lock);
	late = session->ringing && is_late(session->rung_at, session->timeout_ms);
	switch_mutex_unlock(session->lock);
	channel = late ? session_channel(session) : NULL;
	if (channel) {
		switch_channel_hangup(switch_core_session_get_channel(channel), SWITCH_CAUSE_NO_ANSWER);
		switch_core_session_rwunlock(channel);
	}
}

static void *watch_main(void *data)
{
	struct seen seen = { 0 };

	pthread_setname_np(pthread_self(), "outdial-watch");
	pthread_mutex_lock(&watch.lock);
	while (!watch.stop) {
		struct timespec until;

		pthread_mutex_unlock(&watch.lock);
		look_for_boot(&seen);
		look_for_heartbeat(&seen);
		look_for_shutdown(&seen);
		leg_each(look_at_leg, NULL);
		session_each(look_at_session, NULL);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += WATCH_INTERVAL_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		pthread_mutex_lock(&watch.lock);
		if (!watch.stop) {
			pthread_cond_timedwait(&watch.wake, &watch.lock, &until);
		}
	}
	pthread_mutex_unlock(&watch.lock);
	return NULL;
}

int watch_start(void)
{
	pthread_cond_init(&watch.wake, NULL);
	watch.stop = 0;
	watch.runs = !pthread_create(&watch.thread, NULL, watch_main, NULL);
	return watch.runs ? 0 : -1;
}

void watch_stop(void)
{
	if (!watch.runs) {
		return;
	}
	pthread_mutex_lock(&watch.lock);
	watch.stop = 1;
	pthread_cond_signal(&watch.wake);
	pthread_mutex_unlock(&watch.lock);
	pthread_join(watch.thread, NULL);
	pthread_cond_destroy(&watch.wake);
	watch.runs = 0;
}
