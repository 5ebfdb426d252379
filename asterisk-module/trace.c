/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief Debug lines: what Asterisk and the engine tell each other.
 */

#include "shim.h"

static const char *name_of(uint32_t kind)
{
	switch (kind) {
	case OUTDIAL_EVENT_LEG_PROCEEDING:
		return "proceeding";
	case OUTDIAL_EVENT_LEG_RINGING:
		return "ringing";
	case OUTDIAL_EVENT_LEG_EARLY_MEDIA:
		return "early media";
	case OUTDIAL_EVENT_LEG_ANSWERED:
		return "answered";
	case OUTDIAL_EVENT_LEG_READY:
		return "in OutdialConnect";
	case OUTDIAL_EVENT_LEG_BRIDGED:
		return "bridged";
	case OUTDIAL_EVENT_LEG_CONNECT_FAILED:
		return "connect failed";
	case OUTDIAL_EVENT_LEG_PLAYED:
		return "played";
	case OUTDIAL_EVENT_LEG_RELEASED:
		return "released";
	case OUTDIAL_EVENT_LEG_ENDED:
		return "ended";
	case OUTDIAL_EVENT_LEG_GREETING_ENDED:
		return "greeting ended";
	case OUTDIAL_EVENT_LEG_LEFT:
		return "goes on without the agent";
	case OUTDIAL_EVENT_LEG_MEMBER:
		return "taken by a member";
	case OUTDIAL_EVENT_LEG_UNQUEUED:
		return "out of its queue";
	case OUTDIAL_EVENT_SESSION_ENTERED:
		return "in OutdialAgent";
	case OUTDIAL_EVENT_SESSION_WAITING:
		return "waiting";
	case OUTDIAL_EVENT_SESSION_GONE:
		return "gone";
	case OUTDIAL_EVENT_PROBED:
		return "probed";
	default:
		return "event";
	}
}

void trace_event(const struct outdial_event *event, int res)
{
	shim_debug("Told the engine: %s %s%s%s, %d (SIP %d, Q.850 %d)%s%s\n", S_OR(event->id, "-"),
		name_of(event->kind), event->other ? ", " : "", S_OR(event->other, ""), event->value,
		event->sip_status, event->q850, res ? ": " : "", res ? outdial_strerror(res) : "");
}
