/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief Keys that an agent presses, while he waits and during a call.
 */

#ifndef OUTDIAL_KEYS_H
#define OUTDIAL_KEYS_H

#include "compat.h"

/*! \brief Keys that can be configured. */
#define OUTDIAL_KEYS 32

struct ast_bridge_features;
struct ast_variable;
struct session;

enum key_action {
	KEY_PAUSE,
	KEY_UNPAUSE,
	KEY_READY,
	KEY_DIAL,
	KEY_SKIP,
	KEY_HANGUP,
	KEY_LOGOFF,
	KEY_HOLD,
	KEY_MUTE,
	KEY_DISPOSITION,
};

struct key {
	/*! \brief What is pressed. */
	char digits[12];
	enum key_action action;
	/*! \brief Pause code, or disposition. */
	char code[48];
	/*! \brief Of a disposition: when to call back. */
	char callback[32];
};

struct keys {
	unsigned int count;
	struct key key[OUTDIAL_KEYS];
};

/*! \brief Take a line of [keys] in outdial.conf. Non-zero: it is wrong, which was logged. */
int keys_set(struct keys *keys, const struct ast_variable *var);

/*!
 * \brief Listen for the session's keys in whatever bridge its channel is.
 *
 * The session outlives \a features. Non-zero: out of memory.
 */
int keys_listen(struct session *session, struct ast_bridge_features *features);

#endif /* OUTDIAL_KEYS_H */
