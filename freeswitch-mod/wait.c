/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 */
#include "wait.h"

/* The bell is listened to until so long before the next packet is due. */
#define BELL_EARLY_US 2000
/* Who is further behind than this is not to catch up. */
#define BEHIND_US 1000000

/* Silence, in the size of the channel's packets. */
struct silence {
	switch_codec_t codec;
	switch_frame_t frame;
	unsigned char data[SWITCH_RECOMMENDED_BUFFER_SIZE];
	int ready;
};

static void silence_make(struct silence *silence, switch_core_session_t *session)
{
	switch_codec_implementation_t read = { 0 };

	memset(silence, 0, sizeof(*silence));
	if (switch_core_session_get_read_impl(session, &read) != SWITCH_STATUS_SUCCESS || !read.microseconds_per_packet
		|| read.decoded_bytes_per_packet > sizeof(silence->data)
		|| switch_core_codec_init(&silence->codec, "L16", NULL, NULL, read.actual_samples_per_second,
			read.microseconds_per_packet / 1000, read.number_of_channels,
			SWITCH_CODEC_FLAG_ENCODE | SWITCH_CODEC_FLAG_DECODE, NULL, NULL) != SWITCH_STATUS_SUCCESS) {
		return;
	}
	silence->frame.codec = &silence->codec;
	silence->frame.data = silence->data;
	silence->frame.buflen = sizeof(silence->data);
	silence->frame.datalen = read.decoded_bytes_per_packet;
	silence->frame.samples = read.decoded_bytes_per_packet / sizeof(int16_t) / read.number_of_channels;
	silence->frame.channels = read.number_of_channels;
	silence->ready = 1;
}

/* What is put over the audio, a beep for example, is mixed into the frame itself. */
static void silence_write(struct silence *silence, switch_core_session_t *session)
{
	memset(silence->data, 0, silence->frame.datalen);
	switch_core_session_write_frame(session, &silence->frame, SWITCH_IO_FLAG_NONE, 0);
}

static void silence_end(struct silence *silence)
{
	if (silence->ready) {
		switch_core_codec_destroy(&silence->codec);
	}
}

static void take_keys(switch_channel_t *channel, const struct wait *wait)
{
	switch_dtmf_t dtmf = { 0 };

	while (switch_channel_has_dtmf(channel) && switch_channel_dequeue_dtmf(channel, &dtmf) == SWITCH_STATUS_SUCCESS) {
		if (wait->key) {
			wait->key(wait->data, dtmf.digit);
		}
	}
}

static switch_status_t music_input(switch_core_session_t *session, void *input, switch_input_type_t type,
	void *buf, unsigned int buflen)
{
	const struct wait *wait = buf;

	if (type == SWITCH_INPUT_TYPE_DTMF && wait->key) {
		wait->key(wait->data, ((switch_dtmf_t *) input)->digit);
	}
	return wait->over(wait->data) ? SWITCH_STATUS_BREAK : SWITCH_STATUS_SUCCESS;
}

static switch_status_t music_frame(switch_core_session_t *session, switch_frame_t *frame, void *data)
{
	const struct wait *wait = data;

	return wait->over(wait->data) ? SWITCH_STATUS_BREAK : SWITCH_STATUS_SUCCESS;
}

/* Music to its end, or the waiting's. Non-zero: it can't be played. */
static int play_music(switch_core_session_t *session, const struct wait *wait)
{
	switch_input_args_t args = { 0 };
	switch_status_t status;

	args.input_callback = music_input;
	args.buf = (void *) wait;
	args.buflen = sizeof(*wait);
	args.read_frame_callback = music_frame;
	args.user_data = (void *) wait;
	status = switch_ivr_play_file(session, NULL, wait->music, &args);
	return status != SWITCH_STATUS_SUCCESS && status != SWITCH_STATUS_BREAK;
}

/* One packet of what comes. Samples of several channels follow each other: the first one's are kept. */
static void give(const struct wait *wait, const struct silence *silence, const switch_frame_t *frame)
{
	unsigned int channels = silence->frame.channels > 0 ? (unsigned int) silence->frame.channels : 1;
	unsigned int count = frame->datalen / sizeof(int16_t) / channels;
	int16_t *samples = frame->data;
	unsigned int n;

	if (switch_test_flag(frame, SFF_CNG)) {
		count = 0;
	}
	for (n = 1; channels > 1 && n < count; n++) {
		samples[n] = samples[n * channels];
	}
	wait->hear(wait->data, samples, count, silence->codec.implementation->actual_samples_per_second);
}

/* Listens to the bell until just before the next packet; not at all when behind. Non-zero: it rang. */
static int bell_rings(const struct wait *wait, const struct silence *silence, switch_time_t *due)
{
	switch_time_t now = switch_micro_time_now();
	switch_time_t packet = silence->ready ? silence->codec.implementation->microseconds_per_packet : 20000;
	switch_time_t left;

	if (*due < now - BEHIND_US) {
		*due = now;
	}
	left = *due + packet - BELL_EARLY_US - now;
	if (bell_wait(wait->bell, left > 0 ? (unsigned int) (left / 1000) : 0)) {
		return 1;
	}
	*due += packet;
	return 0;
}

int wait_run(switch_core_session_t *session, const struct wait *wait)
{
	switch_channel_t *channel = switch_core_session_get_channel(session);
	switch_time_t due = switch_micro_time_now();
	const char *music = wait->music;
	struct silence silence;

	silence_make(&silence, session);
	if (wait->hear && !silence.ready) {
		return -1;
	}
	if (wait->hear) {
		/* What has piled up unread would be heard late. */
		switch_channel_audio_sync(channel);
		/* The core decodes for a codec that is not the channel's own. */
		switch_core_session_set_read_codec(session, &silence.codec);
	}
	while (switch_channel_ready(channel) && !wait->over(wait->data)) {
		switch_frame_t *frame;
		switch_status_t status;

		if (!zstr(music)) {
			if (play_music(session, wait) && switch_channel_ready(channel)) {
				switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(session), SWITCH_LOG_WARNING,
					"'%s' can't be played: silence instead\n", music);
				music = NULL;
			}
			continue;
		}
		switch_ivr_parse_all_events(session);
		take_keys(channel, wait);
		/* Who is heard is read without a pause, or what he says would come later and later. */
		if (!wait->hear && bell_rings(wait, &silence, &due)) {
			continue;
		}
		/* The macro looks at its argument up to three times. */
		status = switch_core_session_read_frame(session, &frame, SWITCH_IO_FLAG_NONE, 0);
		if (!SWITCH_READ_ACCEPTABLE(status)) {
			break;
		}
		if (wait->hear) {
			give(wait, &silence, frame);
		}
		if (silence.ready && !wait->over(wait->data)) {
			silence_write(&silence, session);
		}
	}
	if (wait->hear) {
		switch_core_session_set_read_codec(session, NULL);
	}
	silence_end(&silence);
	return 0;
}
