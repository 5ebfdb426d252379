/*
 * Drives the engine from C. Modes:
 *   life NODE SOCKET JOURNAL ROUNDS   the whole life cycle, ROUNDS times
 *   bad NODE SOCKET JOURNAL           versions, sizes and NULLs that must be refused
 *   flood NODE SOCKET JOURNAL         a million events against a queue that nobody empties
 *   fault NODE SOCKET JOURNAL PLACE   a panic inside the engine
 *   run NODE SOCKET JOURNAL BYTES     commands on stdin, answers on stdout
 * Exit 0: all as it should be.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pbx.h"

/* Only in a build with fault injection, so not in the header. */
extern int32_t outdial_fault(const struct outdial_engine *engine, uint32_t place);

#define CHECK(condition) do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			exit(1); \
		} \
	} while (0)

#define STOP_MS 20000
#define AGENTS 5

static struct outdial_settings settings;

static void pause_ms(long ms)
{
	struct timespec span = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&span, NULL);
}

/* Waits until `done` says so, as long as a slow machine may need. */
static int wait_for(int (*done)(void *), void *data)
{
	for (int i = 0; i < 6000; i++) {
		if (done(data)) {
			return 1;
		}
		pause_ms(5);
	}
	return 0;
}

static struct outdial_stats stats_of(struct outdial_engine *engine)
{
	struct outdial_stats stats = { .struct_size = sizeof(stats) };

	CHECK(outdial_stats(engine, &stats) == OUTDIAL_OK);
	return stats;
}

static struct outdial_engine *make(struct pbx *pbx)
{
	struct outdial_host host = pbx_host(pbx);
	struct outdial_engine *engine = NULL;
	char err[256] = "";

	if (outdial_new(&host, &settings, &engine, err, sizeof(err)) != OUTDIAL_OK) {
		fprintf(stderr, "outdial_new: %s\n", err);
		exit(2);
	}
	pbx_use(pbx, engine);
	return engine;
}

static int is_configured(void *pbx)
{
	return atomic_load(&pbx_counts(pbx)->probed) > 0;
}

static int is_idle(void *engine)
{
	struct outdial_stats stats = stats_of(engine);

	return !stats.live_attempts && !stats.sessions;
}

static int is_poisoned(void *engine)
{
	return stats_of(engine).poisoned == 1;
}

static int has_nothing(void *pbx)
{
	return pbx_live(pbx) == 0;
}

static int has_dialed(void *pbx)
{
	return atomic_load(&pbx_counts(pbx)->ended) >= 10;
}

static void log_agents_in(struct pbx *pbx, unsigned int round)
{
	char session[64], agent[32];

	for (unsigned int i = 0; i < AGENTS; i++) {
		snprintf(session, sizeof(session), "1700000000.%u-%u", round, i);
		snprintf(agent, sizeof(agent), "agent%u", i);
		CHECK(pbx_agent(pbx, session, agent) == OUTDIAL_OK);
	}
}

