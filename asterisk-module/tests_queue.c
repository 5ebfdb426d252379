/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief Tests of how members of a queue are counted. See tests.c.
 */

#include "queue.h"
#include "tests.h"

#ifdef TEST_FRAMEWORK

#define MEMBER(paused, status, in_call) \
	"Event: QueueMember\r\nQueue: sales\r\nName: Ann\r\nStatus2: 9\r\nInCall: " in_call \
	"\r\nStatus: " status "\r\nPaused: " paused "\r\nPausedReason: \r\n\r\n"
#define NOT_IN_USE "1"
#define IN_USE "2"
#define UNAVAILABLE "5"
#define RINGING "6"
#define UNKNOWN "0"

AST_TEST_DEFINE(members_of_a_queue_are_counted)
{
	struct queue_listing list = { 0, };
	struct queue_count count;

	DESCRIBE("queue_count", "Free is who is idle and not in wrap-up, or rung for a caller of the queue")
	count = queue_sum(&list, 3, 3);
	ast_test_validate(test, !count.known && !count.free);

	queue_list(&list, "Response: Success\r\nMessage: Queue status will follow\r\n\r\n");
	queue_list(&list, "Event: QueueParams\r\nQueue: sales\r\nMax: 0\r\nCalls: 1\r\n\r\n");
	queue_list(&list, MEMBER("0", NOT_IN_USE, "0"));
	queue_list(&list, MEMBER("0", NOT_IN_USE, "0"));
	/* His call has begun, and his phone has not said so yet. */
	queue_list(&list, MEMBER("0", NOT_IN_USE, "1"));
	queue_list(&list, MEMBER("0", IN_USE, "1"));
	queue_list(&list, MEMBER("0", RINGING, "0"));
	queue_list(&list, MEMBER("0", RINGING, "0"));
	queue_list(&list, MEMBER("0", UNKNOWN, "0"));
	queue_list(&list, MEMBER("0", UNAVAILABLE, "0"));
	queue_list(&list, MEMBER("1", NOT_IN_USE, "0"));
	queue_list(&list, "Event: QueueEntry\r\nQueue: sales\r\nPosition: 1\r\n\r\n");
	queue_list(&list, "Event: QueueStatusComplete\r\nListItems: 3\r\n\r\n");

	count = queue_sum(&list, 3, 3);
	ast_test_validate(test, count.known && count.members == 7 && count.callers == 1);
	/* Two are idle. Of two that ring one is rung by a stranger. */
	ast_test_validate(test, count.free == 3 && !count.wrapping);
	count = queue_sum(&list, 3, 2);
	ast_test_validate(test, count.free == 2 && count.wrapping == 1);
	count = queue_sum(&list, 9, 0);
	ast_test_validate(test, count.free == 1);
	return AST_TEST_PASS;
}

AST_TEST_DEFINE(a_queue_that_is_not_there_is_not_found)
{
	DESCRIBE("queue_unknown", "A queue that app_queue does not have does not exist")
	ast_test_validate(test, !queue_exists("outdial-has-no-such-queue"));
	return AST_TEST_PASS;
}

void tests_register_queue(void)
{
	AST_TEST_REGISTER(members_of_a_queue_are_counted);
	AST_TEST_REGISTER(a_queue_that_is_not_there_is_not_found);
}

void tests_unregister_queue(void)
{
	AST_TEST_UNREGISTER(members_of_a_queue_are_counted);
	AST_TEST_UNREGISTER(a_queue_that_is_not_there_is_not_found);
}

#endif /* TEST_FRAMEWORK */
