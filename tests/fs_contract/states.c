/*
 * SPDX-License-Identifier: MIT
 *
 * What a channel does from its making to its end: in each state the endpoint's handler, those of the
 * module in their order, and FreeSWITCH's own; who returns anything but success keeps the others from
 * it.
 */
#include "host.h"

static switch_state_handler_t handler_of(const switch_state_handler_table_t *table, switch_channel_state_t state)
{
	switch (state) {
	case CS_INIT:
		return table->on_init;
	case CS_ROUTING:
		return table->on_routing;
	case CS_EXECUTE:
		return table->on_execute;
	case CS_EXCHANGE_MEDIA:
		return table->on_exchange_media;
	case CS_PARK:
		return table->on_park;
	case CS_CONSUME_MEDIA:
		return table->on_consume_media;
	case CS_RESET:
		return table->on_reset;
	case CS_HANGUP:
		return table->on_hangup;
	case CS_REPORTING:
		return table->on_reporting;
	case CS_DESTROY:
		return table->on_destroy;
	case CS_NEW:
		return NULL;
	}
	return NULL;
}

/* Whether an extension takes the call, as its conditions have it. */
static int takes(switch_channel_t *channel, switch_xml_t extension, const char *number)
{
	switch_xml_t condition;

	for (condition = switch_xml_child(extension, "condition"); condition; condition = condition->next) {
		const char *field = switch_xml_attr(condition, "field");
		switch_regex_t *regex = NULL;
		int found[2];
		int good;

		if (!field) {
			continue;
		}
		good = switch_regex_perform(strcmp(field, "destination_number") ? channel_expand(channel, field) : number,
			switch_xml_attr_soft(condition, "expression"), &regex, found, 2);
		switch_regex_safe_free(regex);
		if (!good) {
			return 0;
		}
	}
	return 1;
}

static switch_caller_extension_t *extension_of(switch_core_session_t *session, switch_xml_t found)
{
	switch_caller_extension_t *extension = switch_caller_extension_new(session, "", "");
	switch_xml_t condition;
	switch_xml_t action;

	for (condition = switch_xml_child(found, "condition"); condition; condition = condition->next) {
		for (action = switch_xml_child(condition, "action"); action; action = action->next) {
			switch_caller_extension_add_application(session, extension, switch_xml_attr_soft(action, "application"),
				switch_xml_attr_soft(action, "data"));
		}
	}
	return extension;
}

/* Looks for an extension in the XML dialplan. */
static void route(switch_core_session_t *session)
{
	switch_channel_t *channel = &session->channel;
	switch_caller_profile_t *profile = switch_channel_get_caller_profile(channel);
	switch_xml_t root = NULL;
	switch_xml_t context = NULL;
	switch_xml_t at;

	if (switch_xml_locate("dialplan", "context", "name", profile->context, &root, &context, NULL, SWITCH_FALSE)
			== SWITCH_STATUS_SUCCESS) {
		for (at = switch_xml_child(context, "extension"); at && !takes(channel, at, profile->destination_number);
				at = at->next) {
		}
		if (at) {
			switch_channel_set_caller_extension(channel, extension_of(session, at));
			switch_channel_set_state(channel, CS_EXECUTE);
		}
		context = at;
		switch_xml_free(root);
	}
	if (!context) {
		switch_channel_hangup(channel, SWITCH_CAUSE_NO_ROUTE_DESTINATION);
	}
}

switch_status_t switch_core_session_execute_application(switch_core_session_t *session, const char *name, const char *data)
{
	switch_application_interface_t *app;

	if (!strcmp(name, "hangup")) {
		switch_channel_hangup(&session->channel, SWITCH_CAUSE_NORMAL_CLEARING);
	} else if (!strcmp(name, "answer")) {
		switch_channel_answer(&session->channel);
	} else if (!strcmp(name, "log")) {
		switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(session), SWITCH_LOG_INFO, "%s\n", data);
	} else if ((app = switch_loadable_module_get_application_interface(name))) {
		app->application_function(session, data);
		UNPROTECT_INTERFACE(app);
	} else {
		switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(session), SWITCH_LOG_ERROR, "Invalid Application %s\n", name);
		switch_channel_hangup(&session->channel, SWITCH_CAUSE_DESTINATION_OUT_OF_ORDER);
		return SWITCH_STATUS_FALSE;
	}
	return SWITCH_STATUS_SUCCESS;
}

/* One application after the other, for as long as the channel is to. */
static void execute(switch_core_session_t *session)
{
	switch_channel_t *channel = &session->channel;
	struct application *at = channel->extension ? channel->extension->first : NULL;

	for (; at && switch_channel_get_state(channel) == CS_EXECUTE; at = at->next) {
		switch_core_session_execute_application(session, at->name, channel_expand(channel, at->data));
	}
	if (switch_channel_ready(channel) && switch_channel_get_state(channel) == CS_EXECUTE) {
		switch_channel_hangup(channel, SWITCH_CAUSE_NORMAL_CLEARING);
	}
}

void session_run_handlers(switch_core_session_t *session, switch_channel_state_t state)
{
	switch_channel_t *channel = &session->channel;
	const switch_state_handler_table_t *handlers[HANDLERS];
	switch_state_handler_t handler = handler_of(session->endpoint->state_handler, state);
	unsigned int count;

	if (handler && handler(session) != SWITCH_STATUS_SUCCESS) {
		return;
	}
	pthread_mutex_lock(&session->lock);
	count = channel->handler_count;
	memcpy(handlers, channel->handlers, sizeof(handlers));
	pthread_mutex_unlock(&session->lock);
	for (unsigned int i = 0; i < count; i++) {
		handler = handler_of(handlers[i], state);
		if (handler && handler(session) != SWITCH_STATUS_SUCCESS) {
			return;
		}
	}
	if (state == CS_ROUTING && switch_channel_get_state(channel) == state) {
		route(session);
	} else if (state == CS_EXECUTE && switch_channel_get_state(channel) == state) {
		execute(session);
	}
}

/* The state that is to be run now; sleeps until there is one. */
static switch_channel_state_t next_state(switch_core_session_t *session)
{
	switch_channel_t *channel = &session->channel;

	pthread_mutex_lock(&session->lock);
	while (channel->state == channel->running) {
		pthread_cond_wait(&session->changed, &session->lock);
	}
	channel->running = channel->state;
	channel->flags[CF_TRANSFER] = 0;
	pthread_mutex_unlock(&session->lock);
	return channel->running;
}

void session_run(switch_core_session_t *session)
{
	switch_channel_state_t state;

	do {
		state = next_state(session);
		session_run_handlers(session, state);
		if (state == CS_HANGUP) {
			switch_channel_set_state(&session->channel, CS_REPORTING);
		}
	} while (state != CS_REPORTING);
	switch_channel_set_state(&session->channel, CS_DESTROY);
}
