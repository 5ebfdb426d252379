/*
 * SPDX-License-Identifier: MIT
 *
 * Channels: states, flags, variables, privates, and how they end.
 */
#include "host.h"

static void lock(switch_channel_t *channel)
{
	pthread_mutex_lock(&channel->session->lock);
}

/* Says also that something has changed. */
static void unlock(switch_channel_t *channel)
{
	pthread_cond_broadcast(&channel->session->changed);
	pthread_mutex_unlock(&channel->session->lock);
}

switch_caller_profile_t *switch_caller_profile_new(switch_memory_pool_t *pool, const char *username, const char *dialplan,
	const char *name, const char *number, const char *address, const char *ani, const char *aniii, const char *rdnis,
	const char *source, const char *context, const char *destination)
{
	switch_caller_profile_t *profile = pool_zeroed(pool, sizeof(*profile), NULL);

	profile->dialplan = pool_copy(pool, dialplan);
	profile->caller_id_number = pool_copy(pool, number);
	profile->context = pool_copy(pool, context);
	profile->destination_number = pool_copy(pool, destination);
	return profile;
}

switch_caller_extension_t *switch_caller_extension_new(switch_core_session_t *session, const char *name, const char *number)
{
	return pool_zeroed(session->pool, sizeof(switch_caller_extension_t), NULL);
}

void switch_caller_extension_add_application(switch_core_session_t *session, switch_caller_extension_t *extension,
	const char *application, const char *data)
{
	struct application **last = &extension->first;

	while (*last) {
		last = &(*last)->next;
	}
	*last = pool_zeroed(session->pool, sizeof(**last), NULL);
	(*last)->name = pool_copy(session->pool, application);
	(*last)->data = pool_copy(session->pool, switch_str_nil(data));
}

void switch_channel_set_caller_extension(switch_channel_t *channel, switch_caller_extension_t *extension)
{
	lock(channel);
	channel->extension = extension;
	unlock(channel);
}

switch_caller_profile_t *switch_channel_get_caller_profile(switch_channel_t *channel)
{
	switch_caller_profile_t *profile;

	lock(channel);
	profile = channel->profile;
	unlock(channel);
	return profile;
}

void channel_set_profile(switch_channel_t *channel, switch_caller_profile_t *profile)
{
	lock(channel);
	channel->profile = profile;
	unlock(channel);
}

char *switch_channel_get_uuid(switch_channel_t *channel)
{
	return channel->session->uuid;
}

switch_channel_state_t switch_channel_get_state(switch_channel_t *channel)
{
	switch_channel_state_t state;

	lock(channel);
	state = channel->state;
	unlock(channel);
	return state;
}

/* Nothing comes back from a hangup. */
switch_channel_state_t switch_channel_set_state(switch_channel_t *channel, switch_channel_state_t state)
{
	if (state == CS_HANGUP) {
		BROKEN("a channel is hung up by its state");
	}
	lock(channel);
	if (channel->state < CS_HANGUP || state > channel->state) {
		channel->state = state;
	}
	state = channel->state;
	unlock(channel);
	return state;
}

int switch_channel_add_state_handler(switch_channel_t *channel, const switch_state_handler_table_t *handlers)
{
	unsigned int i;

	lock(channel);
	for (i = 0; i < channel->handler_count && channel->handlers[i] != handlers; i++) {
	}
	if (i == HANDLERS) {
		BROKEN("more than %d state handlers", HANDLERS);
	}
	if (i == channel->handler_count) {
		channel->handlers[channel->handler_count++] = handlers;
	}
	unlock(channel);
	return (int) i;
}

/* NULL: all that are not to outlive a transfer. */
void switch_channel_clear_state_handler(switch_channel_t *channel, const switch_state_handler_table_t *handlers)
{
	unsigned int kept = 0;

	lock(channel);
	for (unsigned int i = 0; i < channel->handler_count; i++) {
		const switch_state_handler_table_t *each = channel->handlers[i];

		if (handlers ? each != handlers : each->flags & SSH_FLAG_STICKY) {
			channel->handlers[kept++] = each;
		}
	}
	channel->handler_count = kept;
	unlock(channel);
}

