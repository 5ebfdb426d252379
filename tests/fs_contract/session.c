/*
 * SPDX-License-Identifier: MIT
 *
 * Sessions: their list, threads, locks and messages.
 */
#include "host.h"

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static switch_core_session_t *list;

static switch_core_session_t *find(const char *uuid)
{
	switch_core_session_t *session = list;

	while (session && strcmp(session->uuid, uuid)) {
		session = session->next;
	}
	return session;
}

unsigned int session_count(void)
{
	unsigned int count = 0;

	pthread_mutex_lock(&list_lock);
	for (switch_core_session_t *session = list; session; session = session->next) {
		count++;
	}
	pthread_mutex_unlock(&list_lock);
	return count;
}

switch_core_session_t *session_new(switch_endpoint_interface_t *endpoint, switch_memory_pool_t *pool, const char *uuid)
{
	static unsigned int fresh;
	switch_core_session_t *session = pool_zeroed(pool, sizeof(*session), NULL);

	session->pool = pool;
	session->endpoint = endpoint;
	session->channel.session = session;
	session->channel.running = CS_NEW;
	session->implementation = (switch_codec_implementation_t) {
		.actual_samples_per_second = 8000, .microseconds_per_packet = FRAME_MS * 1000,
		.decoded_bytes_per_packet = sizeof(session->packet), .number_of_channels = 1,
	};
	pthread_mutex_init(&session->lock, NULL);
	pthread_cond_init(&session->changed, NULL);
	switch_thread_rwlock_create(&session->rwlock, pool);
	switch_core_hash_init(&session->channel.privates);
	switch_event_create_plain(&session->channel.variables, SWITCH_EVENT_CHANNEL_DATA);
	pthread_mutex_lock(&list_lock);
	/* One that is taken is not given twice: the call goes on under another. */
	if (zstr(uuid) || find(uuid)) {
		snprintf(session->uuid, sizeof(session->uuid), "fresh-%u", ++fresh);
	} else {
		switch_copy_string(session->uuid, uuid, sizeof(session->uuid));
	}
	session->next = list;
	list = session;
	pthread_mutex_unlock(&list_lock);
	return session;
}

switch_core_session_t *switch_core_session_locate(const char *uuid)
{
	switch_core_session_t *session;

	pthread_mutex_lock(&list_lock);
	session = find(uuid);
	if (session && switch_core_session_read_lock(session) != SWITCH_STATUS_SUCCESS) {
		session = NULL;
	}
	pthread_mutex_unlock(&list_lock);
	return session;
}

switch_bool_t switch_ivr_uuid_exists(const char *uuid)
{
	switch_core_session_t *session = switch_core_session_locate(uuid);

	if (!session) {
		return SWITCH_FALSE;
	}
	switch_core_session_rwunlock(session);
	return SWITCH_TRUE;
}

/* Takes the event over. */
switch_status_t switch_core_session_queue_event(switch_core_session_t *session, switch_event_t **event)
{
	switch_event_t *before;

	pthread_mutex_lock(&session->lock);
	before = session->event;
	session->event = *event;
	pthread_cond_broadcast(&session->changed);
	pthread_mutex_unlock(&session->lock);
	switch_event_destroy(&before);
	*event = NULL;
	return SWITCH_STATUS_SUCCESS;
}

void session_hang_up_all(switch_call_cause_t cause)
{
	pthread_mutex_lock(&list_lock);
	for (switch_core_session_t *session = list; session; session = session->next) {
		if (switch_core_session_read_lock(session) == SWITCH_STATUS_SUCCESS) {
			switch_channel_hangup(&session->channel, cause);
			switch_core_session_rwunlock(session);
		}
	}
	pthread_mutex_unlock(&list_lock);
}

switch_call_cause_t switch_core_session_outgoing_channel(switch_core_session_t *session, switch_event_t *variables,
	const char *name, switch_caller_profile_t *profile, switch_core_session_t **fresh, switch_memory_pool_t **pool,
	switch_originate_flag_t flags, switch_call_cause_t *cancel)
{
	switch_endpoint_interface_t *endpoint = switch_loadable_module_get_endpoint_interface(name);
	switch_call_cause_t cause;

	if (!endpoint) {
		return SWITCH_CAUSE_CHAN_NOT_IMPLEMENTED;
	}
	UNPROTECT_INTERFACE(endpoint);
	atomic_fetch_add(&counts.dialed, 1);
	cause = carrier_takes(profile->destination_number);
	if (cause != SWITCH_CAUSE_SUCCESS) {
		atomic_fetch_add(&counts.refused, 1);
		return cause;
	}
	*fresh = session_new(endpoint, *pool, event_header(variables, "origination_uuid"));
	*pool = NULL;
	(*fresh)->outbound = 1;
	(*fresh)->channel.profile = profile;
	for (struct header *header = variables->first; header; header = header->next) {
		switch_channel_set_variable(&(*fresh)->channel, header->name, header->value);
	}
	switch_channel_set_variable(&(*fresh)->channel, device_variable, profile->destination_number);
	switch_channel_set_state(&(*fresh)->channel, CS_INIT);
	return SWITCH_CAUSE_SUCCESS;
}

