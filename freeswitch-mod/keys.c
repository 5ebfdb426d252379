/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 */
#include "desk.h"
#include "leg.h"
#include "pool.h"
#include "session.h"
#include "words.h"

/* What may be the beginning of a key is kept for so long after its last digit. */
#define KEY_WAIT_MS 1500

/* Words of outdial.conf.xml. */
static const struct {
	const char *name;
	enum key_action action;
	/* What may follow: most, and least. */
	unsigned int most;
	unsigned int least;
} actions[] = {
	{ "pause", KEY_PAUSE, 1, 0 },
	{ "unpause", KEY_UNPAUSE, 0, 0 },
	{ "ready", KEY_READY, 0, 0 },
	{ "dial", KEY_DIAL, 0, 0 },
	{ "skip", KEY_SKIP, 0, 0 },
	{ "hangup", KEY_HANGUP, 0, 0 },
	{ "logoff", KEY_LOGOFF, 0, 0 },
	{ "hold", KEY_HOLD, 0, 0 },
	{ "mute", KEY_MUTE, 0, 0 },
	{ "disposition", KEY_DISPOSITION, 2, 1 },
};

/* One press, to be worked on. */
struct press {
	struct session *session;
	struct key key;
};

/* What came of a digit. */
struct pressed {
	/* The key that it completes. */
	struct key key;
	unsigned int is_key:1;
	/* Nothing was kept before, and this is no key's beginning either. */
	unsigned int untouched:1;
	/* What can't become a key any more. */
	char through[OUTDIAL_KEY_LEN + 1];
};

static int wrong(const char *digits, const char *action, const char *why)
{
	switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_ERROR, "outdial.conf: key '%s', action '%s': %s\n", digits, action,
		why);
	return -1;
}

/* What the key does. */
static int key_fill(struct key *key, const char *action)
{
	char text[128] = "";
	char *words[3];
	unsigned int given;
	size_t i;

	if (shim_copy(text, sizeof(text), action, 1) || words_split(text, words, 3) > 3) {
		return wrong(key->digits, action, "too much, too little or too long behind the action");
	}
	given = (*words[1] != '\0') + (*words[2] != '\0');
	for (i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
		if (!strcasecmp(words[0], actions[i].name)) {
			break;
		}
	}
	if (i == sizeof(actions) / sizeof(*actions)) {
		return wrong(key->digits, action, "no such action. Known: pause[,code], unpause, ready, dial, skip, hangup, "
			"logoff, hold, mute, disposition,code[,callback]");
	}
	if (given > actions[i].most || given < actions[i].least || shim_copy(key->code, sizeof(key->code), words[1], 0)
		|| shim_copy(key->callback, sizeof(key->callback), words[2], 0)) {
		return wrong(key->digits, action, "too much, too little or too long behind the action");
	}
	key->action = actions[i].action;
	return 0;
}

int keys_set(struct keys *keys, const char *digits, const char *action)
{
	struct key *key;
	unsigned int i;

	if (zstr(digits) || strlen(digits) >= sizeof(key->digits) || !shim_is_made_of(digits, OUTDIAL_DIGITS "*#")) {
		return wrong(digits, action, "a key is made of 0-9 * and #, and at most 11 long");
	}
	if (keys->count == OUTDIAL_KEYS) {
		return wrong(digits, action, "there are 32 keys already");
	}
	for (i = 0; i < keys->count; i++) {
		size_t shorter = strlen(keys->key[i].digits);

		if (strlen(digits) < shorter) {
			shorter = strlen(digits);
		}
		if (!strncmp(keys->key[i].digits, digits, shorter)) {
			return wrong(digits, action, "it is another key, or begins like one");
		}
	}
	key = &keys->key[keys->count];
	switch_copy_string(key->digits, digits, sizeof(key->digits));
	if (key_fill(key, action)) {
		return -1;
	}
	keys->count++;
	return 0;
}

static int dispose(const struct session *session, const struct key *key, char *err, size_t size)
{
	struct outdial_disposition said = {
		.struct_size = sizeof(said), .code = key->code, .callback_at = key->callback,
	};

	return outdial_dispose(shim.engine, OUTDIAL_OF_AGENT, session->agent, &said, err, size);
}

static uint32_t action_of(enum key_action action)
{
	switch (action) {
	case KEY_PAUSE:
		return OUTDIAL_AGENT_PAUSE;
	case KEY_UNPAUSE:
		return OUTDIAL_AGENT_UNPAUSE;
	case KEY_READY:
		return OUTDIAL_AGENT_READY;
	case KEY_DIAL:
		return OUTDIAL_AGENT_DIAL;
	case KEY_SKIP:
		return OUTDIAL_AGENT_SKIP;
	case KEY_HANGUP:
		return OUTDIAL_AGENT_HANG_UP;
	case KEY_LOGOFF:
		return OUTDIAL_AGENT_LOG_OFF;
	case KEY_HOLD:
	case KEY_MUTE:
	case KEY_DISPOSITION:
		break;
	}
	return 0;
}

