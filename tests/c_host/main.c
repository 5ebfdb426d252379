/*
 * Drives the engine from C. Modes:
 *   life NODE SOCKET JOURNAL ROUNDS   the whole life cycle, ROUNDS times
 *   bad NODE SOCKET JOURNAL           versions, sizes and NULLs that must be refused
 *   flood NODE SOCKET JOURNAL         a million events against a queue that nobody empties
 *   fault NODE SOCKET JOURNAL PLACE   a panic inside the engine
 *   crowd NODE SOCKET JOURNAL ROUNDS  calls, while threads ask for everything at once, also at the end
 *   race NODE SOCKET JOURNAL          a data race in the engine, for ThreadSanitizer to find
 *   run NODE SOCKET JOURNAL BYTES     commands on stdin, answers on stdout
 * Exit 0: all as it should be.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crowd.h"
#include "main.h"

/* Only in a build with fault injection, so not in the header. */
extern int32_t outdial_fault(const struct outdial_engine *engine, uint32_t place);

#define AGENTS 5
#define CROWD 8
/* As ffi/fault.rs has it. */
#define FAULT_RACE 4

struct outdial_settings settings;

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

struct outdial_stats stats_of(struct outdial_engine *engine)
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

static void crowd(unsigned int rounds)
{
	unsigned long calls = 0;

	for (unsigned int round = 0; round < rounds; round++) {
		struct pbx *pbx = pbx_new(8);
		struct outdial_engine *engine = make(pbx);
		struct crowd *people = crowd_new(pbx, engine, &settings, CROWD);

		/* One of them may have been first. */
		outdial_start(engine);
		log_agents_in(pbx, round);
		CHECK(wait_for(has_dialed, pbx));
		pbx_hang_up_all(pbx);
		if (round % 2) {
			CHECK(outdial_drain(engine, 1) == OUTDIAL_OK);
		} else {
			CHECK(outdial_seal(engine) == OUTDIAL_OK);
		}
		/* They go on meanwhile, and are refused. */
		CHECK(outdial_stop(engine, STOP_MS) == OUTDIAL_OK);
		calls += crowd_free(people);
		CHECK(atomic_load(&pbx_counts(pbx)->broken) == 0);
		CHECK(atomic_load(&pbx_counts(pbx)->faults) == 0);
		pbx_free(pbx);
		outdial_free(engine);
	}
	printf("crowd %lu\n", calls);
}

static void *ask_for_race(void *engine)
{
	CHECK(outdial_fault(engine, FAULT_RACE) == OUTDIAL_OK);
	return NULL;
}

/* Two threads have the engine write to one place, without a word to each other. */
static void race(void)
{
	struct pbx *pbx = pbx_new(1);
	struct outdial_engine *engine = make(pbx);
	pthread_t other;

	CHECK(!pthread_create(&other, NULL, ask_for_race, engine));
	ask_for_race(engine);
	CHECK(!pthread_join(other, NULL));
	outdial_free(engine);
	pbx_free(pbx);
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
		} else if (sscanf(line, "pin %63s %63s", name, field) == 2) {
			value[0] = '\0';
			res = outdial_check_pin(engine, name, field, value, sizeof(value));
			printf("out %s\n", value);
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

			printf("out originated %u bridged %u taken %u unqueued %u ended %u rung %u broken %u\n",
				counts->originated, counts->bridged, counts->taken, counts->unqueued,
				counts->ended, counts->rung, counts->broken);
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
	} else if (!strcmp(argv[1], "crowd")) {
		crowd(argc > 5 ? (unsigned int) atoi(argv[5]) : 1);
	} else if (!strcmp(argv[1], "race")) {
		race();
	} else if (!strcmp(argv[1], "run")) {
		settings.journal_bytes = argc > 5 ? strtoull(argv[5], NULL, 10) : 0;
		serve();
	} else {
		return 2;
	}
	return 0;
}
