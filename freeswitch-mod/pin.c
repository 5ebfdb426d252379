/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 */
#include "pin.h"

static const char app_name[] = "outdial_agent";

/* So often he may try on one channel. The sidecar counts over all of them. */
#define TRIES 3
/* A PIN has no more digits; '#' ends a shorter one. */
#define MOST_DIGITS 12
/* How long the first digit is waited for, and each of the others. */
#define FIRST_MS 6000
#define NEXT_MS 3000

/* Not left behind on the stack; the compiler may not leave it out. */
static void wipe(char *pin, size_t size)
{
	volatile char *byte = pin;

	while (size--) {
		*byte++ = '\0';
	}
}

/* What he keys in; empty: nothing. */
static void listen_to(switch_core_session_t *session, const char *sound, char *pin, size_t size)
{
	/* The sound ends with the first digit, which is the PIN's already. */
	switch_input_args_t args = { .buf = pin, .buflen = 1 };
	char end = '\0';

	shim_debug("Channel %s is asked for a PIN\n", switch_core_session_get_uuid(session));
	switch_channel_flush_dtmf(switch_core_session_get_channel(session));
	switch_ivr_play_file(session, NULL, sound, &args);
	if (*pin == '#') {
		*pin = '\0';
		return;
	}
	switch_ivr_collect_digits_count(session, pin, size, MOST_DIGITS, "#", &end, *pin ? NEXT_MS : FIRST_MS, NEXT_MS, 0);
}

/* Lets him key it in once. Returns what the library says of it. */
static int one_try(switch_core_session_t *session, const char *agent, const char *sound, char *err, size_t err_len)
{
	char pin[MOST_DIGITS + 1] = "";
	int res = OUTDIAL_E_DENIED;

	listen_to(session, sound, pin, sizeof(pin));
	if (*pin && switch_channel_ready(switch_core_session_get_channel(session))) {
		res = outdial_check_pin(shim.engine, agent, pin, err, err_len);
	}
	wipe(pin, sizeof(pin));
	return res;
}

static enum pin_result refuse(switch_core_session_t *session, const char *agent, int res, const char *err)
{
	const char *status = "UNAVAILABLE";

	if (res == OUTDIAL_E_DENIED) {
		status = "WRONG_PIN";
	} else if (res == OUTDIAL_E_LOCKED) {
		status = "LOCKED";
	} else if (res == OUTDIAL_E_POISONED) {
		status = "FAULT";
	}
	switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(session), SWITCH_LOG_WARNING, "%s: '%s' can't log in: %s\n", app_name,
		agent, zstr(err) ? outdial_strerror(res) : err);
	shim_status(switch_core_session_get_channel(session), status);
	return PIN_REFUSED;
}

enum pin_result pin_ask(switch_core_session_t *session, const char *agent, const char *sound)
{
	switch_channel_t *channel = switch_core_session_get_channel(session);
	char has[2] = "";
	char err[OUTDIAL_ERROR_LEN] = "";
	int res = OUTDIAL_E_DENIED;
	int i;

	if (outdial_field(shim.engine, OUTDIAL_OF_AGENT, agent, "pin", has, sizeof(has)) != OUTDIAL_OK || *has != '1') {
		return PIN_NONE;
	}
	if (!probe_sound(sound)) {
		switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(session), SWITCH_LOG_WARNING, "%s: '%s' has a PIN, and there is "
			"no sound '%s' to ask for it; install FreeSWITCH's sounds, or name another with p(sound)\n", app_name, agent,
			sound);
		shim_status(channel, "ERROR");
		return PIN_REFUSED;
	}
	for (i = 0; i < TRIES && res == OUTDIAL_E_DENIED; i++) {
		res = one_try(session, agent, sound, err, sizeof(err));
		if (!switch_channel_ready(channel)) {
			shim_status(channel, "HANGUP");
			return PIN_REFUSED;
		}
	}
	return res == OUTDIAL_OK ? PIN_RIGHT : refuse(session, agent, res, err);
}
