/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * Channels, for legs and for agents' phones.
 */
#include "dial.h"

/* The context of a channel that is being dialed: it never looks for an extension there. */
static const char dialing[] = "outdial-dialing";

const char *dial_refusal(void)
{
	if (!switch_core_ready()) {
		return "FreeSWITCH takes no new sessions";
	}
	if (shim.faulted || shim.closing) {
		return "the engine has stopped";
	}
	if (outdial_heartbeat_age_ms(shim.engine) > OUTDIAL_HEARTBEAT_MAX_MS) {
		return "the engine's heartbeat is stale";
	}
	return NULL;
}

int dial_device(char *device, size_t size, const char *tech, const char *endpoint, const char *number)
{
	int len;

	if (!strcasecmp(tech, "sofia")) {
		len = switch_snprintf(device, size, "gateway/%s/%s", endpoint, number);
	} else if (!strcasecmp(tech, "loopback")) {
		/* The endpoint is the context. */
		len = switch_snprintf(device, size, "%s/%s/XML", number, endpoint);
	} else {
		len = switch_snprintf(device, size, "%s/%s", endpoint, number);
	}
	return len < 0 || (size_t) len >= size - 1 ? -1 : 0;
}

switch_core_session_t *dial_channel(const struct dial *dial, switch_call_cause_t *cause)
{
	switch_call_cause_t cancel = SWITCH_CAUSE_NONE;
	switch_core_session_t *session = NULL;
	switch_memory_pool_t *memory = NULL;
	switch_caller_profile_t *profile;
	switch_event_t *variables = NULL;

	*cause = SWITCH_CAUSE_SWITCH_CONGESTION;
	if (switch_core_new_memory_pool(&memory) != SWITCH_STATUS_SUCCESS
		|| switch_event_create_plain(&variables, SWITCH_EVENT_CHANNEL_DATA) != SWITCH_STATUS_SUCCESS) {
		if (memory) {
			switch_core_destroy_memory_pool(&memory);
		}
		return NULL;
	}
	profile = switch_caller_profile_new(memory, "outdial", "XML", dial->name, dial->caller_id, NULL,
		dial->caller_id, NULL, NULL, "mod_outdial", dialing, dial->device);
	switch_event_add_header_string(variables, SWITCH_STACK_BOTTOM, "origination_uuid", dial->id);
	switch_event_add_header_string(variables, SWITCH_STACK_BOTTOM, "origination_caller_id_number", dial->caller_id);
	switch_event_add_header_string(variables, SWITCH_STACK_BOTTOM, "origination_caller_id_name", dial->name);
	*cause = switch_core_session_outgoing_channel(NULL, variables, dial->tech, profile, &session, &memory,
		SOF_NONE, &cancel);
	if (memory) {
		switch_core_destroy_memory_pool(&memory);
	}
	switch_event_destroy(&variables);
	if (*cause != SWITCH_CAUSE_SUCCESS) {
		return NULL;
	}
	if (strcmp(switch_core_session_get_uuid(session), dial->id)) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_ERROR, "No channel '%s': there is one of that name\n", dial->id);
		switch_core_session_destroy(&session);
		*cause = SWITCH_CAUSE_SWITCH_CONGESTION;
		return NULL;
	}
	return session;
}

int dial_launch(switch_core_session_t *session)
{
	switch_status_t status = switch_core_session_thread_launch(session);

	return status == SWITCH_STATUS_SUCCESS || status == SWITCH_STATUS_INUSE ? 0 : -1;
}
