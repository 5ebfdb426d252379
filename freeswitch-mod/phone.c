/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 */
#include "phone.h"

#include "dial.h"
#include "session.h"

/* What an answered phone runs. */
static const char app_name[] = "outdial_phone";

struct phone {
	struct session *session;
	char tech[32];
	char endpoint[128];
	char caller_id[64];
	char account[128];
};

struct phone *phone_create(const struct outdial_ring *request)
{
	struct phone *phone = calloc(1, sizeof(*phone));

	if (!phone) {
		return NULL;
	}
	if (shim_copy(phone->tech, sizeof(phone->tech), request->tech, 1)
		|| shim_copy(phone->endpoint, sizeof(phone->endpoint), request->endpoint, 1)
		|| shim_copy(phone->caller_id, sizeof(phone->caller_id), request->caller_id, 0)
		|| !shim_is_made_of(phone->tech, OUTDIAL_NAME_CHARACTERS)
		|| !shim_is_made_of(phone->endpoint, OUTDIAL_NAME_CHARACTERS "@")
		|| !shim_is_made_of(phone->caller_id, OUTDIAL_DIGITS)
		|| !(phone->session = session_create(request->session, request->agent))) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_ERROR, "Not ringing '%s': the request is malformed\n",
			switch_str_nil(request->session));
		free(phone);
		return NULL;
	}
	switch_copy_string(phone->account, switch_str_nil(request->account), sizeof(phone->account));
	/* Others find it already. */
	switch_mutex_lock(phone->session->lock);
	phone->session->ringing = 1;
	phone->session->timeout_ms = request->timeout_ms;
	switch_mutex_unlock(phone->session->lock);
	return phone;
}

void phone_forget(struct phone *phone)
{
	session_end(phone->session);
	free(phone);
}

/* Where a registered user is: sofia's contact, without its options. Non-zero: nowhere. */
static int contact_of(const char *user, char *device, size_t size)
{
	static const char prefix[] = "sofia/";
	switch_stream_handle_t stream = { 0 };
	const char *contact;
	int res = -1;

	SWITCH_STANDARD_STREAM(stream);
	if (switch_api_execute("sofia_contact", user, NULL, &stream) == SWITCH_STATUS_SUCCESS) {
		contact = switch_stristr(prefix, switch_str_nil((char *) stream.data));
		if (contact) {
			switch_copy_string(device, contact + sizeof(prefix) - 1, size);
			/* Only the first of several contacts. */
			device[strcspn(device, ",")] = '\0';
			res = *device ? 0 : -1;
		}
	}
	switch_safe_free(stream.data);
	return res;
}

/* Of technology `user` the endpoint is a registered user, as 1001 or 1001@domain. */
static int device_of(const struct phone *phone, char *device, size_t size, const char **tech)
{
	*tech = phone->tech;
	if (!strcasecmp(phone->tech, "user")) {
		*tech = "sofia";
		return contact_of(phone->endpoint, device, size);
	}
	if (!strcasecmp(phone->tech, "loopback")) {
		return dial_device(device, size, phone->tech, "default", phone->endpoint);
	}
	return shim_copy(device, size, phone->endpoint, 1);
}

static struct session *session_here(switch_core_session_t *channel)
{
	return session_find(switch_core_session_get_uuid(channel));
}

static int rings(switch_core_session_t *channel)
{
	struct session *session = session_here(channel);
	int ringing = 0;

	if (session) {
		switch_mutex_lock(session->lock);
		ringing = session->ringing;
		switch_mutex_unlock(session->lock);
		session_release(session);
	}
	return ringing;
}

/* Off the hook: the agent takes calls. */
static void go_on(switch_core_session_t *channel)
{
	switch_caller_extension_t *extension = switch_caller_extension_new(channel, app_name, app_name);

	switch_caller_extension_add_application(channel, extension, app_name, NULL);
	switch_channel_set_caller_extension(switch_core_session_get_channel(channel), extension);
	switch_channel_set_state(switch_core_session_get_channel(channel), CS_EXECUTE);
}

static switch_status_t on_routing(switch_core_session_t *channel)
{
	if (!rings(channel)) {
		go_on(channel);
	} else if (switch_channel_get_state(switch_core_session_get_channel(channel)) == CS_ROUTING) {
		switch_channel_set_state(switch_core_session_get_channel(channel), CS_CONSUME_MEDIA);
	}
	return SWITCH_STATUS_FALSE;
}

static switch_status_t on_consume_media(switch_core_session_t *channel)
{
	if (!rings(channel)) {
		go_on(channel);
	}
	return SWITCH_STATUS_FALSE;
}