/* Of other modules, of which there are none. */
int switch_channel_test_app_flag_key(const char *app, switch_channel_t *channel, uint32_t flags)
{
	return 0;
}

/* What has come meanwhile is dropped: nothing waits here. */
void switch_channel_audio_sync(switch_channel_t *channel)
{
}

void switch_channel_set_flag(switch_channel_t *channel, switch_channel_flag_t flag)
{
	lock(channel);
	channel->flags[flag] = 1;
	unlock(channel);
}

uint32_t switch_channel_test_flag(switch_channel_t *channel, switch_channel_flag_t flag)
{
	uint32_t set;

	lock(channel);
	set = channel->flags[flag];
	unlock(channel);
	return set;
}

void switch_channel_clear_flag(switch_channel_t *channel, switch_channel_flag_t flag)
{
	lock(channel);
	channel->flags[flag] = 0;
	unlock(channel);
}

/* Looks every millisecond, as FreeSWITCH does. */
switch_status_t switch_channel_wait_for_flag(switch_channel_t *channel, switch_channel_flag_t flag, switch_bool_t present,
	uint32_t ms, switch_channel_t *other)
{
	switch_time_t until = switch_micro_time_now() + (switch_time_t) ms * 1000;

	while (switch_channel_test_flag(channel, flag) != (uint32_t) present) {
		switch_sleep(1000);
		if ((other && !switch_channel_ready(other)) || !switch_channel_up(channel)) {
			return SWITCH_STATUS_FALSE;
		}
		if (ms && switch_micro_time_now() > until) {
			return SWITCH_STATUS_TIMEOUT;
		}
	}
	return SWITCH_STATUS_SUCCESS;
}

switch_status_t switch_channel_set_private(switch_channel_t *channel, const char *key, const void *data)
{
	lock(channel);
	switch_core_hash_insert(channel->privates, key, data);
	unlock(channel);
	return SWITCH_STATUS_SUCCESS;
}

void *switch_channel_get_private(switch_channel_t *channel, const char *key)
{
	void *data;

	lock(channel);
	data = switch_core_hash_find(channel->privates, key);
	unlock(channel);
	return data;
}

switch_status_t switch_channel_set_variable(switch_channel_t *channel, const char *name, const char *value)
{
	lock(channel);
	event_set(channel->variables, name, zstr(value) ? NULL : value);
	unlock(channel);
	return SWITCH_STATUS_SUCCESS;
}

switch_status_t switch_channel_set_variable_printf(switch_channel_t *channel, const char *name, const char *format, ...)
{
	char value[TEXT_LEN];
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	return switch_channel_set_variable(channel, name, value);
}

/* Not duplicated it is the channel's own: gone as soon as somebody sets it again. */
const char *switch_channel_get_variable_dup(switch_channel_t *channel, const char *name, switch_bool_t duplicate, int index)
{
	const char *value;

	lock(channel);
	value = event_header(channel->variables, name);
	if (value && duplicate) {
		value = pool_copy(channel->session->pool, value);
	}
	unlock(channel);
	return value;
}

const char *channel_expand(switch_channel_t *channel, const char *text)
{
	char all[TEXT_LEN] = "";
	size_t length = 0;

	while (*text && length < sizeof(all) - 1) {
		const char *end = strncmp(text, "${", 2) ? NULL : strchr(text, '}');

		if (end) {
			char *name = strndup(text + 2, (size_t) (end - text - 2));
			const char *value = switch_channel_get_variable_dup(channel, name, SWITCH_TRUE, -1);

			length = (size_t) (switch_copy_string(all + length, switch_str_nil(value), sizeof(all) - length) - all);
			free(name);
			text = end + 1;
		} else {
			all[length++] = *text++;
			all[length] = '\0';
		}
	}
	return pool_copy(channel->session->pool, all);
}