static void life(unsigned int rounds)
{
	unsigned int bridged = 0;

	for (unsigned int round = 0; round < rounds; round++) {
		struct pbx *pbx = pbx_new(4);
		struct outdial_engine *engine = make(pbx);

		if (round % 2) {
			CHECK(outdial_watch(engine, OUTDIAL_WATCH_CALLS | OUTDIAL_WATCH_AGENTS) == OUTDIAL_OK);
		}
		CHECK(outdial_start(engine) == OUTDIAL_OK);
		CHECK(outdial_start(engine) == OUTDIAL_E_STATE);
		/* Agents may come before the sidecar has said who they are. */
		CHECK(round % 2 || wait_for(is_configured, pbx));
		log_agents_in(pbx, round);
		CHECK(wait_for(has_dialed, pbx));
		CHECK(outdial_drain(engine, 1) == OUTDIAL_OK);
		CHECK(wait_for(is_idle, engine));
		CHECK(wait_for(has_nothing, pbx));
		CHECK(outdial_heartbeat_age_ms(engine) < 2000);
		CHECK(outdial_stop(engine, STOP_MS) == OUTDIAL_OK);
		CHECK(outdial_stop(engine, STOP_MS) == OUTDIAL_OK);
		CHECK(pbx_post(engine, OUTDIAL_EVENT_SESSION_ENTERED, "late", "agent1")
			== OUTDIAL_E_STATE);
		CHECK(atomic_load(&pbx_counts(pbx)->broken) == 0);
		CHECK(atomic_load(&pbx_counts(pbx)->faults) == 0);
		CHECK((atomic_load(&pbx_counts(pbx)->told_calls) > 20) == round % 2);
		CHECK((atomic_load(&pbx_counts(pbx)->told_agents) > 2 * AGENTS) == round % 2);
		bridged += atomic_load(&pbx_counts(pbx)->bridged);
		pbx_free(pbx);
		outdial_free(engine);
	}
	CHECK(bridged > 0);
	printf("bridged %u\n", bridged);
}

static void refused(struct outdial_host *host, const struct outdial_settings *with, int32_t code,
	const char *say, const char *also)
{
	struct outdial_engine *engine = (struct outdial_engine *) 1;
	char err[256] = "";

	CHECK(outdial_new(host, with, &engine, err, sizeof(err)) == code);
	CHECK(engine == (struct outdial_engine *) 1);
	if (!strstr(err, say) || !strstr(err, also)) {
		fprintf(stderr, "\"%s\" and \"%s\" are not both in: %s\n", say, also, err);
		exit(1);
	}
	/* A short buffer is not written beyond its end. */
	memset(err, 'x', sizeof(err));
	CHECK(outdial_new(host, with, &engine, err, 4) == code);
	CHECK(strlen(err) == 3 && err[4] == 'x');
	CHECK(outdial_new(host, with, &engine, NULL, 0) == code);
}

