/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * Keys that an agent presses, while he waits and during a call. What is no key of ours goes through to the
 * customer.
 */
#ifndef OUTDIAL_KEYS_H
#define OUTDIAL_KEYS_H

#include <switch.h>

/* Keys that can be configured. */
#define OUTDIAL_KEYS 32
/* Longest key, with its NUL. */
#define OUTDIAL_KEY_LEN 12

struct leg;
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
	/* What is pressed. */
	char digits[OUTDIAL_KEY_LEN];
	enum key_action action;
	/* Pause code, or disposition. */
	char code[48];
	/* Of a disposition: when to call back. */
	char callback[32];
};

struct keys {
	unsigned int count;
	struct key key[OUTDIAL_KEYS];
};

/* Takes a <key> of outdial.conf.xml. Non-zero: it is wrong, which was logged. */
int keys_set(struct keys *keys, const char *digits, const char *action);

/* While he waits. In the agent's own thread, as the next three. */
void keys_waiting(struct session *session, char digit);

/* For switch_ivr_multi_threaded_bridge(); its data is the session, NULL for the customer's side. */
switch_status_t keys_input(switch_core_session_t *channel, void *input, switch_input_type_t type, void *data,
	unsigned int size);

/* The call is over: what was pressed last is forgotten. */
void keys_over(struct session *session);

/* What was pressed and never became a key goes through to the customer, after a while. Any thread. */
void keys_look(struct session *session);

#endif
