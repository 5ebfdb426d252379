/*
 * SPDX-License-Identifier: MIT
 *
 * The endpoint 'sofia', and whoever is at the far end of its calls: host.h says what they do.
 */
#include "host.h"

const char device_variable[] = "contract_device";

enum kind {
	KIND_TRYING = 1,
	KIND_RINGING,
	KIND_ANSWER,
	/* 486, 503, nothing at all. */
	KIND_BUSY,
	KIND_CONGESTED,
	KIND_SILENT,
	/* The callee hangs up. */
	KIND_LEAVE,
};

struct job {
	struct job *next;
	switch_time_t due;
	enum kind kind;
	char uuid[TEXT_LEN];
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	struct job *jobs;
	int stop;
	switch_memory_pool_t *pool;
	switch_endpoint_interface_t sofia;
} carrier = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER };

/* In order of their time. */
static void add(enum kind kind, const char *uuid, unsigned int in_ms)
{
	struct job *job = calloc(1, sizeof(*job));
	struct job **at = &carrier.jobs;

	job->kind = kind;
	job->due = switch_micro_time_now() + (switch_time_t) in_ms * 1000;
	switch_copy_string(job->uuid, uuid, sizeof(job->uuid));
	pthread_mutex_lock(&carrier.lock);
	while (*at && (*at)->due <= job->due) {
		at = &(*at)->next;
	}
	job->next = *at;
	*at = job;
	pthread_cond_signal(&carrier.wake);
	pthread_mutex_unlock(&carrier.lock);
}

static char last_digit(const char *device)
{
	size_t length = device ? strcspn(device, "@") : 0;

	return length ? device[length - 1] : '0';
}

/* The far end of this call is somebody's number, and no agent's phone. */
static int is_number(const char *device)
{
	return !strncmp(device, "gateway/", 8);
}

switch_call_cause_t carrier_takes(const char *device)
{
	if (is_number(device) && strncmp(device, "gateway/carrier/", 16)) {
		return SWITCH_CAUSE_INVALID_GATEWAY;
	}
	return last_digit(device) == '2' ? SWITCH_CAUSE_DESTINATION_OUT_OF_ORDER : SWITCH_CAUSE_SUCCESS;
}

/* The INVITE goes out. */
static switch_status_t on_init(switch_core_session_t *session)
{
	if (session->outbound) {
		add(KIND_TRYING, session->uuid, 1);
	}
	switch_channel_set_state(&session->channel, CS_ROUTING);
	return SWITCH_STATUS_SUCCESS;
}

static switch_state_handler_table_t states = { .on_init = on_init };

switch_endpoint_interface_t *carrier_endpoint(const char *name)
{
	return strcmp(name, "sofia") ? NULL : &carrier.sofia;
}

void carrier_met(switch_core_session_t *session)
{
	const char *device = switch_channel_get_variable_dup(&session->channel, device_variable, SWITCH_TRUE, -1);

	if (device && last_digit(device) != '9') {
		add(KIND_LEAVE, session->uuid, atomic_load(&settings.talk_ms));
	}
}

static void leave(switch_core_session_t *session, const char *status, switch_call_cause_t cause)
{
	switch_channel_set_variable(&session->channel, "sip_invite_failure_status", status);
	switch_channel_set_variable(&session->channel, "sip_term_status", status);
	switch_channel_hangup(&session->channel, cause);
}

/* What the carrier says first, and what comes of it. */
static void trying(switch_core_session_t *session, int number, char digit)
{
	switch_channel_set_variable(&session->channel, "sip_reply_host", "127.0.0.1");
	if (digit == '0') {
		add(KIND_BUSY, session->uuid, 1);
	} else if (digit == '3' && number) {
		add(KIND_CONGESTED, session->uuid, 1);
	} else if (digit == '4' && number) {
		add(KIND_SILENT, session->uuid, 1);
	} else {
		add(KIND_RINGING, session->uuid, 1);
	}
}

