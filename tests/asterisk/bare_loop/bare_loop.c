/*
 * res_bare_loop: what a call costs in Asterisk without outdial
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief A loop that originates, for comparison.
 *
 * Same pool of threads, same calls of Asterisk's API as res_outdial, but no engine, journal,
 * registry or link: the difference is what outdial costs.
 */

#include "compat.h"
#include "pool.h"

#include <sys/resource.h>

#include "asterisk/app.h"
#include "asterisk/bridge.h"
#include "asterisk/bridge_basic.h"
#include "asterisk/callerid.h"
#include "asterisk/causes.h"
#include "asterisk/cli.h"
#include "asterisk/dial.h"
#include "asterisk/lock.h"
#include "asterisk/pbx.h"
#include "asterisk/stasis_channels.h"
#include "asterisk/time.h"

static const char app_name[] = "BareLoop";

/*! \brief A call that does not answer is given up. */
#define RING_TIMEOUT_MS 30000
/*! \brief A remote console hangs up after a minute of silence. */
#define PROGRESS_SECONDS 5
/*! \brief Bounds of the command's numbers. */
#define MAX_COUNT 10000000
#define MAX_CONCURRENCY 20000

/*! \brief One run of the command. */
struct run {
	char tech[32];
	char dest[128];
	char context[AST_MAX_CONTEXT];
	unsigned int count;
	double rate;
	unsigned int concurrency;
	struct timeval began;
	/*! \brief Names the channels, together with the call's number. */
	unsigned int id;
	unsigned int started;
	int ended;
	int answered;
	int refused;
};

struct call {
	struct run *run;
	unsigned int number;
};

/*! \brief One run at a time. */
AST_MUTEX_DEFINE_STATIC(running);
static unsigned int runs;

static void on_state(struct ast_dial *dial)
{
	struct call *call = ast_dial_get_user_data(dial);

	if (ast_dial_state(dial) == AST_DIAL_RESULT_ANSWERED) {
		ast_atomic_fetchadd_int(&call->run->answered, 1);
	}
}

/*! \brief What a channel is given when it is originated, as pbx_outgoing_attempt() does it. */
static void dress(struct ast_channel *chan)
{
	struct ast_party_connected_line connected;

	ast_channel_lock(chan);
	ast_channel_stage_snapshot(chan);
	ast_channel_accountcode_set(chan, "bare");
	ast_channel_peeraccount_set(chan, "bare");
	ast_channel_stage_snapshot_done(chan);
	ast_set_flag(ast_channel_flags(chan), AST_FLAG_ORIGINATED);
	ast_channel_unlock(chan);
	ast_set_callerid(chan, "1000", NULL, "1000");
	ast_channel_lock(chan);
	ast_party_connected_line_set_init(&connected, ast_channel_connected(chan));
	ast_channel_unlock(chan);
	connected.id.number.valid = 1;
	connected.id.number.str = (char *) "1000";
	connected.id.number.presentation = AST_PRES_ALLOWED_USER_NUMBER_NOT_SCREENED;
	ast_channel_set_connected_line(chan, &connected, NULL);
}

static void run_answered(struct run *run, struct ast_channel *chan)
{
	if (ast_strlen_zero(run->context)) {
		ast_hangup(chan);
		return;
	}
	ast_channel_lock(chan);
	ast_channel_context_set(chan, run->context);
	ast_channel_exten_set(chan, "s");
	ast_channel_priority_set(chan, 1);
	ast_channel_unlock(chan);
	if (ast_pbx_run(chan)) {
		ast_hangup(chan);
	}
}

