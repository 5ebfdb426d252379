/*
 * SPDX-License-Identifier: MIT
 *
 * Transfers, and two who are bridged.
 */
#include "host.h"

/* How long one side of a bridge waits for the other. */
#define BRIDGE_WAIT_MS 10000

static const char bridge_private[] = "contract_bridge";

/* Its handlers go, but for those that stick. */
switch_status_t switch_ivr_session_transfer(switch_core_session_t *session, const char *extension, const char *dialplan,
	const char *context)
{
	switch_channel_t *channel = &session->channel;
	switch_caller_profile_t *profile = pool_zeroed(session->pool, sizeof(*profile), NULL);
	switch_caller_profile_t *before = switch_channel_get_caller_profile(channel);

	*profile = *before;
	profile->dialplan = pool_copy(session->pool, zstr(dialplan) ? "XML" : dialplan);
	profile->context = pool_copy(session->pool, zstr(context) ? before->context : context);
	profile->destination_number = pool_copy(session->pool, extension);
	switch_channel_clear_state_handler(channel, NULL);
	channel_set_profile(channel, profile);
	switch_channel_set_flag(channel, CF_TRANSFER);
	switch_channel_set_state(channel, CS_ROUTING);
	return SWITCH_STATUS_SUCCESS;
}

/* One side of a bridge, in its own thread, for as long as both stay. */
static void bridge_side(switch_core_session_t *session, switch_core_session_t *peer,
	switch_input_callback_function_t callback, void *data)
{
	switch_frame_t *frame;

	switch_channel_set_flag(&session->channel, CF_BRIDGED);
	switch_channel_wait_for_flag(&peer->channel, CF_BRIDGED, SWITCH_TRUE, BRIDGE_WAIT_MS, &session->channel);
	while (switch_channel_ready(&session->channel) && !switch_channel_test_flag(&peer->channel, CF_TRANSFER)
		&& switch_channel_test_flag(&peer->channel, CF_BRIDGED)) {
		switch_status_t status = switch_core_session_read_frame(session, &frame, SWITCH_IO_FLAG_NONE, 0);

		if (!SWITCH_READ_ACCEPTABLE(status)) {
			break;
		}
		media_ask_keys(session, callback, data, 0);
		switch_core_session_write_frame(peer, frame, SWITCH_IO_FLAG_NONE, 0);
	}
	switch_channel_clear_flag(&session->channel, CF_BRIDGED);
	switch_core_session_kill_channel(peer, SWITCH_SIG_BREAK);
}

switch_status_t switch_ivr_bridge_bleg(switch_core_session_t *session, switch_core_session_t *peer, uint32_t max_wait_ms)
{
	switch_channel_t *channel = &session->channel;
	switch_core_session_t *other;
	switch_status_t status;

	switch_channel_set_flag(channel, CF_ARRANGED_BRIDGE);
	status = switch_channel_wait_for_flag(channel, CF_ARRANGED_BRIDGE, SWITCH_FALSE, max_wait_ms, &peer->channel);
	if (status == SWITCH_STATUS_FALSE) {
		return status;
	}
	if (switch_channel_test_flag(channel, CF_ARRANGED_BRIDGE)) {
		switch_channel_clear_flag(channel, CF_ARRANGED_BRIDGE);
		return SWITCH_STATUS_FALSE;
	}
	if (switch_channel_test_flag(channel, CF_TRANSFER)) {
		return SWITCH_STATUS_SUCCESS;
	}
	other = switch_channel_get_private(channel, bridge_private);
	switch_channel_set_private(channel, bridge_private, NULL);
	if (other) {
		bridge_side(session, other, NULL, NULL);
	} else {
		switch_channel_hangup(channel, SWITCH_CAUSE_DESTINATION_OUT_OF_ORDER);
	}
	return SWITCH_STATUS_SUCCESS;
}

switch_status_t switch_ivr_multi_threaded_bridge(switch_core_session_t *session, switch_core_session_t *peer,
	switch_input_callback_function_t callback, void *data, void *peer_data)
{
	const char *hangup;

	if (!switch_channel_ready(&session->channel)) {
		switch_channel_hangup(&peer->channel, SWITCH_CAUSE_ORIGINATOR_CANCEL);
		return SWITCH_STATUS_SUCCESS;
	}
	if (!switch_channel_test_flag(&peer->channel, CF_ARRANGED_BRIDGE)) {
		BROKEN("a bridge with somebody who does not wait for it is not in the contract");
	}
	if (switch_core_session_read_lock(peer) != SWITCH_STATUS_SUCCESS) {
		switch_channel_hangup(&peer->channel, SWITCH_CAUSE_NO_ANSWER);
		return SWITCH_STATUS_FALSE;
	}
	session_tell(peer, SWITCH_MESSAGE_INDICATE_BRIDGE);
	session_tell(session, SWITCH_MESSAGE_INDICATE_BRIDGE);
	atomic_fetch_add(&counts.bridged, 1);
	switch_channel_set_private(&peer->channel, bridge_private, session);
	switch_channel_clear_flag(&peer->channel, CF_ARRANGED_BRIDGE);
	carrier_met(peer);
	bridge_side(session, peer, callback, data);
	switch_core_session_rwunlock(peer);
	session_tell(peer, SWITCH_MESSAGE_INDICATE_UNBRIDGE);
	session_tell(session, SWITCH_MESSAGE_INDICATE_UNBRIDGE);
	hangup = switch_channel_get_variable_dup(&session->channel, SWITCH_HANGUP_AFTER_BRIDGE_VARIABLE, SWITCH_TRUE, -1);
	if (hangup && !strcmp(hangup, "true")) {
		switch_channel_hangup(&session->channel, SWITCH_CAUSE_NORMAL_CLEARING);
	}
	return SWITCH_STATUS_SUCCESS;
}
