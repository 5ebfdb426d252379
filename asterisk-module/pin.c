/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief The PIN that an agent says before he is logged in.
 */

#include "shim.h"
#include "pin.h"

#include "asterisk/app.h"
#include "asterisk/channel.h"
#include "asterisk/file.h"

/*! \brief So often he may try on one channel. The sidecar counts over all of them. */
#define TRIES 3

/*! \brief A PIN has no more digits; '#' ends a shorter one. */
#define MOST_DIGITS 12

/*! \brief Not left behind on the stack; the compiler may not leave it out. */
static void wipe(char *pin, size_t len)
{
	volatile char *byte = pin;

	while (len--) {
		*byte++ = '\0';
	}
}

/*! \brief Let him key it in once. Returns what the library says of it. */
static int one_try(struct ast_channel *chan, const char *agent, const char *sound, char *err,
	size_t err_len)
{
	char pin[MOST_DIGITS + 1] = "";
	int res = OUTDIAL_E_DENIED;

	if (ast_app_getdata(chan, sound, pin, MOST_DIGITS, 0) >= 0 && *pin) {
		res = outdial_check_pin(shim.engine, agent, pin, err, err_len);
	}
	wipe(pin, sizeof(pin));
	return res;
}

static enum pin_result refused(struct ast_channel *chan, const char *agent, int res, const char *err)
{
	const char *status = "UNAVAILABLE";

	if (res == OUTDIAL_E_DENIED) {
		status = "WRONG_PIN";
	} else if (res == OUTDIAL_E_LOCKED) {
		status = "LOCKED";
	} else if (res == OUTDIAL_E_POISONED) {
		status = "FAULT";
	}
	ast_log(LOG_WARNING, "OutdialAgent: '%s' can't log in: %s\n", agent,
		S_OR(err, outdial_strerror(res)));
	shim_status(chan, status);
	return PIN_REFUSED;
}

enum pin_result pin_ask(struct ast_channel *chan, const char *agent, const char *sound)
{
	char has[2] = "";
	char err[512] = "";
	int res = OUTDIAL_E_DENIED;
	int i;

	if (outdial_field(shim.engine, OUTDIAL_OF_AGENT, agent, "pin", has, sizeof(has)) != OUTDIAL_OK
		|| *has != '1') {
		return PIN_NONE;
	}
	if (ast_fileexists(sound, NULL, ast_channel_language(chan)) <= 0) {
		ast_log(LOG_WARNING, "OutdialAgent: '%s' has a PIN, and there is no sound '%s' to ask for "
			"it; install Asterisk's core sounds, or name another with p(sound)\n", agent, sound);
		shim_status(chan, "ERROR");
		return PIN_REFUSED;
	}
	for (i = 0; i < TRIES && res == OUTDIAL_E_DENIED; i++) {
		res = one_try(chan, agent, sound, err, sizeof(err));
		if (ast_check_hangup_locked(chan)) {
			shim_status(chan, "HANGUP");
			return PIN_HANGUP;
		}
	}
	return res == OUTDIAL_OK ? PIN_RIGHT : refused(chan, agent, res, err);
}