static void end(switch_core_session_t *session)
{
	switch_core_session_t **at = &list;
	switch_memory_pool_t *pool = session->pool;

	pthread_mutex_lock(&list_lock);
	while (*at != session) {
		at = &(*at)->next;
	}
	*at = session->next;
	pthread_mutex_unlock(&list_lock);
	session_run_handlers(session, CS_DESTROY);
	switch_core_hash_destroy(&session->channel.privates);
	switch_event_destroy(&session->channel.variables);
	switch_event_destroy(&session->event);
	pthread_mutex_destroy(&session->lock);
	pthread_cond_destroy(&session->changed);
	switch_core_destroy_memory_pool(&pool);
	atomic_fetch_add(&counts.destroyed, 1);
}

/* Of a session that has no thread; others end by a hangup. */
void switch_core_session_destroy(switch_core_session_t **session)
{
	int launched;

	pthread_mutex_lock(&(*session)->lock);
	launched = (*session)->launched;
	pthread_mutex_unlock(&(*session)->lock);
	if (launched) {
		BROKEN("session %s is destroyed while its thread runs", (*session)->uuid);
	}
	end(*session);
	*session = NULL;
}

static void *run(void *data)
{
	switch_core_session_t *session = data;

	session_run(session);
	/* Until nobody uses it any more. */
	switch_thread_rwlock_wrlock(session->rwlock);
	pthread_mutex_lock(&session->lock);
	session->destroyed = 1;
	pthread_mutex_unlock(&session->lock);
	switch_thread_rwlock_unlock(session->rwlock);
	end(session);
	atomic_fetch_sub(&counts.threads, 1);
	return NULL;
}

switch_status_t switch_core_session_thread_launch(switch_core_session_t *session)
{
	pthread_attr_t attr;
	pthread_t thread;
	int again;

	/* A while before, somebody else hangs up. */
	if (atomic_load(&settings.cancel) && session->outbound && atomic_fetch_sub(&settings.cancel, 1) > 0) {
		switch_channel_hangup(&session->channel, SWITCH_CAUSE_ORIGINATOR_CANCEL);
	}
	pthread_mutex_lock(&session->lock);
	again = session->launched;
	session->launched = 1;
	pthread_mutex_unlock(&session->lock);
	if (again) {
		return SWITCH_STATUS_INUSE;
	}
	atomic_fetch_add(&counts.threads, 1);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attr, run, session)) {
		BROKEN("no thread for session %s", session->uuid);
	}
	pthread_attr_destroy(&attr);
	return SWITCH_STATUS_SUCCESS;
}

switch_channel_t *switch_core_session_get_channel(switch_core_session_t *session)
{
	return &session->channel;
}

char *switch_core_session_get_uuid(switch_core_session_t *session)
{
	return session->uuid;
}

char *switch_core_session_strdup(switch_core_session_t *session, const char *text)
{
	return pool_copy(session->pool, text);
}

/* Not of one that hangs up. */
switch_status_t switch_core_session_read_lock(switch_core_session_t *session)
{
	switch_status_t status = switch_thread_rwlock_tryrdlock(session->rwlock);
	int gone;

	if (status != SWITCH_STATUS_SUCCESS) {
		return status;
	}
	pthread_mutex_lock(&session->lock);
	gone = session->destroyed || session->channel.state >= CS_HANGUP;
	pthread_mutex_unlock(&session->lock);
	if (gone) {
		switch_thread_rwlock_unlock(session->rwlock);
		return SWITCH_STATUS_FALSE;
	}
	return SWITCH_STATUS_SUCCESS;
}

void switch_core_session_rwunlock(switch_core_session_t *session)
{
	switch_thread_rwlock_unlock(session->rwlock);
}

/* Ends one read of a frame. */
switch_status_t switch_core_session_kill_channel(switch_core_session_t *session, switch_signal_t signal)
{
	pthread_mutex_lock(&session->lock);
	session->broken_off |= signal == SWITCH_SIG_BREAK;
	pthread_cond_broadcast(&session->changed);
	pthread_mutex_unlock(&session->lock);
	return SWITCH_STATUS_SUCCESS;
}

switch_status_t switch_core_event_hook_add_receive_message(switch_core_session_t *session,
	switch_receive_message_hook_t hook)
{
	pthread_mutex_lock(&session->lock);
	if (session->hook_count == HANDLERS) {
		BROKEN("more than %d hooks", HANDLERS);
	}
	session->hooks[session->hook_count++] = hook;
	pthread_mutex_unlock(&session->lock);
	return SWITCH_STATUS_SUCCESS;
}

switch_status_t session_tell(switch_core_session_t *session, switch_core_session_message_types_t what)
{
	switch_core_session_message_t message = { .message_id = what };
	switch_receive_message_hook_t hooks[HANDLERS];
	switch_status_t status = switch_core_session_read_lock(session);
	unsigned int count;

	if (status != SWITCH_STATUS_SUCCESS) {
		return status;
	}
	pthread_mutex_lock(&session->lock);
	count = session->hook_count;
	memcpy(hooks, session->hooks, sizeof(hooks));
	pthread_mutex_unlock(&session->lock);
	for (unsigned int i = 0; i < count && status == SWITCH_STATUS_SUCCESS; i++) {
		status = hooks[i](session, &message);
	}
	switch_core_session_rwunlock(session);
	return status;
}