static void ringing(switch_core_session_t *session, char digit)
{
	switch_channel_set_variable(&session->channel, "sip_reply_host", "127.0.0.1");
	switch_channel_set_flag(&session->channel, CF_RING_READY);
	session_tell(session, SWITCH_MESSAGE_RING_EVENT);
	if (digit == '6') {
		switch_channel_set_flag(&session->channel, CF_EARLY_MEDIA);
		session_tell(session, SWITCH_MESSAGE_PROGRESS_EVENT);
	}
	if (digit != '1') {
		add(KIND_ANSWER, session->uuid, 2);
	}
}

static void work(struct job *job)
{
	switch_core_session_t *session = switch_core_session_locate(job->uuid);
	const char *device;

	if (!session) {
		return;
	}
	device = switch_channel_get_variable_dup(&session->channel, device_variable, SWITCH_TRUE, -1);
	switch (job->kind) {
	case KIND_TRYING:
		trying(session, is_number(device), last_digit(device));
		break;
	case KIND_RINGING:
		ringing(session, last_digit(device));
		break;
	case KIND_ANSWER:
		atomic_fetch_add(&counts.answered, 1);
		switch_channel_set_flag(&session->channel, CF_ANSWERED);
		session_tell(session, SWITCH_MESSAGE_ANSWER_EVENT);
		break;
	case KIND_BUSY:
		leave(session, "486", SWITCH_CAUSE_USER_BUSY);
		break;
	case KIND_CONGESTED:
		leave(session, "503", SWITCH_CAUSE_NORMAL_TEMPORARY_FAILURE);
		break;
	case KIND_SILENT:
		switch_channel_hangup(&session->channel, SWITCH_CAUSE_NORMAL_TEMPORARY_FAILURE);
		break;
	case KIND_LEAVE:
		switch_channel_hangup(&session->channel, SWITCH_CAUSE_NORMAL_CLEARING);
		break;
	}
	switch_core_session_rwunlock(session);
}

static void *run(void *data)
{
	pthread_mutex_lock(&carrier.lock);
	while (!carrier.stop) {
		struct job *job = carrier.jobs;
		struct timespec until;

		if (!job) {
			pthread_cond_wait(&carrier.wake, &carrier.lock);
		} else if (job->due > switch_micro_time_now()) {
			until.tv_sec = (time_t) (job->due / 1000000);
			until.tv_nsec = (long) (job->due % 1000000) * 1000;
			pthread_cond_timedwait(&carrier.wake, &carrier.lock, &until);
		} else {
			carrier.jobs = job->next;
			pthread_mutex_unlock(&carrier.lock);
			work(job);
			free(job);
			pthread_mutex_lock(&carrier.lock);
		}
	}
	pthread_mutex_unlock(&carrier.lock);
	return NULL;
}

void carrier_start(void)
{
	switch_core_new_memory_pool(&carrier.pool);
	carrier.sofia.interface_name = "sofia";
	carrier.sofia.state_handler = &states;
	switch_thread_rwlock_create(&carrier.sofia.rwlock, carrier.pool);
	if (pthread_create(&carrier.thread, NULL, run, NULL)) {
		BROKEN("no thread for the carrier");
	}
}

void carrier_stop(void)
{
	struct job *job;

	pthread_mutex_lock(&carrier.lock);
	carrier.stop = 1;
	pthread_cond_signal(&carrier.wake);
	pthread_mutex_unlock(&carrier.lock);
	pthread_join(carrier.thread, NULL);
	while ((job = carrier.jobs)) {
		carrier.jobs = job->next;
		free(job);
	}
	switch_core_destroy_memory_pool(&carrier.pool);
}

void carrier_call(const char *uuid, const char *user, const char *context, const char *exten)
{
	switch_memory_pool_t *pool;
	switch_core_session_t *session;

	switch_core_new_memory_pool(&pool);
	session = session_new(&carrier.sofia, pool, uuid);
	session->channel.profile = switch_caller_profile_new(pool, user, "XML", user, user, NULL, NULL, NULL, NULL, "sofia",
		context, exten);
	switch_channel_set_variable(&session->channel, "sip_auth_username", user);
	switch_channel_set_state(&session->channel, CS_INIT);
	switch_core_session_thread_launch(session);
}
