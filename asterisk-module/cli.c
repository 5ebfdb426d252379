/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief CLI: the words; the answers are the engine's.
 */

#include "events.h"
#include "leg.h"
#include "session.h"

#include "asterisk/ast_version.h"
#include "asterisk/cli.h"

/*! \brief Longest line that is handed to the engine. */
#define LINE_LEN 512

static void write_to(void *data, const char *text)
{
	struct ast_cli_args *a = data;

	ast_cli(a->fd, "%s\n", text);
}

/*! \brief Hand the line, less the leading 'outdial', to the engine. */
static char *ask(struct ast_cli_args *a)
{
	char line[LINE_LEN] = "";
	int i;

	for (i = 1; i < a->argc; i++) {
		size_t used = strlen(line);

		if (used + strlen(a->argv[i]) + 2 > sizeof(line)) {
			return CLI_SHOWUSAGE;
		}
		snprintf(line + used, sizeof(line) - used, "%s%s", used ? " " : "", a->argv[i]);
	}
	/* Whatever it answers, it says so in words. */
	return outdial_cli(shim.engine, line, write_to, a) == OUTDIAL_OK ? CLI_SUCCESS : CLI_FAILURE;
}

/*! \brief Complete the name of a campaign or agent; the words before it are Asterisk's to complete. */
static char *complete(struct ast_cli_args *a)
{
	static const char lead[] = "outdial ";
	char name[LINE_LEN];

	if (strncasecmp(a->line, lead, strlen(lead)) || outdial_cli_complete(shim.engine,
		a->line + strlen(lead), a->n, name, sizeof(name)) != OUTDIAL_OK) {
		return NULL;
	}
	return ast_strdup(name);
}

/*! \brief What outdial.conf and the console switch. */
static void show_switches(int fd)
{
	static const char *const numbers[] = {
		[AMI_NUMBERS_NO] = "without numbers",
		[AMI_NUMBERS_MASKED] = "with masked numbers",
		[AMI_NUMBERS_YES] = "with numbers",
	};
	struct events_load load;

	events_load(&load);
	ast_cli(fd, "AMI events    %s%s%s; %llu sent, %llu lost\n", shim.config.ami_events ? "on" : "off",
		shim.config.ami_events ? ", " : "",
		shim.config.ami_events ? numbers[shim.config.ami_numbers] : "",
		(unsigned long long) load.sent, (unsigned long long) load.dropped);
	ast_cli(fd, "Debug         %s\n", shim.debug ? "on: numbers are in the log" : "off");
}

/*! \brief What the engine does not know of itself. */
static void show_shim(int fd)
{
	uint32_t abi = outdial_abi_version();
	uint64_t age = outdial_heartbeat_age_ms(shim.engine);
	struct pool_load calls;

	pool_load(shim.calls, &calls);
	ast_cli(fd, "liboutdial    %s (ABI %u.%u), node %s\n", outdial_version(), abi >> 16,
		abi & 0xffff, shim.config.node);
	ast_cli(fd, "res_outdial   built for Asterisk %d (ABI %d.%d); this is Asterisk %s\n",
		ASTERISK_MAJOR, OUTDIAL_ABI_MAJOR, OUTDIAL_ABI_MINOR, ast_get_version());
	ast_cli(fd, "In Asterisk   %d legs, %d agents; %u of %u call threads in use, %u waiting\n",
		legs_count(), sessions_count(), calls.running, shim.config.max_calls, calls.waiting);
	show_switches(fd);
	if (shim.faulted) {
		ast_cli(fd, "Heartbeat     none: the engine has stopped, see the log; restart Asterisk\n");
	} else if (age == UINT64_MAX) {
		ast_cli(fd, "Heartbeat     none yet\n");
	} else {
		ast_cli(fd, "Heartbeat     %llu ms ago\n", (unsigned long long) age);
	}
}

static char *cli_show(struct ast_cli_entry *e, int cmd, struct ast_cli_args *a)
{
	switch (cmd) {
	case CLI_INIT:
		e->command = "outdial show {status|campaigns|calls|agents|trunks}";
		e->usage =
			"Usage: outdial show status|campaigns|calls|agents|trunks\n"
			"       status: versions, link to the sidecar, heartbeat, calls in flight.\n"
			"       campaigns: mode, leads in hand, and why it does not dial more.\n"
			"       calls: every attempt and its state.\n"
			"       agents: who is logged in, and what he does.\n"
			"       trunks: calls per second, channels in use, limits.\n";
		return NULL;
	case CLI_GENERATE:
		return NULL;
	}
	if (a->argc != e->args) {
		return CLI_SHOWUSAGE;
	}
	if (!strcasecmp(a->argv[2], "status")) {
		show_shim(a->fd);
	}
	return ask(a);
}

/*!
 * \brief Commands that name a campaign or agent behind their own words.
 *
 * \param more words that may follow the name
 */
static char *named(struct ast_cli_entry *e, int cmd, struct ast_cli_args *a, char *command,
	const char *usage, int more)
{
	switch (cmd) {
	case CLI_INIT:
		e->command = command;
		e->usage = usage;
		return NULL;
	case CLI_GENERATE:
		return a->pos == e->args ? complete(a) : NULL;
	}
	if (a->argc <= e->args || a->argc > e->args + 1 + more) {
		return CLI_SHOWUSAGE;
	}
	return ask(a);
}

static char *cli_show_one(struct ast_cli_entry *e, int cmd, struct ast_cli_args *a)
{
	return named(e, cmd, a, "outdial show {campaign|why}",
		"Usage: outdial show campaign|why <name>\n"
		"       campaign: its calls, agents, leads in hand, outcomes, abandon rate.\n"
		"       why: what keeps it from dialing more, with figures.\n", 0);
}

