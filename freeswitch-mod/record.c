/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * Recordings. The engine says what one is called, with the agent's name in it: its answer is waited for by a
 * thread of the work pool, and not by those who are about to talk. So a recording begins a moment after the
 * two met, and they may have parted before it has.
 */
#include "record.h"

#include "leg.h"
#include "pool.h"

/* Longest path of a recording, with its NUL. */
#define PATH_LEN 1024

/* Where the recording is. Names are relative, and made of letters, digits and _ . - / only. */
static int path_of(const char *name, char *path, size_t size)
{
	int len = switch_snprintf(path, size, "%s%s%s", SWITCH_GLOBAL_dirs.recordings_dir, SWITCH_PATH_SEPARATOR, name);

	return len < 0 || (size_t) len >= size - 1 ? -1 : 0;
}

static void stop(struct leg *leg, const char *name)
{
	switch_core_session_t *session = leg_session(leg);
	char path[PATH_LEN];

	/* One that hangs up ends it by itself. */
	if (session) {
		if (!path_of(name, path, sizeof(path))) {
			switch_ivr_stop_record_session(session, path);
		}
		switch_core_session_rwunlock(session);
	}
}

/* Non-zero: it is not recorded. */
static int start(struct leg *leg, const char *name)
{
	switch_core_session_t *session = leg_session(leg);
	char path[PATH_LEN];
	int res;

	if (!session) {
		return -1;
	}
	/* Folders that are missing it makes. */
	res = path_of(name, path, sizeof(path))
		|| switch_ivr_record_session(session, path, 0, NULL) != SWITCH_STATUS_SUCCESS;
	if (res && switch_channel_up(switch_core_session_get_channel(session))) {
		switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(session), SWITCH_LOG_WARNING, "Leg '%s' is not recorded: is the "
			"module of the file's format loaded (mod_sndfile for .wav), and %s writable?\n", leg->id,
			SWITCH_GLOBAL_dirs.recordings_dir);
	}
	switch_core_session_rwunlock(session);
	return res;
}

static int is_wanted(struct leg *leg)
{
	int wanted;

	switch_mutex_lock(leg->lock);
	wanted = leg->recording == LEG_RECORDING_WANTED;
	switch_mutex_unlock(leg->lock);
	return wanted;
}

/* A job of the work pool; holds the leg. */
static void record_run(void *data)
{
	struct leg *leg = data;
	char name[OUTDIAL_RECORDING_LEN] = "";
	int parted;

	if (!outdial_field(shim.engine, OUTDIAL_OF_LEG, leg->id, "recording", name, sizeof(name)) && !zstr(name)
		&& is_wanted(leg) && !start(leg, name)) {
		switch_mutex_lock(leg->lock);
		parted = leg->recording != LEG_RECORDING_WANTED;
		if (!parted) {
			leg->recording = LEG_RECORDING_RUNS;
			switch_copy_string(leg->recorded, name, sizeof(leg->recorded));
		}
		switch_mutex_unlock(leg->lock);
		if (parted) {
			stop(leg, name);
		}
	}
	leg_release(leg);
}

void record_begin(struct leg *leg)
{
	struct leg *held;

	if (!leg->record) {
		return;
	}
	switch_mutex_lock(leg->lock);
	leg->recording = LEG_RECORDING_WANTED;
	switch_mutex_unlock(leg->lock);
	held = leg_find(leg->id);
	if (held && pool_push(shim.work, record_run, held)) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_WARNING, "Leg '%s' is not recorded: too much is to be done\n",
			leg->id);
		leg_release(held);
	}
}

void record_end(struct leg *leg)
{
	char name[OUTDIAL_RECORDING_LEN];
	int runs;

	switch_mutex_lock(leg->lock);
	runs = leg->recording == LEG_RECORDING_RUNS;
	leg->recording = LEG_RECORDING_NONE;
	switch_copy_string(name, leg->recorded, sizeof(name));
	switch_mutex_unlock(leg->lock);
	if (runs) {
		stop(leg, name);
	}
}