/*! \brief One call, from dialing to its end; in a thread of the pool. */
static void call_run(void *data)
{
	struct call *call = data;
	struct run *run = call->run;
	struct ast_dial *dial = ast_dial_create();
	char first[64];
	char second[72];
	struct ast_assigned_ids ids = { .uniqueid = first, .uniqueid2 = second, };

	snprintf(first, sizeof(first), "bare-%u-%u", run->id, call->number);
	snprintf(second, sizeof(second), "%s;2", first);
	ast_callid_threadassoc_add(ast_create_callid());
	if (dial && !ast_dial_append(dial, run->tech, run->dest, &ids)) {
		ast_dial_option_global_enable(dial, AST_DIAL_OPTION_DISABLE_CALL_FORWARDING, NULL);
		ast_dial_set_global_timeout(dial, RING_TIMEOUT_MS);
		ast_dial_set_timeout(dial, 0, RING_TIMEOUT_MS);
		ast_dial_set_state_callback(dial, on_state);
		ast_dial_set_user_data(dial, call);
		if (ast_dial_prerun(dial, NULL, NULL)) {
			ast_atomic_fetchadd_int(&run->refused, 1);
		} else {
			dress(ast_dial_get_channel(dial, 0));
			if (ast_dial_run(dial, NULL, 0) == AST_DIAL_RESULT_ANSWERED) {
				run_answered(run, ast_dial_answered_steal(dial));
			}
		}
	}
	if (dial) {
		ast_dial_destroy(dial);
	}
	ast_callid_threadassoc_remove();
	ast_atomic_fetchadd_int(&run->ended, 1);
	ast_free(call);
}

/*! \brief Start calls at the rate until all are started. */
static void offer(struct run *run, struct pool *pool, int fd)
{
	struct timeval reported = run->began;

	while (run->started < run->count && !ast_shutting_down()) {
		double elapsed = ast_tvdiff_us(ast_tvnow(), run->began) / 1e6;
		struct call *call;

		if (ast_tvdiff_ms(ast_tvnow(), reported) >= PROGRESS_SECONDS * 1000) {
			reported = ast_tvnow();
			ast_cli(fd, "%.0f s: %u started, %d ended\n", elapsed, run->started, run->ended);
		}
		if (run->rate > 0 && run->started >= elapsed * run->rate) {
			/* Exactly until the next one is due: a baseline must not pay for polling. */
			usleep(MAX(1, (run->started / run->rate - elapsed) * 1e6));
			continue;
		}
		call = ast_calloc(1, sizeof(*call));
		if (!call) {
			return;
		}
		call->run = run;
		call->number = run->started;
		if (pool_push(pool, call_run, call)) {
			/* As many as may be at once. */
			ast_free(call);
			usleep(1000);
			continue;
		}
		run->started++;
	}
}