/* What the dialplan has done; there is no sidecar here. */
static void bad_requests(struct outdial_engine *engine)
{
	struct outdial_disposition small = { .struct_size = 8, .code = "sale" };
	struct outdial_disposition said = { .struct_size = sizeof(said) };
	struct outdial_inbound call = { .struct_size = sizeof(call) };
	struct outdial_inbound_leg leg = { .struct_size = sizeof(leg) };
	const char *names[65] = { NULL };
	char err[512] = "";

	CHECK(outdial_dispose(engine, OUTDIAL_OF_LEG, "other-1-1", NULL, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(strstr(err, "no disposition"));
	CHECK(outdial_dispose(engine, OUTDIAL_OF_LEG, "other-1-1", &small, err, sizeof(err)) == OUTDIAL_E_ABI);
	CHECK(outdial_dispose(engine, OUTDIAL_OF_LEG, "other-1-1", &said, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(strstr(err, "the code is missing"));
	said.code = "sale";
	CHECK(outdial_dispose(engine, OUTDIAL_OF_LEG, NULL, &said, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_dispose(engine, OUTDIAL_OF_LEG, "other-1-1", &said, err, sizeof(err)) == OUTDIAL_E_STATE);
	CHECK(outdial_dispose(engine, 9, "a", &said, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_dispose(engine, OUTDIAL_OF_AGENT, "a", &said, NULL, 0) == OUTDIAL_E_IO);
	CHECK(outdial_add(engine, "c", NULL, NULL, NULL, 0, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_add(engine, "c", "+1", NULL, NULL, 1, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_add(engine, "c", "+1", names, names, 65, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_add(engine, "c", "+1", names, names, 1, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(strstr(err, "column's name is missing"));
	CHECK(outdial_add(engine, "c", "+1", NULL, NULL, 0, err, sizeof(err)) == OUTDIAL_E_IO);
	CHECK(outdial_do_not_call(engine, NULL, NULL, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_do_not_call(engine, "1", "\xff", err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_do_not_call(engine, "1", NULL, err, sizeof(err)) == OUTDIAL_E_IO);
	CHECK(outdial_inbound(engine, NULL, &leg, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_inbound(engine, &call, NULL, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_inbound(engine, &call, &leg, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(strstr(err, "number") != NULL);
	call.number = "\xff";
	CHECK(outdial_inbound(engine, &call, &leg, NULL, 0) == OUTDIAL_E_ARGUMENT);
	call.number = "5511990000001";
	CHECK(outdial_inbound(engine, &call, &leg, err, sizeof(err)) == OUTDIAL_E_IO);
	CHECK(leg.attempt == 0 && leg.leg[0] == '\0');
	leg.struct_size = 8;
	CHECK(outdial_inbound(engine, &call, &leg, err, sizeof(err)) == OUTDIAL_E_ABI);
	leg.struct_size = sizeof(leg);
	call.struct_size = 8;
	CHECK(outdial_inbound(engine, &call, &leg, err, sizeof(err)) == OUTDIAL_E_ABI);
}

static void bad(void)
{
	struct pbx *pbx = pbx_new(1);
	struct outdial_host host = pbx_host(pbx);
	struct outdial_settings other = settings;
	struct { struct outdial_host host; char later[64]; } newer = { .host = host };
	struct outdial_event event = { .struct_size = sizeof(event), .kind = 9999, .id = "x" };
	struct outdial_stats stats = { .struct_size = 4 };
	struct outdial_engine *engine = NULL, *second = NULL;
	char err[512] = "", buf[32];

	host.abi_version = (OUTDIAL_ABI_MAJOR + 1) << 16;
	snprintf(buf, sizeof(buf), "speaks %d.%d", OUTDIAL_ABI_MAJOR, OUTDIAL_ABI_MINOR);
	refused(&host, &settings, OUTDIAL_E_ABI, "built for 2.0", buf);
	host = pbx_host(pbx);
	host.struct_size = offsetof(struct outdial_host, ring) - 8;
	snprintf(buf, sizeof(buf), "%zu bytes", offsetof(struct outdial_host, ring) - 8);
	refused(&host, &settings, OUTDIAL_E_ABI, buf, "needs 104");
	host = pbx_host(pbx);
	host.ring = NULL;
	refused(&host, &settings, OUTDIAL_E_ABI, "ring", "NULL");
	host = pbx_host(pbx);
	host.play = NULL;
	refused(&host, &settings, OUTDIAL_E_ABI, "play", "NULL");
	host = pbx_host(pbx);
	refused(NULL, &settings, OUTDIAL_E_ABI, "vtable", "NULL");
	refused(&host, NULL, OUTDIAL_E_ARGUMENT, "settings", "NULL");
	other.struct_size = 8;
	refused(&host, &other, OUTDIAL_E_ABI, "8 bytes", "needs");
	other = settings;
	other.node = "a-b";
	refused(&host, &other, OUTDIAL_E_ARGUMENT, "node", "allowed");
	other.node = NULL;
	refused(&host, &other, OUTDIAL_E_ARGUMENT, "node", "missing");
	other = settings;
	other.test_host = 2;
	refused(&host, &other, OUTDIAL_E_ARGUMENT, "test_host = 2", "0 or 1");
	other.struct_size = offsetof(struct outdial_settings, test_host) - 8;
	refused(&host, &other, OUTDIAL_E_ABI, "bytes", "needs");
	/* What stands behind the end of ABI 1.0's struct is not looked at. */
	other.struct_size = offsetof(struct outdial_settings, test_host);
	other.journal = "relative";
	refused(&host, &other, OUTDIAL_E_ARGUMENT, "journal", "begin with /");
	other = settings;
	other.journal = "relative";
	refused(&host, &other, OUTDIAL_E_ARGUMENT, "journal", "begin with /");
	other.journal = "/proc/none/journal";
	refused(&host, &other, OUTDIAL_E_IO, "/proc/none/journal", "");
	CHECK(outdial_new(&host, &settings, NULL, NULL, 0) == OUTDIAL_E_ARGUMENT);

	/* Hosts of earlier minor versions, which end before what was appended: accepted. */
	host = pbx_host(pbx);
	host.abi_version = OUTDIAL_ABI_MAJOR << 16;
	host.struct_size = offsetof(struct outdial_host, ring);
	CHECK(outdial_new(&host, &settings, &engine, err, sizeof(err)) == OUTDIAL_OK);
	outdial_free(engine);
	host.abi_version = OUTDIAL_ABI_MAJOR << 16 | 1;
	host.struct_size = offsetof(struct outdial_host, notice);
	CHECK(outdial_new(&host, &settings, &engine, err, sizeof(err)) == OUTDIAL_OK);
	CHECK(outdial_watch(engine, OUTDIAL_WATCH_CALLS) == OUTDIAL_E_ABI);
	CHECK(outdial_watch(engine, 0) == OUTDIAL_OK);
	outdial_free(engine);

	/* A host of a later minor version: accepted. */
	host = pbx_host(pbx);
	newer.host.abi_version = OUTDIAL_ABI_MAJOR << 16 | 7;
	newer.host.struct_size = sizeof(newer);
	CHECK(outdial_new(&newer.host, &settings, &engine, err, sizeof(err)) == OUTDIAL_OK);
	pbx_use(pbx, engine);
	CHECK(outdial_new(&host, &settings, &second, err, sizeof(err)) == OUTDIAL_E_IO);
	CHECK(strstr(err, "in use by process"));
	CHECK(outdial_post(engine, &event) == OUTDIAL_E_STATE);
	CHECK(outdial_drain(engine, 1) == OUTDIAL_E_STATE);
	CHECK(outdial_heartbeat_age_ms(engine) == UINT64_MAX);
	CHECK(outdial_start(engine) == OUTDIAL_OK);

	CHECK(outdial_post(engine, NULL) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_post(engine, &event) == OUTDIAL_E_ARGUMENT);
	event.struct_size = 8;
	CHECK(outdial_post(engine, &event) == OUTDIAL_E_ABI);
	CHECK(pbx_post(engine, OUTDIAL_EVENT_LEG_RINGING, "other-1-1", NULL) == OUTDIAL_E_NOT_FOUND);
	CHECK(pbx_post(engine, OUTDIAL_EVENT_LEG_ENDED, NULL, NULL) == OUTDIAL_E_ARGUMENT);
	CHECK(pbx_post(engine, OUTDIAL_EVENT_SESSION_GONE, "never", NULL) == OUTDIAL_E_NOT_FOUND);
	CHECK(pbx_post(engine, OUTDIAL_EVENT_SESSION_ENTERED, "s", "") == OUTDIAL_E_ARGUMENT);
	CHECK(pbx_post(engine, OUTDIAL_EVENT_SESSION_ENTERED, "s", "\xff") == OUTDIAL_E_ARGUMENT);
	CHECK(stats_of(engine).stray >= 5);
	CHECK(outdial_stats(engine, NULL) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_stats(engine, &stats) == OUTDIAL_E_ABI);
	stats.struct_size = 8;
	stats.draining = 77;
	CHECK(outdial_stats(engine, &stats) == OUTDIAL_OK && stats.draining == 77);
	CHECK(outdial_cli(engine, NULL, NULL, NULL) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_agent(engine, NULL, OUTDIAL_AGENT_PAUSE, NULL, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(strstr(err, "agent's name"));
	CHECK(outdial_agent(engine, "a", 99, NULL, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(strstr(err, "no action 99"));
	CHECK(outdial_agent(engine, "a", OUTDIAL_AGENT_PAUSE, "\xff", NULL, 0) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_agent(engine, "a", OUTDIAL_AGENT_PAUSE, NULL, err, sizeof(err)) == OUTDIAL_E_NOT_FOUND);
	CHECK(strstr(err, "no agent of that name"));
	CHECK(outdial_field(engine, OUTDIAL_OF_CAMPAIGN, "none", "live", buf, sizeof(buf)) == OUTDIAL_E_NOT_FOUND);
	CHECK(outdial_field(engine, OUTDIAL_OF_CAMPAIGN, "none", "nonsense", buf, sizeof(buf)) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_field(engine, OUTDIAL_OF_LEG, "other-1-1", "lead", buf, sizeof(buf)) == OUTDIAL_E_NOT_FOUND);
	CHECK(outdial_field(engine, 9, "a", "state", buf, sizeof(buf)) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_field(engine, OUTDIAL_OF_AGENT, "a", "state", NULL, 0) == OUTDIAL_E_ARGUMENT);
	bad_requests(engine);
	CHECK(outdial_cli_complete(engine, "show s", 0, buf, sizeof(buf)) == OUTDIAL_OK);
	CHECK(!strcmp(buf, "status"));
	CHECK(outdial_cli_complete(engine, "show s", 1, buf, sizeof(buf)) == OUTDIAL_E_NOT_FOUND);
	CHECK(outdial_cli_complete(engine, "show s", 0, buf, 3) == OUTDIAL_E_NOT_FOUND);
	other = settings;
	other.node = "another";
	CHECK(outdial_reload(engine, &other, err, sizeof(err)) == OUTDIAL_E_STATE);
	CHECK(strstr(err, "new engine"));
	CHECK(outdial_reload(engine, &settings, err, sizeof(err)) == OUTDIAL_OK);

	CHECK(outdial_start(NULL) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_stop(NULL, 0) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_seal(NULL) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_drain(NULL, 0) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_watch(NULL, 0) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_watch(engine, 1 << 10) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_post(NULL, &event) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_heartbeat_age_ms(NULL) == UINT64_MAX);
	CHECK(outdial_abi_version() == (OUTDIAL_ABI_MAJOR << 16 | OUTDIAL_ABI_MINOR));
	CHECK(strlen(outdial_version()) > 0 && strlen(outdial_strerror(12345)) > 0);
	outdial_free(NULL);
	CHECK(outdial_seal(engine) == OUTDIAL_OK);
	CHECK(outdial_stop(engine, STOP_MS) == OUTDIAL_OK);
	outdial_free(engine);
	pbx_free(pbx);
}

static int stalled(void *engine)
{
	return outdial_heartbeat_age_ms(engine) > 500;
}

static void flood(void)
{
	struct pbx *pbx = pbx_new(1);
	struct outdial_engine *engine = make(pbx);
	struct timespec from, to;
	unsigned long taken = 0, full = 0;
	long ns;
	char session[32];
	char leg[64];

	CHECK(outdial_start(engine) == OUTDIAL_OK);
	for (unsigned int i = 0; i < 200; i++) {
		snprintf(session, sizeof(session), "session-%u", i);
		CHECK(pbx_post(engine, OUTDIAL_EVENT_SESSION_ENTERED, session, "nobody")
			== OUTDIAL_OK);
	}
	/* The customer has gone, the agent meant for him is still there and must come free. */
	snprintf(leg, sizeof(leg), "%s-1-1", settings.node);
	CHECK(pbx_post(engine, OUTDIAL_EVENT_LEG_BRIDGED, leg, "session-0") == OUTDIAL_E_NOT_FOUND);
	CHECK(pbx_post(engine, OUTDIAL_EVENT_LEG_CONNECT_FAILED, leg, "session-0") == OUTDIAL_OK);
	CHECK(pbx_post(engine, OUTDIAL_EVENT_LEG_CONNECT_FAILED, leg, "never")
		== OUTDIAL_E_NOT_FOUND);
	pbx_stall(pbx, 1);
	CHECK(wait_for(stalled, engine));
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (unsigned int i = 0; i < 1000000; i++) {
		int32_t res = pbx_post(engine, OUTDIAL_EVENT_PROBED, NULL, NULL);

		CHECK(res == OUTDIAL_OK || res == OUTDIAL_E_FULL);
		*(res == OUTDIAL_OK ? &taken : &full) += 1;
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	ns = (to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec - from.tv_nsec;
	CHECK(taken > 0 && full > 0);
	CHECK(stats_of(engine).refused >= full);
	CHECK(pbx_post(engine, OUTDIAL_EVENT_SESSION_ENTERED, "one more", "x") == OUTDIAL_E_FULL);
	/* Terminal events fit all the same. */
	for (unsigned int i = 0; i < 200; i++) {
		snprintf(session, sizeof(session), "session-%u", i);
		CHECK(pbx_post(engine, OUTDIAL_EVENT_SESSION_GONE, session, NULL) == OUTDIAL_OK);
	}
	CHECK(outdial_stop(engine, 50) == OUTDIAL_E_TIMEOUT);
	pbx_stall(pbx, 0);
	CHECK(outdial_stop(engine, STOP_MS) == OUTDIAL_OK);
	CHECK(stats_of(engine).sessions == 0);
	printf("taken %lu full %lu ns_per_post %ld\n", taken, full, ns / 1000000);
	outdial_free(engine);
	pbx_free(pbx);
}

static void fault(uint32_t place)
{
	struct pbx *pbx = pbx_new(2);
	struct outdial_engine *engine = make(pbx);
	unsigned int originated;

	CHECK(outdial_start(engine) == OUTDIAL_OK);
	CHECK(wait_for(is_configured, pbx));
	log_agents_in(pbx, 0);
	CHECK(wait_for(has_dialed, pbx));
	pbx_talk_ms(pbx, 60000);
	CHECK(outdial_fault(engine, place) == (place ? OUTDIAL_OK : OUTDIAL_E_POISONED));
	CHECK(wait_for(is_poisoned, engine));
	CHECK(outdial_fault(engine, 0) == OUTDIAL_E_POISONED);
	/* The pump may be inside one last call of the host. */
	CHECK(outdial_heartbeat_age_ms(engine) == UINT64_MAX);
	pause_ms(300);
	originated = atomic_load(&pbx_counts(pbx)->originated);
	pause_ms(500);
	CHECK(atomic_load(&pbx_counts(pbx)->originated) == originated);
	CHECK(atomic_load(&pbx_counts(pbx)->faults) == 1);
	CHECK(pbx_post(engine, OUTDIAL_EVENT_SESSION_ENTERED, "s", "a") == OUTDIAL_E_POISONED);
	CHECK(outdial_drain(engine, 1) == OUTDIAL_E_POISONED);
	CHECK(outdial_agent(engine, "a", OUTDIAL_AGENT_UNPAUSE, NULL, NULL, 0) == OUTDIAL_E_POISONED);
	pbx_hang_up_all(pbx);
	CHECK(outdial_stop(engine, STOP_MS) == OUTDIAL_OK);
	pbx_free(pbx);
	outdial_free(engine);
}

static void say(void *data, const char *text)
{
	(void) data;
	printf("out %s\n", text);
}

/* Answers each command with "done CODE". */
static void serve(void)
{
	struct pbx *pbx = pbx_new(4);
	struct outdial_engine *engine = make(pbx);
	char line[1024];
	char name[64];
	char field[64];
	char value[256];
	unsigned int number;
	int32_t res = outdial_start(engine);

	CHECK(res == OUTDIAL_OK);
	printf("done 0\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "cli ", 4)) {
			res = outdial_cli(engine, line + 4, say, NULL);
		} else if (sscanf(line, "field %u %63s %63s", &number, name, field) == 3) {
			res = outdial_field(engine, number, name, field, value, sizeof(value));
			if (res == OUTDIAL_OK) {
				printf("out %s\n", value);
			}
		} else if (sscanf(line, "dispose %u %63s %63s", &number, name, field) == 3) {
			struct outdial_disposition said = { .struct_size = sizeof(said), .code = field };

			value[0] = '\0';
			res = outdial_dispose(engine, number, name, &said, value, sizeof(value));
			printf("out %s\n", value);
		} else if (sscanf(line, "add %63s %63s", name, field) == 2) {
			const char *names[] = { "city" };
			const char *values[] = { "Lima" };

			res = outdial_add(engine, name, field, names, values, 1, value, sizeof(value));
		} else if (sscanf(line, "inbound %63s", name) == 1) {
			struct outdial_inbound call = { .struct_size = sizeof(call),
				.wait_ms = 60000, .number = name, .called = "+551130000000" };
			struct outdial_inbound_leg leg = { .struct_size = sizeof(leg) };

			value[0] = '\0';
			res = outdial_inbound(engine, &call, &leg, value, sizeof(value));
			printf("out %s\n", res == OUTDIAL_OK ? leg.leg : value);
		} else if (sscanf(line, "gone %63s", name) == 1) {
			struct outdial_event gone = { .struct_size = sizeof(gone),
				.kind = OUTDIAL_EVENT_LEG_ENDED, .id = name, .q850 = 16 };

			res = outdial_post(engine, &gone);
		} else if (sscanf(line, "dnc %63s", name) == 1) {
			res = outdial_do_not_call(engine, name, NULL, value, sizeof(value));
		} else if (sscanf(line, "talk %u", &number) == 1) {
			pbx_talk_ms(pbx, number);
			res = OUTDIAL_OK;
		} else if (sscanf(line, "agents %u", &number) == 1) {
			log_agents_in(pbx, number);
			res = OUTDIAL_OK;
		} else if (!strcmp(line, "counts")) {
			struct pbx_counts *counts = pbx_counts(pbx);

			printf("out originated %u bridged %u ended %u rung %u broken %u\n",
				counts->originated, counts->bridged, counts->ended, counts->rung,
				counts->broken);
			res = OUTDIAL_OK;
		} else if (!strcmp(line, "stall") || !strcmp(line, "unstall")) {
			pbx_stall(pbx, line[0] == 's');
			res = OUTDIAL_OK;
		} else if (!strcmp(line, "seal")) {
			res = outdial_seal(engine);
		} else if (!strcmp(line, "stop")) {
			pbx_hang_up_all(pbx);
			CHECK(wait_for(is_idle, engine));
			res = outdial_stop(engine, STOP_MS);
		} else {
			res = OUTDIAL_E_ARGUMENT;
		}
		printf("done %d\n", res);
		fflush(stdout);
	}
	outdial_stop(engine, STOP_MS);
	pbx_free(pbx);
	outdial_free(engine);
}

int main(int argc, char **argv)
{
	CHECK(argc >= 5);
	settings.struct_size = sizeof(settings);
	settings.node = argv[2];
	settings.socket = argv[3];
	settings.journal = argv[4];
	settings.pbx = "C host 1";
	if (!strcmp(argv[1], "life")) {
		life(argc > 5 ? (unsigned int) atoi(argv[5]) : 1);
	} else if (!strcmp(argv[1], "bad")) {
		bad();
	} else if (!strcmp(argv[1], "flood")) {
		flood();
	} else if (!strcmp(argv[1], "fault")) {
		fault(argc > 5 ? (uint32_t) atoi(argv[5]) : 0);
	} else if (!strcmp(argv[1], "run")) {
		settings.journal_bytes = argc > 5 ? strtoull(argv[5], NULL, 10) : 0;
		serve();
	} else {
		return 2;
	}
	return 0;
}
