/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief When an answering machine records: after its beep, or after a silence where it has none.
 *
 * Asterisk's own tone detection looks for one frequency that is known before; beeps have any. A pure
 * tone of whatever frequency obeys x[n] + x[n-2] = 2 cos(w) x[n-1]. The best factor for a block of
 * samples, and what is left over by it, tell a tone from a voice, which has many of them at once.
 */

#include "beep.h"
#include "leg.h"

#include "asterisk/astobj2.h"
#include "asterisk/channel.h"
#include "asterisk/format_cache.h"
#include "asterisk/frame.h"
#include "asterisk/time.h"

/*! \brief Samples that are judged at once: 20 ms. */
#define BLOCK_SAMPLES 160
#define BLOCK_MS 20
/*! \brief Mean square of a sample, below which a block is silence; AMD()'s default threshold. */
#define SILENCE_POWER (256.0 * 256.0)
/*! \brief Of a tone's energy, at most so much is something else. */
#define TONE_REST 0.005
/*! \brief By so much its factor may differ from block to block: 27 Hz at 1000 Hz. */
#define TONE_DRIFT 0.03
/*! \brief 2 cos(w) of the lowest and the highest beep: 350 and 2500 Hz. @{ */
#define TONE_FACTOR_MAX 1.925
#define TONE_FACTOR_MIN -0.765
/*! @} */
/*! \brief A beep is at least, and at most, so long. Of Asterisk's 568 English prompts, no voice sounds
 * like a tone for longer than 100 ms. @{ */
#define BEEP_MIN_MS 160
#define BEEP_MAX_MS 3000
/*! @} */
/*! \brief A machine that is silent for so long records. Longer than a pause between sentences, or
 * between the last one and a beep. */
#define SILENCE_MS 4000
/*! \brief So long a greeting is waited for. */
#define WAIT_MS 60000
/*! \brief Without any frame it looks up this often. */
#define LOOK_MS 100

/*! \brief What has been heard so far. */
struct ear {
	double block[BLOCK_SAMPLES];
	int filled;
	/*! \brief 2 cos(w) of the tone that lasts. */
	double factor;
	/*! \brief How long it does. */
	int tone_ms;
	/*! \brief The last block that was no silence. */
	struct timeval sound;
};

/*! \brief Mean square of the block's samples. */
static double power_of(const double *x)
{
	double sum = 0;
	int n;

	for (n = 0; n < BLOCK_SAMPLES; n++) {
		sum += x[n] * x[n];
	}
	return sum / BLOCK_SAMPLES;
}

/*! \brief Is the block one pure tone? Then \a factor says which. */
static int is_tone(const double *x, double *factor)
{
	double cross = 0;
	double middle = 0;
	double outer = 0;
	double rest = 0;
	int n;

	for (n = 2; n < BLOCK_SAMPLES; n++) {
		cross += (x[n] + x[n - 2]) * x[n - 1];
		middle += x[n - 1] * x[n - 1];
		outer += x[n] * x[n] + x[n - 2] * x[n - 2];
	}
	*factor = cross / middle;
	for (n = 2; n < BLOCK_SAMPLES; n++) {
		double left = x[n] + x[n - 2] - *factor * x[n - 1];

		rest += left * left;
	}
	return rest < TONE_REST * outer && *factor < TONE_FACTOR_MAX && *factor > TONE_FACTOR_MIN;
}

/*! \brief Judge a whole block. Non-zero: with it, a beep has ended. */
static int ear_block(struct ear *ear)
{
	double factor = 0;
	int loud = power_of(ear->block) >= SILENCE_POWER;
	int tone = loud && is_tone(ear->block, &factor);
	int lasted = ear->tone_ms;

	if (loud) {
		ear->sound = ast_tvnow();
	}
	if (tone && lasted && factor - ear->factor < TONE_DRIFT && ear->factor - factor < TONE_DRIFT) {
		ear->tone_ms += BLOCK_MS;
		return 0;
	}
	ear->factor = factor;
	ear->tone_ms = tone ? BLOCK_MS : 0;
	return lasted >= BEEP_MIN_MS && lasted <= BEEP_MAX_MS;
}

/*! \brief Hear a frame. Non-zero: with it, a beep has ended. */
static int ear_frame(struct ear *ear, const struct ast_frame *frame)
{
	const int16_t *samples = frame->data.ptr;
	int count = frame->datalen / (int) sizeof(*samples);
	int ended = 0;
	int n;

	for (n = 0; n < count; n++) {
		ear->block[ear->filled++] = samples[n];
		if (ear->filled == BLOCK_SAMPLES) {
			ear->filled = 0;
			ended |= ear_block(ear);
		}
	}
	return ended;
}

static int has_order(struct leg *leg)
{
	int res;

	ao2_lock(leg);
	res = leg->order != LEG_ORDER_NONE;
	ao2_unlock(leg);
	return res || shim.faulted;
}

/*! \brief One look at the channel. Non-zero: \a found says what the wait came to. */
static int look(struct leg *leg, struct ast_channel *chan, struct ear *ear, enum beep *found)
{
	int res = ast_waitfor(chan, LOOK_MS);
	struct ast_frame *frame;
	int ended;

	if (res < 0) {
		*found = BEEP_HANGUP;
		return 1;
	}
	if (res > 0) {
		frame = ast_read(chan);
		if (!frame) {
			*found = BEEP_HANGUP;
			return 1;
		}
		ended = frame->frametype == AST_FRAME_VOICE && ear_frame(ear, frame);
		ast_frfree(frame);
		if (ended) {
			*found = BEEP_HEARD;
			return 1;
		}
	}
	if (has_order(leg)) {
		*found = BEEP_ORDER;
		return 1;
	}
	if (ast_tvdiff_ms(ast_tvnow(), ear->sound) >= SILENCE_MS) {
		*found = BEEP_SILENCE;
		return 1;
	}
	return 0;
}

enum beep beep_wait(struct leg *leg, struct ast_channel *chan)
{
	struct ast_format *format = ao2_bump(ast_channel_readformat(chan));
	struct ear ear = { .sound = ast_tvnow(), };
	struct timeval start = ast_tvnow();
	enum beep found = BEEP_NEVER;

	if (ast_set_read_format(chan, ast_format_slin)) {
		ast_log(LOG_WARNING, "Leg '%s': no beep can be heard, because its audio can't be decoded\n",
			leg->id);
		ao2_cleanup(format);
		return BEEP_NEVER;
	}
	while (!look(leg, chan, &ear, &found) && ast_tvdiff_ms(ast_tvnow(), start) < WAIT_MS) {
		/* On. */
	}
	if (format && ast_set_read_format(chan, format)) {
		ast_log(LOG_WARNING, "Leg '%s': its audio format can't be set back\n", leg->id);
	}
	ao2_cleanup(format);
	ast_debug(1, "Leg '%s': waited %d ms for the beep: %d\n", leg->id,
		(int) ast_tvdiff_ms(ast_tvnow(), start), found);
	return found;
}