/* Whose thread was never launched gets one, to end in. */
switch_channel_state_t switch_channel_hangup(switch_channel_t *channel, switch_call_cause_t cause)
{
	int launched;
	int first;

	lock(channel);
	first = channel->state < CS_HANGUP;
	if (first) {
		channel->state = CS_HANGUP;
		channel->cause = cause;
	}
	launched = channel->session->launched;
	unlock(channel);
	if (first && !launched) {
		switch_core_session_thread_launch(channel->session);
	}
	return CS_HANGUP;
}

switch_status_t switch_channel_answer(switch_channel_t *channel)
{
	if (!switch_channel_up(channel)) {
		return SWITCH_STATUS_FALSE;
	}
	if (!switch_channel_test_flag(channel, CF_ANSWERED)) {
		switch_channel_set_flag(channel, CF_ANSWERED);
		session_tell(channel->session, SWITCH_MESSAGE_ANSWER_EVENT);
	}
	return SWITCH_STATUS_SUCCESS;
}

int channel_is_ready(switch_channel_t *channel)
{
	return !channel->cause && channel->state > CS_ROUTING && channel->state < CS_HANGUP && channel->state != CS_RESET
		&& !channel->flags[CF_TRANSFER] && !channel->flags[CF_NOT_READY] && channel->state == channel->running;
}

int switch_channel_ready(switch_channel_t *channel)
{
	int ready;

	lock(channel);
	ready = channel_is_ready(channel);
	unlock(channel);
	return ready;
}

int switch_channel_up(switch_channel_t *channel)
{
	return switch_channel_get_state(channel) < CS_HANGUP;
}

switch_call_cause_t channel_cause(switch_channel_t *channel)
{
	switch_call_cause_t cause;

	lock(channel);
	cause = channel->cause;
	unlock(channel);
	return cause;
}

/* FreeSWITCH's own causes are above those of Q.850. */
switch_call_cause_t switch_channel_get_cause_q850(switch_channel_t *channel)
{
	switch_call_cause_t cause = channel_cause(channel);

	return (int) cause > 127 ? SWITCH_CAUSE_NORMAL_CLEARING : cause;
}

/* For the log only; by number, so that no cause has to be listed twice. */
const char *switch_channel_cause2str(switch_call_cause_t cause)
{
	static _Thread_local char text[32];

	snprintf(text, sizeof(text), "cause %d", (int) cause);
	return text;
}

void channel_press(switch_channel_t *channel, const char *digits)
{
	lock(channel);
	for (; *digits && channel->key_count < KEYS; digits++) {
		channel->keys[channel->key_count++] = (switch_dtmf_t) { .digit = *digits, .duration = 100 };
	}
	unlock(channel);
}

void switch_channel_flush_dtmf(switch_channel_t *channel)
{
	lock(channel);
	channel->key_count = 0;
	unlock(channel);
}

const char *switch_channel_get_hold_music(switch_channel_t *channel)
{
	return switch_channel_get_variable_dup(channel, "hold_music", SWITCH_TRUE, -1);
}

switch_size_t switch_channel_has_dtmf(switch_channel_t *channel)
{
	switch_size_t count;

	lock(channel);
	count = channel->key_count;
	unlock(channel);
	return count;
}

switch_status_t switch_channel_dequeue_dtmf(switch_channel_t *channel, switch_dtmf_t *dtmf)
{
	switch_status_t status = SWITCH_STATUS_FALSE;

	lock(channel);
	if (channel->key_count) {
		*dtmf = channel->keys[0];
		memmove(channel->keys, channel->keys + 1, --channel->key_count * sizeof(*dtmf));
		status = SWITCH_STATUS_SUCCESS;
	}
	unlock(channel);
	return status;
}
