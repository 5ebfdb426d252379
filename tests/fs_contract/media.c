/*
 * SPDX-License-Identifier: MIT
 *
 * Packets, sounds and keys.
 */
#include "host.h"

switch_status_t switch_core_session_get_read_impl(switch_core_session_t *session,
	switch_codec_implementation_t *implementation)
{
	*implementation = session->implementation;
	return SWITCH_STATUS_SUCCESS;
}

/* A packet comes when its time is over, or somebody has broken it off. */
switch_status_t switch_core_session_read_frame(switch_core_session_t *session, switch_frame_t **frame,
	switch_io_flag_t flags, int stream)
{
	switch_status_t status = SWITCH_STATUS_SUCCESS;
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += FRAME_MS * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&session->lock);
	while (session->channel.state < CS_HANGUP && !session->broken_off
		&& !pthread_cond_timedwait(&session->changed, &session->lock, &until)) {
	}
	if (session->channel.state >= CS_HANGUP) {
		status = SWITCH_STATUS_FALSE;
	} else if (session->broken_off) {
		status = SWITCH_STATUS_BREAK;
	}
	session->broken_off = 0;
	atomic_fetch_add(&counts.read, 1);
	pthread_mutex_unlock(&session->lock);
	session->codec.implementation = &session->implementation;
	session->frame = (switch_frame_t) { .codec = &session->codec, .data = session->packet,
		.datalen = sizeof(session->packet), .buflen = sizeof(session->packet), .channels = 1 };
	*frame = SWITCH_READ_ACCEPTABLE(status) ? &session->frame : NULL;
	return status;
}

switch_status_t switch_core_session_write_frame(switch_core_session_t *session, switch_frame_t *frame,
	switch_io_flag_t flags, int stream)
{
	unsigned int sum = 0;

	if (!frame->codec || frame->datalen > frame->buflen) {
		BROKEN("a packet without codec, or longer than its memory");
	}
	/* A sanitizer is to see whether it is all there. */
	for (uint32_t i = 0; i < frame->datalen; i++) {
		sum += ((volatile unsigned char *) frame->data)[i];
	}
	return switch_channel_up(&session->channel) && sum < UINT32_MAX ? SWITCH_STATUS_SUCCESS : SWITCH_STATUS_FALSE;
}

/* Events that others have left for a channel: none here. */
switch_status_t switch_ivr_parse_all_events(switch_core_session_t *session)
{
	return SWITCH_STATUS_SUCCESS;
}

switch_status_t media_ask_keys(switch_core_session_t *session, switch_input_callback_function_t callback, void *data,
	uint32_t size)
{
	switch_status_t status = SWITCH_STATUS_SUCCESS;
	switch_dtmf_t dtmf;

	while (callback && (status == SWITCH_STATUS_SUCCESS || status == SWITCH_STATUS_IGNORE)
		&& switch_channel_dequeue_dtmf(&session->channel, &dtmf) == SWITCH_STATUS_SUCCESS) {
		status = callback(session, &dtmf, SWITCH_INPUT_TYPE_DTMF, data, size);
	}
	return status == SWITCH_STATUS_IGNORE ? SWITCH_STATUS_SUCCESS : status;
}

/* What the caller's functions say of a packet, and of the keys. Without one a key ends the sound, and is
 * his. */
static switch_status_t ask(switch_core_session_t *session, switch_input_args_t *args, switch_frame_t *frame)
{
	switch_status_t status = args ? media_ask_keys(session, args->input_callback, args->buf, args->buflen)
		: SWITCH_STATUS_SUCCESS;
	switch_dtmf_t dtmf;

	if (args && !args->input_callback && args->buf
		&& switch_channel_dequeue_dtmf(&session->channel, &dtmf) == SWITCH_STATUS_SUCCESS) {
		*(char *) args->buf = dtmf.digit;
		return SWITCH_STATUS_BREAK;
	}
	if (args && args->read_frame_callback && status == SWITCH_STATUS_SUCCESS) {
		status = args->read_frame_callback(session, frame, args->user_data);
	}
	return status;
}