static char *cli_agent(struct ast_cli_entry *e, int cmd, struct ast_cli_args *a)
{
	return named(e, cmd, a, "outdial agent {unpause|logout}",
		"Usage: outdial agent unpause|logout <name>\n"
		"       unpause: calls again.\n"
		"       logout: log off once the call in hand is over.\n", 0);
}

static char *cli_pause(struct ast_cli_entry *e, int cmd, struct ast_cli_args *a)
{
	return named(e, cmd, a, "outdial agent pause",
		"Usage: outdial agent pause <name> [code]\n"
		"       No more calls once the one in hand is over; the code says why.\n", 1);
}

static char *cli_campaign(struct ast_cli_entry *e, int cmd, struct ast_cli_args *a)
{
	return named(e, cmd, a, "outdial campaign {start|pause|stop}",
		"Usage: outdial campaign start|pause|stop <name>\n"
		"       start: check trunks, target and sound, then dial.\n"
		"       pause: no new calls; leads stay in hand for a while.\n"
		"       stop: no new calls; leads go back.\n", 0);
}

static int drain(struct ast_cli_args *a, int on)
{
	int res = outdial_drain(shim.engine, on);

	if (res != OUTDIAL_OK) {
		ast_cli(a->fd, "Not possible: %s\n", outdial_strerror(res));
	}
	return res != OUTDIAL_OK;
}

static char *cli_drain(struct ast_cli_entry *e, int cmd, struct ast_cli_args *a)
{
	switch (cmd) {
	case CLI_INIT:
		e->command = "outdial drain";
		e->usage =
			"Usage: outdial drain\n"
			"       No new calls. Agents are logged off as soon as they are free. Then\n"
			"       'module unload res_outdial.so' goes through.\n";
		return NULL;
	case CLI_GENERATE:
		return NULL;
	}
	if (a->argc != e->args) {
		return CLI_SHOWUSAGE;
	}
	if (drain(a, 1)) {
		return CLI_FAILURE;
	}
	ast_cli(a->fd, "Draining: %d legs and %d agents are left.\n", legs_count(), sessions_count());
	return CLI_SUCCESS;
}

static char *cli_undrain(struct ast_cli_entry *e, int cmd, struct ast_cli_args *a)
{
	switch (cmd) {
	case CLI_INIT:
		e->command = "outdial undrain";
		e->usage =
			"Usage: outdial undrain\n"
			"       Dial again, and let agents log in again.\n";
		return NULL;
	case CLI_GENERATE:
		return NULL;
	}
	if (a->argc != e->args) {
		return CLI_SHOWUSAGE;
	}
	if (drain(a, 0)) {
		return CLI_FAILURE;
	}
	ast_cli(a->fd, "Dialing goes on.\n");
	return CLI_SUCCESS;
}

static char *cli_debug(struct ast_cli_entry *e, int cmd, struct ast_cli_args *a)
{
	switch (cmd) {
	case CLI_INIT:
		e->command = "outdial set debug {on|off}";
		e->usage =
			"Usage: outdial set debug on|off\n"
			"       on: what the engine and Asterisk tell each other goes to the log, without\n"
			"       'core set debug'. Phone numbers are in it. Only channels of logger.conf that\n"
			"       take 'debug' show it; 'logger add channel outdial.log debug' makes one.\n"
			"       Off again after 'outdial reload' and 'module reload'.\n";
		return NULL;
	case CLI_GENERATE:
		return NULL;
	}
	if (a->argc != e->args) {
		return CLI_SHOWUSAGE;
	}
	shim.debug = !strcasecmp(a->argv[3], "on");
	ast_cli(a->fd, "Debug is %s.%s\n", shim.debug ? "on" : "off", shim.debug
		? " It goes to channels of the log that take 'debug'; phone numbers are in it." : "");
	return CLI_SUCCESS;
}

static char *cli_reload(struct ast_cli_entry *e, int cmd, struct ast_cli_args *a)
{
	switch (cmd) {
	case CLI_INIT:
		e->command = "outdial reload";
		e->usage =
			"Usage: outdial reload\n"
			"       Read outdial.conf again, as 'module reload res_outdial.so' does, and say what\n"
			"       has changed and what needs a restart. Campaigns and trunks are not in it.\n";
		return NULL;
	case CLI_GENERATE:
		return NULL;
	}
	if (a->argc != e->args) {
		return CLI_SHOWUSAGE;
	}
	return shim_reload(write_to, a) ? CLI_FAILURE : CLI_SUCCESS;
}

static struct ast_cli_entry entries[] = {
	AST_CLI_DEFINE(cli_show, "Show what outdial does"),
	AST_CLI_DEFINE(cli_show_one, "Show one campaign of outdial"),
	AST_CLI_DEFINE(cli_agent, "Give an agent of outdial calls again, or log one off"),
	AST_CLI_DEFINE(cli_pause, "Pause an agent of outdial"),
	AST_CLI_DEFINE(cli_campaign, "Start, pause or stop a campaign of outdial"),
	AST_CLI_DEFINE(cli_drain, "Take no new calls and let agents go"),
	AST_CLI_DEFINE(cli_undrain, "Undo outdial drain"),
	AST_CLI_DEFINE(cli_debug, "Switch outdial's debug lines"),
	AST_CLI_DEFINE(cli_reload, "Read outdial.conf again"),
};

int cli_register(void)
{
	return ast_cli_register_multiple(entries, ARRAY_LEN(entries));
}

void cli_unregister(void)
{
	ast_cli_unregister_multiple(entries, ARRAY_LEN(entries));
}