static switch_status_t on_destroy(switch_core_session_t *channel)
{
	struct session *session = session_here(channel);

	if (session) {
		session_gone(session);
		session_release(session);
	}
	return SWITCH_STATUS_SUCCESS;
}

static switch_state_handler_table_t phone_states = {
	.on_routing = on_routing,
	.on_consume_media = on_consume_media,
	.on_destroy = on_destroy,
};

static switch_status_t on_message(switch_core_session_t *channel, switch_core_session_message_t *message)
{
	struct session *session;
	int first;

	if (message->message_id != SWITCH_MESSAGE_ANSWER_EVENT) {
		return SWITCH_STATUS_SUCCESS;
	}
	session = session_here(channel);
	if (session) {
		switch_mutex_lock(session->lock);
		first = session->ringing;
		session->ringing = 0;
		switch_mutex_unlock(session->lock);
		if (first) {
			switch_channel_set_state(switch_core_session_get_channel(channel), CS_ROUTING);
		}
		session_release(session);
	}
	return SWITCH_STATUS_SUCCESS;
}

/* The phone's channel is there. Non-zero: it has no thread, and goes. */
static int phone_begin(struct phone *phone, switch_core_session_t *channel)
{
	struct session *session = phone->session;
	switch_channel_t *its = switch_core_session_get_channel(channel);
	int dismissed;
	int res = 0;

	/* As for a leg: it is not to go before this is done with it. */
	if (switch_core_session_read_lock(channel) != SWITCH_STATUS_SUCCESS) {
		session_gone(session);
		return 0;
	}
	switch_channel_set_variable(its, "accountcode", phone->account);
	switch_channel_set_variable(its, "outbound_redirect_fatal", "true");
	switch_channel_add_state_handler(its, &phone_states);
	switch_core_event_hook_add_receive_message(channel, on_message);
	switch_mutex_lock(session->lock);
	session->session = channel;
	session->rung_at = switch_micro_time_now();
	dismissed = session->dismissed || session->let_go;
	switch_mutex_unlock(session->lock);
	if (dismissed) {
		switch_channel_hangup(its, SWITCH_CAUSE_ORIGINATOR_CANCEL);
	} else {
		res = dial_launch(channel);
	}
	switch_core_session_rwunlock(channel);
	return res;
}

/* Non-zero: there is no channel, and none of its events will come. */
static int ring(struct phone *phone)
{
	switch_call_cause_t cause = SWITCH_CAUSE_NONE;
	struct session *session = phone->session;
	switch_core_session_t *channel;
	char device[512];
	struct dial dial = {
		.id = session->id, .device = device, .caller_id = phone->caller_id, .name = phone->account,
	};

	if (device_of(phone, device, sizeof(device), &dial.tech)) {
		shim_debug("Phone of '%s': nobody is registered\n", session->agent);
		return -1;
	}
	channel = dial_channel(&dial, &cause);
	if (!channel) {
		shim_debug("Phone of '%s': no channel, %s\n", session->agent, switch_channel_cause2str(cause));
		/* FreeSWITCH's own fault, or that of the phone? */
		session->refused = cause == SWITCH_CAUSE_SWITCH_CONGESTION || cause == SWITCH_CAUSE_DESTINATION_OUT_OF_ORDER;
		return -1;
	}
	if (phone_begin(phone, channel)) {
		session->refused = 1;
		switch_core_session_destroy(&channel);
	}
	return 0;
}

void phone_ring(void *data)
{
	struct phone *phone = data;
	const char *why = dial_refusal();
	int dismissed;

	switch_mutex_lock(phone->session->lock);
	dismissed = phone->session->dismissed || phone->session->let_go;
	phone->session->refused = why && !dismissed;
	switch_mutex_unlock(phone->session->lock);
	if (why || dismissed || ring(phone)) {
		session_gone(phone->session);
	}
	free(phone);
}

SWITCH_STANDARD_APP(phone_app)
{
	struct session *agent = session_here(session);

	if (!agent) {
		switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(session), SWITCH_LOG_WARNING,
			"%s is for phones that outdial has rung, not for the dialplan\n", app_name);
		shim_status(switch_core_session_get_channel(session), "NOT_OUTDIAL");
		return;
	}
	session_serve(agent, session);
	session_release(agent);
	switch_channel_hangup(switch_core_session_get_channel(session), SWITCH_CAUSE_NORMAL_CLEARING);
}

void phone_register(switch_loadable_module_interface_t **module_interface)
{
	switch_application_interface_t *app;

	SWITCH_ADD_APP(app, app_name, "Agents' phones that outdial has rung", "Not for the dialplan.", phone_app, "",
		SAF_NONE);
}
