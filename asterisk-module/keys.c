/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief Keys that an agent presses, while he waits and during a call.
 *
 * What is no key of ours goes through to the customer. The work is done by threads of their own:
 * neither the agent's audio nor a connect waits for it.
 */

#include "keys.h"
#include "session.h"

#include "asterisk/astobj2.h"
#include "asterisk/bridge.h"
#include "asterisk/bridge_features.h"
#include "asterisk/channel.h"
#include "asterisk/config.h"
#include "asterisk/strings.h"

/*! \brief What the agent hears when it was done, and when not. */
static const char done_sound[] = "beep";
static const char failed_sound[] = "beeperr";

/*! \brief Words of outdial.conf. */
static const struct {
	const char *name;
	enum key_action action;
	/*! \brief What may follow: most, and least. */
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

/*! \brief One press, to be worked on. */
struct press {
	struct session *session;
	struct key key;
};

static int wrong(const struct ast_variable *var, const char *why)
{
	ast_log(LOG_ERROR, "outdial.conf, line %d: [keys] %s = %s: %s\n", var->lineno, var->name,
		var->value, why);
	return -1;
}

/*! \brief Read what a key does. */
static int key_fill(struct key *key, const struct ast_variable *var)
{
	char *rest = ast_strdupa(var->value);
	const char *name = ast_strip(S_OR(strsep(&rest, ","), ""));
	const char *code = rest ? ast_strip(strsep(&rest, ",")) : "";
	const char *callback = rest ? ast_strip(rest) : "";
	unsigned int given = !ast_strlen_zero(code) + !ast_strlen_zero(callback);
	size_t i;

	for (i = 0; i < ARRAY_LEN(actions); i++) {
		if (!strcasecmp(name, actions[i].name)) {
			break;
		}
	}
	if (i == ARRAY_LEN(actions)) {
		return wrong(var, "no such action. Known: pause[,code], unpause, ready, dial, skip, hangup, "
			"logoff, hold, mute, disposition,code[,callback]");
	}
	if (given > actions[i].most || given < actions[i].least || strlen(code) >= sizeof(key->code)
		|| strlen(callback) >= sizeof(key->callback)) {
		return wrong(var, "too much, too little or too long behind the action");
	}
	key->action = actions[i].action;
	ast_copy_string(key->code, code, sizeof(key->code));
	ast_copy_string(key->callback, callback, sizeof(key->callback));
	return 0;
}

int keys_set(struct keys *keys, const struct ast_variable *var)
{
	struct key key = { .digits = "", };
	unsigned int i;

	if (strlen(var->name) >= sizeof(key.digits) || var->name[strspn(var->name, "0123456789*#")]) {
		return wrong(var, "a key is made of 0-9 * and #, and at most 11 long");
	}
	if (keys->count == OUTDIAL_KEYS) {
		return wrong(var, "there are 32 keys already");
	}
	ast_copy_string(key.digits, var->name, sizeof(key.digits));
	for (i = 0; i < keys->count; i++) {
		size_t shorter = MIN(strlen(keys->key[i].digits), strlen(key.digits));

		if (!strncmp(keys->key[i].digits, key.digits, shorter)) {
			return wrong(var, "it is another key, or begins like one");
		}
	}
	if (key_fill(&key, var)) {
		return -1;
	}
	keys->key[keys->count++] = key;
	return 0;
}

static int dispose(const struct session *session, const struct key *key, char *err, size_t size)
{
	struct outdial_disposition said = {
		.struct_size = sizeof(said),
		.code = key->code,
		.callback_at = key->callback,
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

/*! \brief A job of the desk's pool. */
static void press_run(void *data)
{
	struct press *press = data;
	char err[256] = "";
	int res = press->key.action == KEY_DISPOSITION
		? dispose(press->session, &press->key, err, sizeof(err))
		: outdial_agent(shim.engine, press->session->agent, action_of(press->key.action),
			press->key.code, err, sizeof(err));

	if (res != OUTDIAL_OK) {
		ast_log(LOG_NOTICE, "Key %s of agent '%s': %s\n", press->key.digits, press->session->agent,
			S_OR(err, outdial_strerror(res)));
	}
	session_hears(press->session, res == OUTDIAL_OK ? done_sound : failed_sound);
	ao2_ref(press->session, -1);
	ast_free(press);
}

/*! \brief Music for the customer, who hears nothing else; and back. */
static void hold(struct session *session, struct ast_bridge_channel *bridge_channel)
{
	int held;

	if (bridge_channel->bridge == session->holding) {
		session_hears(session, failed_sound);
		return;
	}
	ao2_lock(session);
	held = session->held = !session->held;
	ao2_unlock(session);
	if (held) {
		ast_bridge_channel_write_hold(bridge_channel, NULL);
	} else {
		ast_bridge_channel_write_unhold(bridge_channel);
	}
}

/*! \brief The agent's voice is kept from the customer; and back. */
static void mute(struct session *session, struct ast_bridge_channel *bridge_channel)
{
	int muted;

	if (bridge_channel->bridge == session->holding) {
		session_hears(session, failed_sound);
		return;
	}
	ao2_lock(session);
	muted = !session->muted;
	ao2_unlock(session);
	session_hears(session, session_mute(session, bridge_channel->chan, muted)
		? failed_sound : done_sound);
}

/*! \brief In the agent's own thread. */
static int pressed(struct ast_bridge_channel *bridge_channel, void *data)
{
	const struct session_key *own = data;
	struct press *press;

	if (own->key.action == KEY_HOLD) {
		hold(own->session, bridge_channel);
		return 0;
	}
	if (own->key.action == KEY_MUTE) {
		mute(own->session, bridge_channel);
		return 0;
	}
	press = ast_calloc(1, sizeof(*press));
	if (!press) {
		return 0;
	}
	press->session = ao2_bump(own->session);
	press->key = own->key;
	if (pool_push(shim.desk, press_run, press)) {
		ast_log(LOG_WARNING, "Key %s of agent '%s' is lost: too many keys wait\n", own->key.digits,
			own->session->agent);
		ao2_ref(press->session, -1);
		ast_free(press);
	}
	return 0;
}

int keys_listen(struct session *session, struct ast_bridge_features *features)
{
	unsigned int i;

	for (i = 0; i < session->key_count; i++) {
		if (ast_bridge_dtmf_hook(features, session->keys[i].key.digits, pressed,
			&session->keys[i], NULL, 0)) {
			return -1;
		}
	}
	return 0;
}
