/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief Ringing an agent's phone: when it is answered, its channel waits as in OutdialAgent.
 *
 * One thread for each phone, from the ringing to the end of the call.
 */

#include "dial.h"
#include "phone.h"
#include "records.h"
#include "session.h"

#include "asterisk/astobj2.h"
#include "asterisk/dial.h"

struct phone {
	/*! \brief A reference. */
	struct session *session;
	char tech[32];
	char endpoint[128];
	char caller_id[64];
	char account[AST_MAX_ACCOUNT_CODE];
	unsigned int timeout_ms;
};

/*! \brief Non-zero: the request is malformed. */
static int phone_fill(struct phone *phone, const struct outdial_ring *request)
{
	if (dial_copy_text(phone->tech, sizeof(phone->tech), request->tech, 1)
		|| dial_copy_text(phone->endpoint, sizeof(phone->endpoint), request->endpoint, 1)
		|| dial_copy_text(phone->caller_id, sizeof(phone->caller_id), request->caller_id, 0)) {
		return -1;
	}
	if (!dial_is_made_of(phone->tech, OUTDIAL_NAME_CHARACTERS)
		|| !dial_is_made_of(phone->endpoint, OUTDIAL_NAME_CHARACTERS "@")
		|| !dial_is_made_of(phone->caller_id, OUTDIAL_DIGITS)
		|| ast_strlen_zero(request->session)
		|| strlen(request->session) + sizeof(";2") > OUTDIAL_ID_LEN) {
		return -1;
	}
	/* For reports and displays only: cut to what Asterisk can hold. */
	ast_copy_string(phone->account, S_OR(request->account, ""), sizeof(phone->account));
	phone->timeout_ms = request->timeout_ms;
	return 0;
}

struct phone *phone_create(const struct outdial_ring *request)
{
	struct phone *phone = ast_calloc(1, sizeof(*phone));

	if (!phone) {
		return NULL;
	}
	if (phone_fill(phone, request)) {
		ast_log(LOG_ERROR, "Not ringing for '%s': the request is malformed\n",
			S_OR(request->session, ""));
		ast_free(phone);
		return NULL;
	}
	phone->session = session_create(request->session, S_OR(request->agent, ""));
	if (!phone->session) {
		ast_log(LOG_ERROR, "Not ringing for '%s': there is one of that name, or out of memory\n",
			request->session);
		ast_free(phone);
		return NULL;
	}
	ast_module_ref(AST_MODULE_SELF);
	return phone;
}

void phone_forget(struct phone *phone)
{
	session_end(phone->session);
	ast_free(phone);
	ast_module_unref(AST_MODULE_SELF);
}

/*! \brief What a channel driver calls the phone. */
static void device_of(const struct phone *phone, char *device, size_t size)
{
	/* Not optimized away: the session lives as long as its own channel. */
	snprintf(device, size, "%s%s", phone->endpoint, strcasecmp(phone->tech, "Local") ? "" : "/n");
}

/*! \brief Ring on a channel that exists, and serve calls on it if it is answered. */
static void phone_on_channel(struct phone *phone, struct ast_dial *dial, struct ast_channel *chan)
{
	struct ast_channel *answered = NULL;

	records_agent(chan, phone->session->agent);
	dial_dress(chan, phone->account, phone->caller_id, phone->account);
	if (session_ring(phone->session, chan)) {
		return;
	}
	if (ast_dial_run(dial, NULL, 0) == AST_DIAL_RESULT_ANSWERED) {
		answered = ast_dial_answered_steal(dial);
	}
	if (answered && !session_open(phone->session, answered)) {
		session_serve(phone->session, answered, 0, NULL);
	}
	session_close(phone->session);
	if (answered) {
		ast_hangup(answered);
	}
}

/*! \brief Non-zero: there was not even a try. */
static int phone_dial(struct phone *phone)
{
	char device[OUTDIAL_DEVICE_LEN];
	struct ast_channel *chan;
	struct ast_dial *dial;

	device_of(phone, device, sizeof(device));
	dial = dial_make(phone->tech, device, phone->session->id, phone->timeout_ms);
	if (!dial) {
		return -1;
	}
	if (ast_dial_prerun(dial, NULL, NULL)) {
		/* Nobody is registered, or there is no such endpoint: the agent can't be reached. */
		shim_debug("Phone '%s': no channel, cause %d\n", phone->session->id,
			ast_dial_reason(dial, 0));
	} else {
		chan = ast_channel_ref(ast_dial_get_channel(dial, 0));
		phone_on_channel(phone, dial, chan);
		ast_channel_unref(chan);
	}
	/* Hangs up what was not answered. */
	ast_dial_destroy(dial);
	return 0;
}

void phone_ring(void *data)
{
	struct phone *phone = data;
	const char *why = dial_refusal();
	int refused;

	ast_callid_threadassoc_add(ast_create_callid());
	if (why) {
		shim_debug("Not ringing for '%s': %s\n", phone->session->id, why);
	}
	refused = why || phone_dial(phone);
	ast_callid_threadassoc_remove();
	session_gone(phone->session, refused);
	ast_free(phone);
	ast_module_unref(AST_MODULE_SELF);
}