/* A job of the desk's pool: it waits for the engine, or for the sidecar. */
static void press_run(void *data)
{
	struct press *press = data;
	struct session *session = press->session;
	char err[OUTDIAL_ERROR_LEN] = "";
	int res = press->key.action == KEY_DISPOSITION ? dispose(session, &press->key, err, sizeof(err))
		: outdial_agent(shim.engine, session->agent, action_of(press->key.action), press->key.code, err, sizeof(err));

	if (res != OUTDIAL_OK) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_NOTICE, "Key %s of agent '%s': %s\n", press->key.digits,
			session->agent, zstr(err) ? outdial_strerror(res) : err);
	}
	desk_hears(session, res == OUTDIAL_OK);
	session_release(session);
	free(press);
}

static void act(struct session *session, const struct key *key)
{
	struct press *press;

	if (key->action == KEY_HOLD || key->action == KEY_MUTE) {
		desk_hears(session, (key->action == KEY_HOLD ? desk_hold(session) : desk_mute(session)) == 0);
		return;
	}
	press = calloc(1, sizeof(*press));
	if (!press) {
		return;
	}
	press->session = session_find(session->id);
	press->key = *key;
	if (!press->session || pool_push(shim.desk, press_run, press)) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_WARNING, "Key %s of agent '%s' is lost: too many keys wait\n",
			key->digits, session->agent);
		session_release(press->session);
		free(press);
	}
}

/* The key that begins with these digits; `*whole`: they are all of it. */
static const struct key *find(const struct keys *keys, const char *digits, int *whole)
{
	size_t length = strlen(digits);
	unsigned int i;

	for (i = 0; i < keys->count; i++) {
		if (!strncmp(keys->key[i].digits, digits, length)) {
			*whole = keys->key[i].digits[length] == '\0';
			return &keys->key[i];
		}
	}
	return NULL;
}

static void press(struct session *session, char digit, struct pressed *pressed)
{
	char *kept = session->pressed;
	const struct key *key = NULL;
	int whole = 0;
	size_t length;

	memset(pressed, 0, sizeof(*pressed));
	switch_mutex_lock(session->lock);
	length = strlen(kept);
	kept[length] = digit;
	kept[length + 1] = '\0';
	while (*kept && !(key = find(&session->keys, kept, &whole))) {
		pressed->through[strlen(pressed->through)] = *kept;
		memmove(kept, kept + 1, strlen(kept));
	}
	pressed->untouched = !length && !*kept;
	if (key && whole) {
		pressed->key = *key;
		pressed->is_key = 1;
		*kept = '\0';
	}
	session->pressed_at = switch_micro_time_now();
	switch_mutex_unlock(session->lock);
}

/* As if the agent had pressed them now. */
static void let_through(struct session *session, const char *digits)
{
	switch_core_session_t *customer = *digits ? desk_customer(session) : NULL;

	if (customer) {
		switch_core_session_send_dtmf_string(customer, digits);
		switch_core_session_rwunlock(customer);
	}
}

void keys_waiting(struct session *session, char digit)
{
	struct pressed pressed;

	press(session, digit, &pressed);
	if (pressed.is_key) {
		act(session, &pressed.key);
	}
}

switch_status_t keys_input(switch_core_session_t *channel, void *input, switch_input_type_t type, void *data,
	unsigned int size)
{
	struct session *session = data;
	struct pressed pressed;

	if (!session || type != SWITCH_INPUT_TYPE_DTMF) {
		return SWITCH_STATUS_SUCCESS;
	}
	press(session, ((const switch_dtmf_t *) input)->digit, &pressed);
	if (pressed.untouched) {
		return SWITCH_STATUS_SUCCESS;
	}
	let_through(session, pressed.through);
	if (pressed.is_key) {
		act(session, &pressed.key);
	}
	return SWITCH_STATUS_IGNORE;
}

void keys_over(struct session *session)
{
	switch_mutex_lock(session->lock);
	session->pressed[0] = '\0';
	switch_mutex_unlock(session->lock);
}

void keys_look(struct session *session)
{
	char digits[sizeof(session->pressed)] = "";

	switch_mutex_lock(session->lock);
	if (*session->pressed && switch_micro_time_now() - session->pressed_at > KEY_WAIT_MS * 1000) {
		switch_copy_string(digits, session->pressed, sizeof(digits));
		session->pressed[0] = '\0';
	}
	switch_mutex_unlock(session->lock);
	let_through(session, digits);
}
