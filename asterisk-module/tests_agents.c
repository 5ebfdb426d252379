/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief Tests of sessions, phones and pools; see tests.c.
 */

#include "phone.h"
#include "session.h"
#include "tests.h"

#ifdef TEST_FRAMEWORK

#include "asterisk/astobj2.h"
#include "asterisk/lock.h"

/*! \brief How long a test waits for a thread, in ms. */
#define WAIT_MS 5000

AST_TEST_DEFINE(sessions_are_found_by_their_id)
{
	struct session *session;
	struct session *found;
	struct outdial_ring ring = {
		.struct_size = sizeof(ring),
		.session = "test.session",
		.agent = "test",
		.tech = "Local",
		.endpoint = "outdial_test@outdial_test",
	};

	DESCRIBE("sessions", "A session is found by its id until it is gone, and told of once")
	posted_clear();
	session = session_create("test.session", "test");
	ast_test_validate(test, session != NULL);
	ast_test_validate(test, session_create("test.session", "other") == NULL);
	ast_test_validate(test, phone_create(&ring) == NULL);
	found = session_find("test.session");
	ast_test_validate(test, found == session);
	ao2_ref(found, -1);
	ast_test_validate(test, session_move(session, NULL, NULL, NULL) == -1);
	session_gone(session, 1);
	ast_test_validate(test, posted_is(0, OUTDIAL_EVENT_SESSION_GONE, "test.session", 1, 0));
	ast_test_validate(test, posted_since_clear() == 1);
	ast_test_validate(test, session_find("test.session") == NULL);
	return AST_TEST_PASS;
}

AST_TEST_DEFINE(a_dismissed_phone_is_not_rung)
{
	struct session *session;
	struct ast_channel *chan;
	enum ast_test_result_state res = AST_TEST_PASS;
	int rung;
	int hung_up;

	DESCRIBE("session_dismissed", "Who is dismissed before his phone rings is not rung, and stops ringing")
	chan = ast_channel_alloc(0, AST_STATE_DOWN, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0,
		"OutdialTest/phone");
	ast_test_validate(test, chan != NULL);
	ast_channel_unlock(chan);

	/* Dismissed while it rings. */
	session = session_create("test.dismissed", "test");
	ast_test_validate_cleanup(test, session != NULL, res, done);
	rung = !session_ring(session, chan);
	session_dismiss(session, OUTDIAL_DISMISS_ON_HOOK);
	hung_up = ast_check_hangup(chan);
	session_end(session);
	ast_test_validate_cleanup(test, rung && hung_up, res, done);

	/* Dismissed before. */
	session = session_create("test.dismissed", "test");
	ast_test_validate_cleanup(test, session != NULL, res, done);
	session_dismiss(session, OUTDIAL_DISMISS_ON_HOOK);
	rung = !session_ring(session, chan);
	session_end(session);
	ast_test_validate_cleanup(test, !rung, res, done);
done:
	ast_hangup(chan);
	return res;
}

/*! \brief Jobs that wait until they may end. */
struct gate {
	ast_mutex_t lock;
	ast_cond_t changed;
	unsigned int begun;
	unsigned int ended;
	unsigned int open:1;
};

static void gate_job(void *data)
{
	struct gate *gate = data;

	ast_mutex_lock(&gate->lock);
	gate->begun++;
	ast_cond_broadcast(&gate->changed);
	while (!gate->open) {
		ast_cond_wait(&gate->changed, &gate->lock);
	}
	gate->ended++;
	ast_mutex_unlock(&gate->lock);
}

/*! \brief Non-zero: so many jobs have not begun in time. */
static int gate_wait(struct gate *gate, unsigned int begun)
{
	struct timeval end = ast_tvadd(ast_tvnow(), ast_samp2tv(WAIT_MS, 1000));
	struct timespec until = { .tv_sec = end.tv_sec, .tv_nsec = end.tv_usec * 1000, };
	int res = 0;

	ast_mutex_lock(&gate->lock);
	while (gate->begun < begun && !res) {
		res = ast_cond_timedwait(&gate->changed, &gate->lock, &until);
	}
	ast_mutex_unlock(&gate->lock);
	return res;
}

static void gate_open(struct gate *gate)
{
	ast_mutex_lock(&gate->lock);
	gate->open = 1;
	ast_cond_broadcast(&gate->changed);
	ast_mutex_unlock(&gate->lock);
}

AST_TEST_DEFINE(a_pool_is_bounded_and_runs_each_job_once)
{
	struct gate gate = { .begun = 0, };
	struct pool_load load;
	struct pool *pool;
	unsigned int taken = 0;
	unsigned int i;
	int late;

	DESCRIBE("pool", "A pool keeps to its bounds, and has run each job that it took when it ends")
	pool = pool_create("outdial-test", 2, 5);
	ast_test_validate(test, pool != NULL);
	ast_mutex_init(&gate.lock);
	ast_cond_init(&gate.changed, NULL);
	for (i = 0; i < 8; i++) {
		taken += !pool_push(pool, gate_job, &gate);
	}
	late = gate_wait(&gate, 2);
	pool_load(pool, &load);
	gate_open(&gate);
	pool_destroy(pool);
	ast_cond_destroy(&gate.changed);
	ast_mutex_destroy(&gate.lock);
	ast_test_validate(test, !late);
	ast_test_validate(test, taken == 5);
	ast_test_validate(test, load.running == 2 && load.waiting == 3);
	ast_test_validate(test, gate.begun == 5 && gate.ended == 5);
	return AST_TEST_PASS;
}

void tests_register_agents(void)
{
	AST_TEST_REGISTER(sessions_are_found_by_their_id);
	AST_TEST_REGISTER(a_dismissed_phone_is_not_rung);
	AST_TEST_REGISTER(a_pool_is_bounded_and_runs_each_job_once);
}

void tests_unregister_agents(void)
{
	AST_TEST_UNREGISTER(sessions_are_found_by_their_id);
	AST_TEST_UNREGISTER(a_dismissed_phone_is_not_rung);
	AST_TEST_UNREGISTER(a_pool_is_bounded_and_runs_each_job_once);
}

#endif /* TEST_FRAMEWORK */
