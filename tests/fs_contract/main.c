/*
 * SPDX-License-Identifier: MIT
 *
 * The contract host: commands on stdin, answers on stdout.
 *   fs_contract MODULE CONF
 * Each command is answered by lines 'out TEXT' and 'done CODE', 0: it was done.
 */
#include "host.h"

struct settings settings;

/* Every function that the contract states is there: else the host does not link. */
static void *const functions[] __attribute__((used)) = {
#define FUNCTION(result, name, args) (void *) name,
#define CALL(result, name, args, names) (void *) name,
#define VARIABLE(type, name) (void *) &name,
#include "include/calls.def"
};

static void out(const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n");

		printf("out %.*s\n", (int) length, text);
		text += length + (text[length] == '\n');
	}
}

static int api(const char *line)
{
	switch_stream_handle_t stream;
	char name[TEXT_LEN];
	const char *rest = strchr(line, ' ');
	switch_status_t status;

	switch_copy_string(name, line, sizeof(name));
	name[strcspn(name, " ")] = '\0';
	SWITCH_STANDARD_STREAM(stream);
	status = switch_api_execute(name, rest ? rest + 1 : NULL, NULL, &stream);
	out(stream.data);
	free(stream.data);
	return (int) status;
}

static int load(const char *module, int unload, int force)
{
	const char *error = "";
	int res = unload ? module_unload(force, &error) : module_load(module, &error);

	out(error);
	return res ? 1 : 0;
}

/* Wakes up whoever reads a packet, and means nothing by it: the core does so, too. */
static int wake(const char *uuid)
{
	switch_core_session_t *session = switch_core_session_locate(uuid);

	if (!session) {
		return 1;
	}
	switch_core_session_kill_channel(session, SWITCH_SIG_BREAK);
	switch_core_session_rwunlock(session);
	return 0;
}

/* Of a channel by its uuid. */
static int hang_up(const char *uuid)
{
	switch_core_session_t *session = switch_core_session_locate(uuid);

	if (!session) {
		return 1;
	}
	switch_channel_hangup(&session->channel, SWITCH_CAUSE_NORMAL_CLEARING);
	switch_core_session_rwunlock(session);
	return 0;
}

static int transfer(const char *uuid, const char *exten, const char *context)
{
	switch_core_session_t *session = switch_core_session_locate(uuid);

	if (!session) {
		return 1;
	}
	switch_ivr_session_transfer(session, exten, "XML", context);
	switch_core_session_rwunlock(session);
	return 0;
}

static int press(const char *uuid, const char *digits)
{
	switch_core_session_t *session = switch_core_session_locate(uuid);

	if (!session) {
		return 1;
	}
	channel_press(&session->channel, digits);
	switch_core_session_rwunlock(session);
	return 0;
}

/* Ends what lives, as FreeSWITCH does when it shuts down, and waits for it. */
static void hang_up_all(void)
{
	while (session_count() || atomic_load(&counts.threads)) {
		session_hang_up_all(SWITCH_CAUSE_NORMAL_CLEARING);
		switch_sleep(1000);
	}
}

static void say_counts(void)
{
	printf("out legs %u dialed %u refused %u answered %u bridged %u played %u fired %u read %u destroyed %u live %u\n", abi_legs(),
		atomic_load(&counts.dialed), atomic_load(&counts.refused), atomic_load(&counts.answered),
		atomic_load(&counts.bridged), atomic_load(&counts.played), atomic_load(&counts.fired),
		atomic_load(&counts.read), atomic_load(&counts.destroyed), session_count());
}

static int command(const char *module, char *line)
{
	char first[TEXT_LEN];
	char second[TEXT_LEN];
	char third[TEXT_LEN];
	unsigned int number;

	if (!strcmp(line, "load") || !strcmp(line, "unload")) {
		return load(module, *line == 'u', 0);
	} else if (!strcmp(line, "shutdown")) {
		atomic_store(&settings.ready, 0);
		session_hang_up_all(SWITCH_CAUSE_NORMAL_CLEARING);
		return load(module, 1, 1);
	} else if (!strncmp(line, "api ", 4)) {
		return api(line + 4);
	} else if (!strncmp(line, "complete ", 9)) {
		return module_complete(line + 9, out) ? 0 : 1;
	} else if (sscanf(line, "call %511s %511s %511s", first, second, third) == 3) {
		/* Each user has one phone. */
		carrier_call(first, first, second, third);
		return 0;
	} else if (sscanf(line, "hangup %511s", first) == 1) {
		return hang_up(first);
	} else if (sscanf(line, "wake %511s", first) == 1) {
		return wake(first);
	} else if (sscanf(line, "transfer %511s %511s %511s", first, second, third) == 3) {
		return transfer(first, second, third);
	} else if (sscanf(line, "press %511s %511s", first, second) == 2) {
		return press(first, second);
	} else if (sscanf(line, "talk %u", &number) == 1) {
		atomic_store(&settings.talk_ms, number);
		return 0;
	} else if (sscanf(line, "cancel %u", &number) == 1) {
		atomic_store(&settings.cancel, (int) number);
		return 0;
	} else if (sscanf(line, "ready %u", &number) == 1) {
		atomic_store(&settings.ready, number != 0);
		return 0;
	} else if (sscanf(line, "fault %u", &number) == 1) {
		return abi_fault(number);
	} else if (sscanf(line, "debug %u", &number) == 1) {
		atomic_store(&settings.debug, number != 0);
		return 0;
	} else if (!strcmp(line, "counts")) {
		say_counts();
		return 0;
	}
	return 2;
}

int main(int argc, char **argv)
{
	static char journal[TEXT_LEN];
	char line[4 * TEXT_LEN];

	if (argc != 3) {
		return 2;
	}
	switch_copy_string(settings.conf, argv[2], sizeof(settings.conf));
	switch_copy_string(journal, argv[2], sizeof(journal));
	SWITCH_GLOBAL_dirs.db_dir = journal;
	SWITCH_GLOBAL_dirs.recordings_dir = journal;
	atomic_store(&settings.ready, 1);
	atomic_store(&settings.talk_ms, 5);
	carrier_start();
	while (fgets(line, sizeof(line), stdin)) {
		int code;

		line[strcspn(line, "\n")] = '\0';
		code = command(argv[1], line);
		printf("done %d\n", code);
		fflush(stdout);
	}
	hang_up_all();
	carrier_stop();
	return 0;
}
