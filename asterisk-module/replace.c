/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief A call that goes over to another device.
 */

#include "replace.h"

#include "asterisk/astobj2.h"
#include "asterisk/bridge.h"
#include "asterisk/bridge_after.h"

/*!
 * \brief Is this channel one that an INVITE with Replaces has put into the bridge?
 *
 * Nobody dialed it, no dialplan runs on it, and it is of the same kind as the one that it replaces.
 * Whoever else comes into a customer's bridge was dialed, as the target of a transfer, or is in the
 * dialplan, as an agent.
 */
static int is_replacement(struct ast_channel *other, const struct ast_channel_tech *tech)
{
	int res;

	ast_channel_lock(other);
	res = ast_channel_tech(other) == tech && !ast_channel_pbx(other)
		&& !ast_test_flag(ast_channel_flags(other), AST_FLAG_OUTGOING | AST_FLAG_ZOMBIE);
	ast_channel_unlock(other);
	return res;
}

/*! \brief The new device has left the bridge, in its own thread; what hangs up there is the old one. */
static void move_in(struct ast_channel *device, void *data)
{
	struct ast_channel *chan = data;

	if (ast_channel_move(chan, device)) {
		ast_log(LOG_WARNING, "%s can't take the place of %s\n", ast_channel_name(device),
			ast_channel_name(chan));
		ast_softhangup(chan, AST_SOFTHANGUP_DEV);
	}
	ast_channel_unref(chan);
}

/*! \brief It has hung up before. So has the call, then. */
static void never_came(enum ast_bridge_after_cb_reason reason, void *data)
{
	struct ast_channel *chan = data;

	ast_softhangup(chan, AST_SOFTHANGUP_DEV);
	ast_channel_unref(chan);
}

static struct ast_channel *find_replacement(struct ast_bridge *bridge, struct ast_channel *chan)
{
	struct ao2_container *peers = ast_bridge_peers(bridge);
	const struct ast_channel_tech *tech;
	struct ast_channel *other = NULL;
	struct ao2_iterator iter;

	if (!peers) {
		return NULL;
	}
	ast_channel_lock(chan);
	tech = ast_channel_tech(chan);
	ast_channel_unlock(chan);
	iter = ao2_iterator_init(peers, 0);
	while ((other = ao2_iterator_next(&iter))) {
		if (other != chan && is_replacement(other, tech)) {
			break;
		}
		ao2_ref(other, -1);
	}
	ao2_iterator_destroy(&iter);
	ao2_ref(peers, -1);
	return other;
}

int replace_look(struct ast_bridge *bridge, struct ast_channel *chan)
{
	struct ast_channel *device;
	int res = 0;

	if (ast_check_hangup_locked(chan)) {
		return 0;
	}
	device = find_replacement(bridge, chan);
	if (!device) {
		return 0;
	}
	if (ast_bridge_set_after_callback(device, move_in, never_came, ast_channel_ref(chan))) {
		ast_channel_unref(chan);
	} else {
		shim_debug("%s is replaced by %s\n", ast_channel_name(chan), ast_channel_name(device));
		/* It has left already: its thread is at the callback, or hangs it up. */
		ast_bridge_remove(bridge, device);
		res = 1;
	}
	ast_channel_unref(device);
	return res;
}
