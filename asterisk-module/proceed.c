/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief The carrier's first sign of life.
 *
 * chan_pjsip makes no control frame of a 100 Trying, so ast_dial never tells of it; but the engine
 * gives up a trunk that does not reply at all. What does pass is the note of every response, as a
 * frame with the text "SIP 100 Trying". A frame hook looks for it, and goes at the first one:
 * while it is there, media could not be bridged natively.
 */

#include "leg.h"

#include "asterisk/astobj2.h"
#include "asterisk/framehook.h"

/*! \brief Does the frame note a provisional SIP response? */
static int is_provisional(const struct ast_frame *frame)
{
	const struct ast_control_pvt_cause_code *cause;

	if (!frame || frame->frametype != AST_FRAME_CONTROL
		|| frame->subclass.integer != AST_CONTROL_PVT_CAUSE_CODE
		|| frame->datalen <= (int) sizeof(*cause)) {
		return 0;
	}
	cause = frame->data.ptr;
	return !strncmp(cause->code, "SIP 1", 5);
}

static struct ast_frame *on_frame(struct ast_channel *chan, struct ast_frame *frame,
	enum ast_framehook_event event, void *data)
{
	struct leg *leg = data;

	if (event == AST_FRAMEHOOK_EVENT_READ && leg->hook >= 0 && is_provisional(frame)) {
		shim_post(OUTDIAL_EVENT_LEG_PROCEEDING, leg->id, NULL, 0);
		ast_framehook_detach(chan, leg->hook);
		leg->hook = -1;
	}
	return frame;
}

static int consumes_nothing(void *data, enum ast_frame_type type)
{
	return 0;
}

static void on_destroy(void *data)
{
	ao2_ref(data, -1);
}

void leg_watch_proceeding(struct leg *leg, struct ast_channel *chan)
{
	struct ast_framehook_interface interface = {
		.version = AST_FRAMEHOOK_INTERFACE_VERSION,
		.event_cb = on_frame,
		.destroy_cb = on_destroy,
		.consume_cb = consumes_nothing,
		.data = leg,
		.disable_inheritance = 1,
	};

	leg->hook = -1;
	if (strcasecmp(leg->tech, "PJSIP")) {
		return;
	}
	ao2_ref(leg, +1);
	ast_channel_lock(chan);
	leg->hook = ast_framehook_attach(chan, &interface);
	ast_channel_unlock(chan);
	if (leg->hook < 0) {
		ao2_ref(leg, -1);
	}
}

void leg_unwatch_proceeding(struct leg *leg, struct ast_channel *chan)
{
	ast_channel_lock(chan);
	if (leg->hook >= 0) {
		ast_framehook_detach(chan, leg->hook);
		leg->hook = -1;
	}
	ast_channel_unlock(chan);
}
