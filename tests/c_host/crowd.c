#include "crowd.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MEMBERS 16

struct member {
	pthread_t thread;
	struct crowd *crowd;
	unsigned int number;
	unsigned long calls;
};

struct crowd {
	struct pbx *pbx;
	struct outdial_engine *engine;
	const struct outdial_settings *settings;
	atomic_int over;
	unsigned int count;
	struct member members[MEMBERS];
};

static void forget(void *data, const char *text)
{
	(void) data;
	(void) text;
}

static void rest(void)
{
	struct timespec span = { .tv_nsec = 1000000 };

	nanosleep(&span, NULL);
}

static void console(struct member *me, unsigned long turn)
{
	static const char *const lines[] = { "show status", "show campaigns", "show calls", "show agents",
		"show trunks", "show why autumn", "show campaign autumn", "agent pause agent1 lunch",
		"agent unpause agent1", "campaign pause autumn", "campaign start autumn", "frobnicate" };
	char word[64];

	outdial_cli(me->crowd->engine, lines[turn % (sizeof(lines) / sizeof(*lines))], forget, NULL);
	outdial_cli_complete(me->crowd->engine, "campaign start ", 0, word, sizeof(word));
}

static void dialplan(struct member *me)
{
	struct outdial_disposition said = { .struct_size = sizeof(said), .code = "sale" };
	struct outdial_engine *engine = me->crowd->engine;
	const char *names[] = { "city" };
	const char *values[] = { "Lima" };
	char text[256];

	outdial_field(engine, OUTDIAL_OF_AGENT, "agent0", "state", text, sizeof(text));
	outdial_field(engine, OUTDIAL_OF_CAMPAIGN, "autumn", "live", text, sizeof(text));
	outdial_dispose(engine, OUTDIAL_OF_AGENT, "agent0", &said, text, sizeof(text));
	outdial_add(engine, "autumn", "+5111", names, values, 1, text, sizeof(text));
	outdial_do_not_call(engine, "5111", NULL, text, sizeof(text));
}

static void manager(struct member *me, unsigned long turn)
{
	struct outdial_stats stats = { .struct_size = sizeof(stats) };
	struct outdial_engine *engine = me->crowd->engine;
	char text[256];

	outdial_stats(engine, &stats);
	outdial_heartbeat_age_ms(engine);
	outdial_watch(engine, turn % 2 ? OUTDIAL_WATCH_CALLS | OUTDIAL_WATCH_AGENTS : 0);
	if (turn % 16 == 0) {
		/* The link is made anew. */
		outdial_reload(engine, me->crowd->settings, text, sizeof(text));
	}
	outdial_start(engine);
}

/* An agent's channel that comes and goes, and events of channels that nobody knows. */
static void agents(struct member *me, unsigned long turn)
{
	struct outdial_engine *engine = me->crowd->engine;
	char session[64];

	snprintf(session, sizeof(session), "crowd-%u-%lu", me->number, turn);
	if (pbx_agent(me->crowd->pbx, session, turn % 4 ? "agent3" : "nobody") == OUTDIAL_OK) {
		outdial_agent(engine, "agent3", turn % 2 ? OUTDIAL_AGENT_PAUSE : OUTDIAL_AGENT_UNPAUSE,
			"tea", NULL, 0);
		pbx_agent_leaves(me->crowd->pbx, session);
	}
	pbx_post(engine, OUTDIAL_EVENT_LEG_RINGING, "other-1-1", NULL);
	pbx_post(engine, OUTDIAL_EVENT_SESSION_GONE, "never", NULL);
}

static void *run(void *data)
{
	struct member *me = data;
	unsigned long turn;

	for (turn = 0; !atomic_load(&me->crowd->over); turn++) {
		switch ((me->number + turn) % 4) {
		case 0:
			console(me, turn / 4);
			break;
		case 1:
			dialplan(me);
			break;
		case 2:
			manager(me, turn / 4);
			break;
		default:
			agents(me, turn / 4);
			break;
		}
		me->calls++;
		rest();
	}
	return NULL;
}

struct crowd *crowd_new(struct pbx *pbx, struct outdial_engine *engine,
	const struct outdial_settings *settings, unsigned int threads)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));

	if (!crowd || threads > MEMBERS) {
		abort();
	}
	crowd->pbx = pbx;
	crowd->engine = engine;
	crowd->settings = settings;
	for (; crowd->count < threads; crowd->count++) {
		struct member *member = &crowd->members[crowd->count];

		member->crowd = crowd;
		member->number = crowd->count;
		if (pthread_create(&member->thread, NULL, run, member)) {
			abort();
		}
	}
	return crowd;
}

unsigned long crowd_free(struct crowd *crowd)
{
	unsigned long calls = 0;

	atomic_store(&crowd->over, 1);
	for (unsigned int i = 0; i < crowd->count; i++) {
		pthread_join(crowd->members[i].thread, NULL);
		calls += crowd->members[i].calls;
	}
	free(crowd);
	return calls;
}
