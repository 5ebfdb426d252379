/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * When an answering machine records: after its beep, or after a silence where it has none.
 *
 * The core's tone detection is told a frequency before, and beeps have any. mod_avmd finds any, but is a
 * module more to load, says what it found in an event of its own, and knows nothing of machines without a
 * beep. Here both are told from the same frames, in the thread that plays the message afterwards.
 *
 * A pure tone is a straight line between its samples' neighbours: with one number k, which is 2 cos(w),
 * x[n-1] + x[n+1] = k x[n] for all n. What the best k for 20 ms leaves over is nothing in a tone and much in
 * a voice, which has many frequencies at once.
 */
#include "listen.h"

#include "leg.h"
#include "wait.h"

/* Everything is judged at this rate. */
#define RATE 8000
/* Samples that are judged at once: 20 ms. */
#define BLOCK 160
#define BLOCK_MS 20
/* Mean square of a sample, below which a block is silence. */
#define SILENCE_POWER (256.0 * 256.0)
/* Part of a tone's energy that may be something else. */
#define TONE_REST 0.005
/* By so much k may differ from block to block: 27 Hz at 1000 Hz. */
#define TONE_DRIFT 0.03
/* k of the lowest and of the highest beep, 350 and 2500 Hz. */
#define TONE_K_MAX 1.925
#define TONE_K_MIN -0.765
/* A beep lasts at least, and at most, so long; no voice is so pure for longer than 100 ms. */
#define BEEP_MIN_MS 160
#define BEEP_MAX_MS 3000
/* A machine that is silent for so long records: longer than a pause between sentences. */
#define SILENCE_MS 4000
/* So long a greeting is waited for. */
#define GREETING_MAX_MS 60000

/* What was heard so far. */
struct ear {
	struct leg *leg;
	double block[BLOCK];
	unsigned int filled;
	/* For a rate above RATE: what one sample is the mean of. */
	double sum;
	unsigned int summed;
	/* Of the tone that lasts, and for how long it does. */
	double k;
	unsigned int tone_ms;
	switch_time_t began;
	/* The end of the last block that was no silence. */
	switch_time_t sound;
	enum listened found;
	unsigned int done:1;
};

static double power_of(const double *x)
{
	double sum = 0;
	unsigned int n;

	for (n = 0; n < BLOCK; n++) {
		sum += x[n] * x[n];
	}
	return sum / BLOCK;
}

/* Whether the block is one pure tone; then `*k` says which. */
static int is_tone(const double *x, double *k)
{
	double product = 0;
	double square = 0;
	double energy = 0;
	double rest = 0;
	unsigned int n;

	for (n = 1; n < BLOCK - 1; n++) {
		product += (x[n - 1] + x[n + 1]) * x[n];
		square += x[n] * x[n];
		energy += x[n - 1] * x[n - 1] + x[n + 1] * x[n + 1];
	}
	if (square <= 0) {
		return 0;
	}
	*k = product / square;
	for (n = 1; n < BLOCK - 1; n++) {
		double left = x[n - 1] + x[n + 1] - *k * x[n];

		rest += left * left;
	}
	return rest < TONE_REST * energy && *k < TONE_K_MAX && *k > TONE_K_MIN;
}

/* Judges a whole block; `loud`: it is no silence. */
static void judge(struct ear *ear, int loud)
{
	unsigned int lasted = ear->tone_ms;
	double k = 0;
	int tone = loud && is_tone(ear->block, &k);

	if (loud) {
		ear->sound = switch_micro_time_now();
	}
	if (tone && lasted && k - ear->k < TONE_DRIFT && ear->k - k < TONE_DRIFT) {
		ear->tone_ms += BLOCK_MS;
		return;
	}
	ear->k = k;
	ear->tone_ms = tone ? BLOCK_MS : 0;
	if (lasted >= BEEP_MIN_MS && lasted <= BEEP_MAX_MS) {
		ear->found = LISTENED_BEEP;
		ear->done = 1;
	}
}

static void hear(void *data, const int16_t *samples, unsigned int count, unsigned int rate)
{
	struct ear *ear = data;
	unsigned int each = rate > RATE ? rate / RATE : 1;
	unsigned int n;

	if (!count) {
		/* The far end sends nothing where it is silent. */
		ear->filled = 0;
		judge(ear, 0);
		return;
	}
	for (n = 0; n < count; n++) {
		ear->sum += samples[n];
		if (++ear->summed < each) {
			continue;
		}
		ear->block[ear->filled++] = ear->sum / each;
		ear->sum = 0;
		ear->summed = 0;
		if (ear->filled == BLOCK) {
			ear->filled = 0;
			judge(ear, power_of(ear->block) >= SILENCE_POWER);
		}
	}
}

static int is_over(void *data)
{
	struct ear *ear = data;
	switch_time_t now = switch_micro_time_now();
	int ordered;

	if (ear->done) {
		return 1;
	}
	switch_mutex_lock(ear->leg->lock);
	ordered = ear->leg->order != LEG_ORDER_NONE || shim.faulted;
	switch_mutex_unlock(ear->leg->lock);
	if (ordered) {
		ear->found = LISTENED_CUT;
	} else if (now - ear->sound >= SILENCE_MS * 1000) {
		ear->found = LISTENED_SILENCE;
	} else if (now - ear->began >= GREETING_MAX_MS * 1000) {
		ear->found = LISTENED_NEVER;
	} else {
		return 0;
	}
	ear->done = 1;
	return 1;
}

enum listened listen_for_recorder(struct leg *leg, switch_core_session_t *session)
{
	switch_time_t now = switch_micro_time_now();
	struct ear ear = { .leg = leg, .began = now, .sound = now, .found = LISTENED_CUT };
	struct wait wait = { .over = is_over, .hear = hear, .data = &ear, .bell = &leg->bell };

	if (wait_run(session, &wait)) {
		switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(session), SWITCH_LOG_WARNING,
			"Leg '%s': no beep can be heard, because its audio can't be decoded\n", leg->id);
		return LISTENED_NEVER;
	}
	shim_debug("Leg '%s': listened for %d ms: %d\n", leg->id, (int) ((switch_micro_time_now() - now) / 1000), ear.found);
	return ear.found;
}
