/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief Tests of the AMI events' queue, run by Asterisk's test framework.
 */

#include "tests.h"

#ifdef TEST_FRAMEWORK

#include "events.h"

#include "asterisk/lock.h"
#include "asterisk/manager.h"
#include "asterisk/time.h"

/*! \brief Events that come when there is no more room. */
#define TOO_MANY 500
/*! \brief No wait of these tests is longer. */
#define PATIENCE_MS 20000
/*! \brief What queueing all of them may take; a manager that blocks would cost the patience above. */
#define QUICK_MS 2000

/*! \brief A listener of the manager that stands still, and with it the thread that sends. */
static struct {
	ast_mutex_t lock;
	ast_cond_t changed;
	int still;
	unsigned int heard;
	/*! \brief Came out of turn. */
	unsigned int late;
} board;

static int board_hears(int category, const char *event, char *body)
{
	struct timeval until = ast_tvadd(ast_tvnow(), ast_samp2tv(PATIENCE_MS, 1000));
	struct timespec limit = { .tv_sec = until.tv_sec, .tv_nsec = until.tv_usec * 1000, };
	const char *agent = strstr(body, "Agent: test.");
	unsigned int turn;

	if (strcmp(event, "OutdialAgentState") || !agent) {
		return 0;
	}
	ast_mutex_lock(&board.lock);
	board.late += sscanf(agent, "Agent: test.%30u", &turn) != 1 || turn != board.heard;
	board.heard++;
	ast_cond_broadcast(&board.changed);
	while (board.still && !ast_cond_timedwait(&board.changed, &board.lock, &limit)) {
	}
	ast_mutex_unlock(&board.lock);
	return 0;
}

static struct manager_custom_hook board_hook = {
	.file = "outdial",
	.helper = board_hears,
};

/*! \brief Wait until it has heard so many. Non-zero: in vain. */
static int board_waits(unsigned int count)
{
	struct timeval until = ast_tvadd(ast_tvnow(), ast_samp2tv(PATIENCE_MS, 1000));
	struct timespec limit = { .tv_sec = until.tv_sec, .tv_nsec = until.tv_usec * 1000, };
	int res = 0;

	ast_mutex_lock(&board.lock);
	while (board.heard < count && !res) {
		res = ast_cond_timedwait(&board.changed, &board.lock, &limit);
	}
	ast_mutex_unlock(&board.lock);
	return res;
}

static void board_moves(void)
{
	ast_mutex_lock(&board.lock);
	board.still = 0;
	ast_cond_broadcast(&board.changed);
	ast_mutex_unlock(&board.lock);
}

/*! \brief What the engine's pump does when an agent's state has changed. */
static void tell(unsigned int number)
{
	char agent[32];
	struct outdial_notice notice = { .struct_size = sizeof(notice), .kind = OUTDIAL_NOTICE_AGENT,
		.leg = "", .session = "", .campaign = "", .trunk = "", .number = "", .agent = agent,
		.old_state = "available", .state = "paused", .pause = "", .reason = "", };

	snprintf(agent, sizeof(agent), "test.%u", number);
	events_notice(&notice);
}

/*! \brief Fill the queue while nothing leaves it. Returns what that took, in ms; -1: it was not still. */
static int64_t fill(void)
{
	struct timeval begin;
	unsigned int i;

	tell(0);
	if (board_waits(1)) {
		return -1;
	}
	begin = ast_tvnow();
	for (i = 1; i <= EVENTS_WAITING + TOO_MANY; i++) {
		tell(i);
	}
	return ast_tvdiff_ms(ast_tvnow(), begin);
}

AST_TEST_DEFINE(a_full_queue_drops_events_and_holds_up_nobody)
{
	struct events_load before;
	struct events_load full;
	struct events_load after;
	int64_t took;
	int in_vain;

	DESCRIBE("events_full", "What AMI can't take is dropped and counted, and the engine does not wait")
	memset(&board, 0, sizeof(board));
	ast_mutex_init(&board.lock);
	ast_cond_init(&board.changed, NULL);
	board.still = 1;
	events_load(&before);
	ast_manager_register_hook(&board_hook);
	took = fill();
	events_load(&full);
	board_moves();
	in_vain = board_waits(EVENTS_WAITING + 1);
	/* There is room again. */
	tell(board.heard);
	in_vain |= board_waits(EVENTS_WAITING + 2);
	ast_manager_unregister_hook(&board_hook);
	events_load(&after);
	ast_cond_destroy(&board.changed);
	ast_mutex_destroy(&board.lock);

	ast_test_status_update(test, "%d events in %d ms\n", EVENTS_WAITING + TOO_MANY, (int) took);
	ast_test_validate(test, took >= 0 && took < QUICK_MS);
	ast_test_validate(test, full.dropped - before.dropped == TOO_MANY);
	ast_test_validate(test, full.sent - before.sent == 1);
	ast_test_validate(test, !in_vain && !board.late);
	ast_test_validate(test, after.sent - before.sent == EVENTS_WAITING + 2);
	ast_test_validate(test, after.dropped == full.dropped);
	return AST_TEST_PASS;
}

void tests_register_events(void)
{
	AST_TEST_REGISTER(a_full_queue_drops_events_and_holds_up_nobody);
}

void tests_unregister_events(void)
{
	AST_TEST_UNREGISTER(a_full_queue_drops_events_and_holds_up_nobody);
}

#endif /* TEST_FRAMEWORK */
