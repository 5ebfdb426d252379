/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * outdial_monitor: a supervisor listens to an agent. FreeSWITCH's eavesdropping does it; we know the
 * channel.
 */
#include "monitor.h"

#include "session.h"
#include "words.h"

static const char app_name[] = "outdial_monitor";
static const char app_syntax[] = "<agent>[,listen|whisper|barge]";

static const struct {
	const char *name;
	switch_eavesdrop_flag_t flags;
} modes[] = {
	{ "listen", ED_NONE },
	/* Into what the agent hears. */
	{ "whisper", ED_MUX_WRITE },
	/* And into what the agent says. */
	{ "barge", ED_MUX_WRITE | ED_MUX_READ },
};

/* A supervisor who listens; on his own thread's stack. */
struct listener {
	/* The agent's session. */
	const char *session;
	/* The supervisor's channel. */
	const char *channel;
	struct listener *next;
};

static struct {
	switch_mutex_t *lock;
	struct listener *first;
} listeners;

/* The channel that is looked for, by the agent's name. */
struct wanted {
	const char *agent;
	struct session *session;
};

static void look_at(struct session *session, void *data)
{
	struct wanted *wanted = data;
	int found;

	switch_mutex_lock(session->lock);
	found = !strcmp(session->agent, wanted->agent) && session->session && !session->ringing;
	switch_mutex_unlock(session->lock);
	if (found && !wanted->session) {
		wanted->session = session_find(session->id);
	}
}

/* Non-zero: there is no such mode. */
static int flags_of(const char *mode, switch_eavesdrop_flag_t *flags)
{
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		if (!strcasecmp(mode, modes[i].name)) {
			*flags = modes[i].flags;
			return 0;
		}
	}
	return -1;
}

static void listener_add(struct listener *listener)
{
	switch_mutex_lock(listeners.lock);
	listener->next = listeners.first;
	listeners.first = listener;
	switch_mutex_unlock(listeners.lock);
}

static void listener_remove(struct listener *listener)
{
	struct listener **at;

	switch_mutex_lock(listeners.lock);
	for (at = &listeners.first; *at != listener; at = &(*at)->next) {
		/* On. */
	}
	*at = listener->next;
	switch_mutex_unlock(listeners.lock);
}

/* Has the eavesdropping end as its key '*' would. */
static void send_away(const char *channel)
{
	switch_core_session_t *session = switch_core_session_locate(channel);
	switch_event_t *event = NULL;

	if (!session) {
		return;
	}
	if (switch_event_create_plain(&event, SWITCH_EVENT_COMMAND) == SWITCH_STATUS_SUCCESS) {
		switch_event_add_header_string(event, SWITCH_STACK_BOTTOM, "eavesdrop-command", "*");
		if (switch_core_session_queue_event(session, &event) != SWITCH_STATUS_SUCCESS) {
			switch_event_destroy(&event);
		}
	}
	switch_core_session_rwunlock(session);
}

void monitor_over(const char *session)
{
	struct listener *each;

	switch_mutex_lock(listeners.lock);
	for (each = listeners.first; each; each = each->next) {
		if (!strcmp(each->session, session)) {
			send_away(each->channel);
		}
	}
	switch_mutex_unlock(listeners.lock);
}

int monitor_init(void)
{
	listeners.first = NULL;
	return switch_mutex_init(&listeners.lock, SWITCH_MUTEX_NESTED, shim.memory) == SWITCH_STATUS_SUCCESS ? 0 : -1;
}

static void listen_to(struct session *agent, switch_core_session_t *session, switch_eavesdrop_flag_t flags)
{
	struct listener listener = { .session = agent->id, .channel = switch_core_session_get_uuid(session) };

	int logged_in;

	listener_add(&listener);
	switch_mutex_lock(agent->lock);
	logged_in = agent->session != NULL;
	switch_mutex_unlock(agent->lock);
	/* Without ED_DTMF: who may listen must not make himself heard by a key. */
	if (logged_in) {
		switch_ivr_eavesdrop_session(session, agent->id, NULL, flags);
	}
	listener_remove(&listener);
}

SWITCH_STANDARD_APP(monitor_app)
{
	switch_channel_t *channel = switch_core_session_get_channel(session);
	struct wanted wanted = { NULL };
	switch_eavesdrop_flag_t flags = ED_NONE;
	char *words[2];
	unsigned int count = words_split(switch_core_session_strdup(session, switch_str_nil(data)), words, 2);

	if (zstr(words[0]) || count > 2 || flags_of(zstr(words[1]) ? modes[0].name : words[1], &flags)) {
		switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(session), SWITCH_LOG_WARNING, "%s %s: got '%s'\n", app_name,
			app_syntax, switch_str_nil(data));
		shim_status(channel, "ERROR");
		return;
	}
	wanted.agent = words[0];
	session_each(look_at, &wanted);
	if (!wanted.session) {
		switch_log_printf(SWITCH_CHANNEL_SESSION_LOG(session), SWITCH_LOG_WARNING,
			"%s(%s): no agent of that name is logged in here, or his phone is on hook\n", app_name, words[0]);
		shim_status(channel, "UNKNOWN");
		return;
	}
	listen_to(wanted.session, session, flags);
	session_release(wanted.session);
	shim_status(channel, "OK");
}

void monitor_register(switch_loadable_module_interface_t **module_interface)
{
	switch_application_interface_t *app;

	SWITCH_ADD_APP(app, app_name, "Listen to an agent of outdial",
		"From one call of the agent to the next, until the supervisor hangs up or the agent logs off. Sets "
		"outdial_status.", monitor_app, app_syntax, SAF_NONE);
}
