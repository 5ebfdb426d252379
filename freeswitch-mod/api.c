/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * The API 'outdial', which is also the console's command: the words; the answers are the engine's.
 */
#include "events.h"
#include "leg.h"
#include "pool.h"
#include "session.h"

/* Longest line that is handed to the engine. */
#define LINE_LEN 512
/* Candidates for one word at most. */
#define CANDIDATES 1000

static const char complete_name[] = "::outdial::words";
static const char syntax[] =
	"status|campaigns|calls|agents|trunks | campaign <name> | why <name> | "
	"campaign start|pause|stop <name> | agent pause <name> [code] | agent unpause|logout <name> | "
	"drain | undrain | reload | set debug on|off";

/* What may be said without 'show'. */
static int is_shown(const char *word)
{
	static const char *const words[] = { "status", "campaigns", "calls", "agents", "trunks", "why" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!strcasecmp(word, words[i])) {
			return 1;
		}
	}
	return 0;
}

static int is_done(const char *word)
{
	return !strcasecmp(word, "start") || !strcasecmp(word, "pause") || !strcasecmp(word, "stop");
}

/* As the engine has it: 'show' in front of what is only looked at. Non-zero: too long. */
static int line_of(const char *cmd, char *line, size_t size)
{
	char first[32] = "";
	char second[32] = "";
	int words = sscanf(cmd, "%31s %31s", first, second);
	int show = is_shown(first) || (words == 2 && !strcasecmp(first, "campaign") && !is_done(second));
	int len = switch_snprintf(line, size, "%s%s", show ? "show " : "", cmd);

	return len < 0 || (size_t) len >= size - 1 ? -1 : 0;
}

static void write_to(void *data, const char *text)
{
	switch_stream_handle_t *stream = data;

	stream->write_function(stream, "%s\n", text);
}

static void show_events(switch_stream_handle_t *stream)
{
	struct events_load load;

	if (!shim.config.events) {
		stream->write_function(stream, "Events        off\n");
		return;
	}
	events_load(&load);
	stream->write_function(stream, "Events        on, %s numbers; %llu sent, %llu lost\n",
		shim.config.event_numbers == EVENT_NUMBERS_NO ? "without"
		: shim.config.event_numbers == EVENT_NUMBERS_MASKED ? "with masked" : "with",
		(unsigned long long) load.sent, (unsigned long long) load.dropped);
}

/* What the engine does not know of itself. */
static void show_shim(switch_stream_handle_t *stream)
{
	uint32_t abi = outdial_abi_version();
	uint64_t age = outdial_heartbeat_age_ms(shim.engine);

	stream->write_function(stream, "liboutdial    %s (ABI %u.%u), node %s\n", outdial_version(), abi >> 16, abi & 0xffff,
		shim.config.node);
	stream->write_function(stream, "mod_outdial   ABI %d.%d; this is FreeSWITCH %s\n", OUTDIAL_ABI_MAJOR,
		OUTDIAL_ABI_MINOR, switch_version_full());
	stream->write_function(stream, "In FreeSWITCH %u legs of %u, %u agents\n", legs_count(), shim_max_calls(),
		sessions_count());
	show_events(stream);
	stream->write_function(stream, "Debug         %s\n", shim.debug ? "on: numbers are in the log" : "off");
	if (shim.faulted) {
		stream->write_function(stream, "Heartbeat     none: the engine has stopped, see the log; restart FreeSWITCH\n");
	} else if (age == UINT64_MAX) {
		stream->write_function(stream, "Heartbeat     none yet\n");
	} else {
		stream->write_function(stream, "Heartbeat     %llu ms ago\n", (unsigned long long) age);
	}
}

/* Scripts look for -ERR. */
static void ask(const char *cmd, switch_stream_handle_t *stream)
{
	switch_stream_handle_t answer = { 0 };
	char line[LINE_LEN];
	int res = OUTDIAL_E_ARGUMENT;

	SWITCH_STANDARD_STREAM(answer);
	if (line_of(cmd, line, sizeof(line))) {
		write_to(&answer, "The command is too long");
	} else {
		if (!strcasecmp(line, "show status")) {
			show_shim(&answer);
		}
		res = outdial_cli(shim.engine, line, write_to, &answer);
	}
	stream->write_function(stream, "%s%s", res == OUTDIAL_OK ? "" : "-ERR ", switch_str_nil((char *) answer.data));
	switch_safe_free(answer.data);
}

static void set_debug(int on, switch_stream_handle_t *stream)
{
	shim.debug = on;
	stream->write_function(stream, "%s\n", on
		? "Debug is on: events and commands are in the log, with numbers; 'outdial set debug off' ends it"
		: "Debug is off");
}

SWITCH_STANDARD_API(outdial_api)
{
	char word[LINE_LEN] = "";

	if (!zstr(cmd)) {
		switch_copy_string(word, cmd, sizeof(word));
		switch_strip_spaces(word, SWITCH_FALSE);
	}
	if (zstr(word)) {
		stream->write_function(stream, "-USAGE: %s\n", syntax);
	} else if (!strcasecmp(word, "set debug on")) {
		set_debug(1, stream);
	} else if (!strcasecmp(word, "set debug off")) {
		set_debug(0, stream);
	} else if (!strcasecmp(word, "reload")) {
		if (shim_reload(write_to, stream)) {
			stream->write_function(stream, "-ERR\n");
		}
	} else {
		ask(word, stream);
	}
	return SWITCH_STATUS_SUCCESS;
}

/* The engine's candidates for the last word of the line. */
static void candidates(const char *line, switch_console_callback_match_t **matches)
{
	char word[LINE_LEN];
	uint32_t n;

	for (n = 0; n < CANDIDATES && outdial_cli_complete(shim.engine, line, n, word, sizeof(word)) == OUTDIAL_OK; n++) {
		switch_console_push_match_unique(matches, word);
	}
}

static switch_status_t complete(const char *line, const char *last, switch_console_callback_match_t **matches)
{
	static const char command[] = "outdial ";
	static const char *const ours[] = { "reload", "set" };
	char shown[LINE_LEN];
	const char *words;

	if (strncasecmp(line, command, strlen(command))) {
		return SWITCH_STATUS_FALSE;
	}
	words = line + strlen(command);
	candidates(words, matches);
	switch_snprintf(shown, sizeof(shown), "show %s", words);
	candidates(shown, matches);
	if (!strchr(words, ' ')) {
		for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++) {
			if (!strncasecmp(ours[i], words, strlen(words))) {
				switch_console_push_match_unique(matches, ours[i]);
			}
		}
	}
	return *matches ? SWITCH_STATUS_SUCCESS : SWITCH_STATUS_FALSE;
}

void api_register(switch_loadable_module_interface_t **module_interface)
{
	switch_api_interface_t *api;

	SWITCH_ADD_API(api, "outdial", "outdial's dialer", outdial_api, syntax);
	switch_console_add_complete_func(complete_name, complete);
	switch_console_set_complete("add outdial ::outdial::words");
	switch_console_set_complete("add outdial ::outdial::words ::outdial::words");
	switch_console_set_complete("add outdial ::outdial::words ::outdial::words ::outdial::words");
	switch_console_set_complete("add outdial set debug on");
	switch_console_set_complete("add outdial set debug off");
}

void api_unregister(void)
{
	switch_console_set_complete("del outdial");
	switch_console_del_complete_func(complete_name);
}