/* A stream has no end. */
switch_status_t switch_ivr_play_file(switch_core_session_t *session, switch_file_handle_t *file, const char *sound,
	switch_input_args_t *args)
{
	int endless = strstr(sound, "local_stream://") != NULL;

	if (strstr(sound, "missing")) {
		return SWITCH_STATUS_NOTFOUND;
	}
	for (int ms = 0; endless || ms < SOUND_MS; ms += FRAME_MS) {
		switch_status_t status;
		switch_frame_t *frame;

		status = switch_core_session_read_frame(session, &frame, SWITCH_IO_FLAG_NONE, 0);
		if (!switch_channel_ready(&session->channel) || !SWITCH_READ_ACCEPTABLE(status)) {
			return SWITCH_STATUS_FALSE;
		}
		status = ask(session, args, frame);
		if (status != SWITCH_STATUS_SUCCESS) {
			return status;
		}
	}
	atomic_fetch_add(&counts.played, 1);
	return SWITCH_STATUS_SUCCESS;
}

switch_status_t switch_ivr_displace_session(switch_core_session_t *session, const char *sound, uint32_t limit,
	const char *flags)
{
	return strstr(sound, "missing") ? SWITCH_STATUS_FALSE : SWITCH_STATUS_SUCCESS;
}

switch_status_t switch_ivr_stop_displace_session(switch_core_session_t *session, const char *sound)
{
	return SWITCH_STATUS_SUCCESS;
}

/* Bugs that no packet passes through here: that they are asked for is all. */
switch_status_t switch_ivr_record_session(switch_core_session_t *session, const char *file, uint32_t limit,
	switch_file_handle_t *handle)
{
	return strstr(file, "missing") ? SWITCH_STATUS_FALSE : SWITCH_STATUS_SUCCESS;
}

switch_status_t switch_ivr_stop_record_session(switch_core_session_t *session, const char *file)
{
	return SWITCH_STATUS_SUCCESS;
}

switch_status_t switch_ivr_session_audio(switch_core_session_t *session, const char *command, const char *direction,
	int level)
{
	return strcmp(command, "mute") ? SWITCH_STATUS_FALSE : SWITCH_STATUS_SUCCESS;
}

switch_status_t switch_core_session_set_read_codec(switch_core_session_t *session, switch_codec_t *codec)
{
	return SWITCH_STATUS_SUCCESS;
}

switch_status_t switch_core_session_send_dtmf_string(switch_core_session_t *session, const char *digits)
{
	return zstr(digits) ? SWITCH_STATUS_FALSE : SWITCH_STATUS_SUCCESS;
}

/* Until there are as many as may be, one that ends it, or none for some time. */
switch_status_t switch_ivr_collect_digits_count(switch_core_session_t *session, char *digits, switch_size_t size,
	switch_size_t most, const char *terminators, char *terminator, uint32_t first_ms, uint32_t digit_ms, uint32_t all_ms)
{
	switch_time_t until = switch_micro_time_now() + (switch_time_t) first_ms * 1000;
	size_t length = strlen(digits);
	switch_status_t status;
	switch_frame_t *frame;
	switch_dtmf_t dtmf;

	*terminator = '\0';
	while (length < most && length < size - 1) {
		if (switch_channel_dequeue_dtmf(&session->channel, &dtmf) == SWITCH_STATUS_SUCCESS) {
			if (strchr(terminators, dtmf.digit)) {
				*terminator = dtmf.digit;
				return SWITCH_STATUS_SUCCESS;
			}
			digits[length++] = dtmf.digit;
			digits[length] = '\0';
			until = switch_micro_time_now() + (switch_time_t) digit_ms * 1000;
			continue;
		}
		if (switch_micro_time_now() > until) {
			return SWITCH_STATUS_TIMEOUT;
		}
		status = switch_core_session_read_frame(session, &frame, SWITCH_IO_FLAG_NONE, 0);
		if (!SWITCH_READ_ACCEPTABLE(status)) {
			return SWITCH_STATUS_FALSE;
		}
	}
	return SWITCH_STATUS_SUCCESS;
}

/* Until one of the two goes, or somebody leaves the command that ends it. */
switch_status_t switch_ivr_eavesdrop_session(switch_core_session_t *session, const char *uuid, const char *group,
	switch_eavesdrop_flag_t flags)
{
	int over = 0;

	while (!over && switch_ivr_uuid_exists(uuid)) {
		switch_status_t status;
		switch_event_t *event;
		switch_frame_t *frame;

		status = switch_core_session_read_frame(session, &frame, SWITCH_IO_FLAG_NONE, 0);
		if (!SWITCH_READ_ACCEPTABLE(status)) {
			return SWITCH_STATUS_FALSE;
		}
		pthread_mutex_lock(&session->lock);
		event = session->event;
		session->event = NULL;
		pthread_mutex_unlock(&session->lock);
		over = event && !strcmp(switch_str_nil(event_header(event, "eavesdrop-command")), "*");
		switch_event_destroy(&event);
	}
	return SWITCH_STATUS_SUCCESS;
}