static double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
		+ (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void run_all(struct run *run, int fd)
{
	struct pool *pool = pool_create("bare-loop", run->concurrency, run->concurrency);
	double cpu = cpu_seconds();
	double seconds;

	if (!pool) {
		return;
	}
	run->began = ast_tvnow();
	offer(run, pool, fd);
	pool_destroy(pool);
	seconds = ast_tvdiff_us(ast_tvnow(), run->began) / 1e6;
	cpu = cpu_seconds() - cpu;
	/* One line of names and numbers: read by the benchmark. */
	ast_cli(fd, "calls=%u answered=%d refused=%d seconds=%.3f calls_per_second=%.2f "
		"cpu_seconds=%.3f cpu_ms_per_call=%.4f\n", run->started, run->answered, run->refused, seconds,
		run->started / seconds, cpu, run->started ? cpu * 1000 / run->started : 0);
}

static char *cli_run(struct ast_cli_entry *e, int cmd, struct ast_cli_args *a)
{
	struct run run = { .count = 0, };

	switch (cmd) {
	case CLI_INIT:
		e->command = "bareloop run";
		e->usage =
			"Usage: bareloop run <tech> <dest> <count> <rate> <concurrency> [context]\n"
			"       Originate count calls to tech/dest, rate per second (0: as fast as it\n"
			"       goes), concurrency at once at most. An answered call enters s,1 of the\n"
			"       context, or is hung up where none is given. Ends with one line of figures.\n";
		return NULL;
	case CLI_GENERATE:
		return NULL;
	}
	if (a->argc < e->args + 5 || a->argc > e->args + 6
		|| sscanf(a->argv[4], "%30u", &run.count) != 1 || run.count > MAX_COUNT
		|| sscanf(a->argv[5], "%30lf", &run.rate) != 1 || run.rate < 0
		|| sscanf(a->argv[6], "%30u", &run.concurrency) != 1
		|| !run.concurrency || run.concurrency > MAX_CONCURRENCY) {
		return CLI_SHOWUSAGE;
	}
	ast_copy_string(run.tech, a->argv[2], sizeof(run.tech));
	ast_copy_string(run.dest, a->argv[3], sizeof(run.dest));
	ast_copy_string(run.context, a->argc > e->args + 5 ? a->argv[7] : "", sizeof(run.context));
	if (ast_mutex_trylock(&running)) {
		ast_cli(a->fd, "A run is under way.\n");
		return CLI_FAILURE;
	}
	ast_module_ref(AST_MODULE_SELF);
	run.id = ++runs;
	run_all(&run, a->fd);
	ast_module_unref(AST_MODULE_SELF);
	ast_mutex_unlock(&running);
	return CLI_SUCCESS;
}

/*! \brief The time is up. */
static int leave(struct ast_bridge_channel *bridge_channel, void *hook_pvt)
{
	ast_bridge_channel_leave_bridge(bridge_channel, BRIDGE_CHANNEL_STATE_END_NO_DISSOLVE,
		AST_CAUSE_NORMAL_CLEARING);
	return -1;
}

/*! \brief Wait in a basic bridge, as OutdialConnect does. */
static void wait_in_bridge(struct ast_channel *chan, unsigned int ms)
{
	struct ast_bridge_features features;
	struct ast_bridge *bridge = ast_bridge_basic_new();

	if (!bridge) {
		return;
	}
	ast_bridge_features_init(&features);
	if (!ast_bridge_interval_hook(&features, 0, ms, leave, NULL, NULL, 0)) {
		ast_bridge_join(bridge, chan, NULL, &features, NULL, 0);
	}
	ast_bridge_features_cleanup(&features);
	ast_bridge_destroy(bridge, 0);
}

static int app_exec(struct ast_channel *chan, const char *data)
{
	char *parse = ast_strdupa(S_OR(data, ""));
	int ms;
	AST_DECLARE_APP_ARGS(args,
		AST_APP_ARG(ms);
		AST_APP_ARG(options);
	);

	AST_STANDARD_APP_ARGS(args, parse);
	ms = atoi(S_OR(args.ms, "0"));
	if (ms > 0) {
		if (!ast_strlen_zero(args.options) && strchr(args.options, 'b')) {
			wait_in_bridge(chan, ms);
		} else {
			ast_safe_sleep(chan, ms);
		}
	}
	return 0;
}

static struct ast_cli_entry entries[] = {
	AST_CLI_DEFINE(cli_run, "Originate calls in a loop"),
};

static int unload_module(void)
{
	ast_unregister_application(app_name);
	ast_cli_unregister_multiple(entries, ARRAY_LEN(entries));
	return 0;
}

static int load_module(void)
{
	if (ast_register_application(app_name, app_exec, "Hold a call for a while",
		"BareLoop([ms[,b]]): waits ms milliseconds, with b in a basic bridge.")
		|| ast_cli_register_multiple(entries, ARRAY_LEN(entries))) {
		unload_module();
		return AST_MODULE_LOAD_DECLINE;
	}
	return AST_MODULE_LOAD_SUCCESS;
}

AST_MODULE_INFO(ASTERISK_GPL_KEY, AST_MODFLAG_DEFAULT, "Bare originate loop, for comparison with outdial",
	.support_level = AST_MODULE_SUPPORT_EXTENDED,
	.load = load_module,
	.unload = unload_module,
);
