/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief Tests of the parts, where Asterisk has its test framework: 'test execute category
 * /res/outdial/'.
 *
 * They use the registries of the running module, beside whatever calls there are, with ids that no
 * engine gives. What they post goes to the engine too, which knows no such ids.
 */

#include "leg.h"
#include "tests.h"

#ifdef TEST_FRAMEWORK

#include "asterisk/causes.h"
#include "asterisk/lock.h"

/*! \brief Events of one test that are kept. */
#define POSTED_MAX 16

/*! \brief An event of a leg or session of a test. */
struct posted {
	uint32_t kind;
	char id[OUTDIAL_ID_LEN];
	int value;
	int q850;
};

AST_MUTEX_DEFINE_STATIC(posted_lock);
static struct posted posted[POSTED_MAX];
/*! \brief Events since posted_clear(); may be more than are kept. */
static unsigned int posted_count;

void tests_posted(const struct outdial_event *event)
{
	struct posted *slot;

	if (!ast_begins_with(S_OR(event->id, ""), "test.")) {
		return;
	}
	ast_mutex_lock(&posted_lock);
	if (posted_count < POSTED_MAX) {
		slot = &posted[posted_count];
		slot->kind = event->kind;
		ast_copy_string(slot->id, event->id, sizeof(slot->id));
		slot->value = event->value;
		slot->q850 = event->q850;
	}
	posted_count++;
	ast_mutex_unlock(&posted_lock);
}

void posted_clear(void)
{
	ast_mutex_lock(&posted_lock);
	posted_count = 0;
	ast_mutex_unlock(&posted_lock);
}

unsigned int posted_since_clear(void)
{
	unsigned int count;

	ast_mutex_lock(&posted_lock);
	count = posted_count;
	ast_mutex_unlock(&posted_lock);
	return count;
}

int posted_is(unsigned int at, uint32_t kind, const char *id, int value, int q850)
{
	int res;

	ast_mutex_lock(&posted_lock);
	res = at < posted_count && at < POSTED_MAX && posted[at].kind == kind
		&& !strcmp(posted[at].id, id) && posted[at].value == value && posted[at].q850 == q850;
	ast_mutex_unlock(&posted_lock);
	return res;
}

static struct outdial_originate request_of(const char *id)
{
	return (struct outdial_originate) {
		.struct_size = sizeof(struct outdial_originate),
		.timeout_ms = 1000,
		.leg = id,
		.tech = "Local",
		.endpoint = "outdial_test",
		.number = "5511999990000",
		.caller_id = "551140000000",
		.account = "test",
		.context = "outdial_test",
		.exten = "s",
		.priority = 1,
	};
}

static struct leg *leg_of_test(const char *id)
{
	struct outdial_originate request = request_of(id);

	return leg_create(&request);
}

AST_TEST_DEFINE(legs_are_found_by_their_id)
{
	struct leg *leg;
	struct leg *found;

	DESCRIBE("legs", "A leg is found by its id while it lives, and has its id for itself")
	posted_clear();
	leg = leg_of_test("test.leg");
	ast_test_validate(test, leg != NULL);
	ast_test_validate(test, leg_of_test("test.leg") == NULL);
	found = leg_find("test.leg");
	ast_test_validate(test, found == leg);
	leg_release(found);
	ast_test_validate(test, posted_since_clear() == 0);
	leg_forget(leg);
	ast_test_validate(test, leg_find("test.leg") == NULL);
	ast_test_validate(test, posted_since_clear() == 0);
	leg = leg_of_test("test.leg");
	ast_test_validate(test, leg != NULL);
	leg_forget(leg);
	return AST_TEST_PASS;
}

AST_TEST_DEFINE(only_clean_requests_become_legs)
{
	char number[80];
	struct outdial_originate good = request_of("test.request");
	struct outdial_originate bad[12];
	struct leg *leg;
	size_t i;

	DESCRIBE("requests", "What is to be dialed is made of harmless characters, and fits")
	memset(number, '1', sizeof(number) - 1);
	number[sizeof(number) - 1] = '\0';
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		bad[i] = good;
	}
	bad[0].leg = NULL;
	bad[1].leg = "test.request;2";
	bad[2].tech = "";
	bad[3].tech = "PJSIP/";
	bad[4].endpoint = "carrier&PJSIP/other";
	bad[5].endpoint = "carrier/sip:evil@example.com";
	bad[6].endpoint = NULL;
	bad[7].number = "";
	bad[8].number = "+5511999990000";
	bad[9].number = "900@premium";
	bad[10].number = number;
	bad[11].caller_id = "\"Bank\" <551140000000>";
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		leg = leg_create(&bad[i]);
		if (leg) {
			ast_test_status_update(test, "bad request %zu became a leg\n", i);
			leg_forget(leg);
			return AST_TEST_FAIL;
		}
	}
	good.caller_id = NULL;
	leg = leg_create(&good);
	ast_test_validate(test, leg != NULL);
	leg_forget(leg);
	return AST_TEST_PASS;
}

AST_TEST_DEFINE(a_leg_ends_once_with_its_channel)
{
	struct leg *leg;
	struct leg *held;
	struct ast_channel *chan;

	DESCRIBE("leg_end", "A leg ends once, when its channel and everybody else have let it go")
	posted_clear();
	leg = leg_of_test("test.end");
	ast_test_validate(test, leg != NULL);
	chan = ast_channel_alloc(0, AST_STATE_DOWN, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0,
		"OutdialTest/leg");
	if (!chan || leg_attach(leg, chan)) {
		leg_forget(leg);
		return AST_TEST_FAIL;
	}
	ast_channel_unlock(chan);
	held = leg_of(chan);
	ast_test_validate(test, held == leg);
	leg->q850 = AST_CAUSE_USER_BUSY;
	leg_release(leg);
	ast_test_validate(test, posted_since_clear() == 0);
	ast_hangup(chan);
	ast_test_validate(test, posted_since_clear() == 0);
	leg_release(held);
	ast_test_validate(test,
		posted_is(0, OUTDIAL_EVENT_LEG_ENDED, "test.end", 0, AST_CAUSE_USER_BUSY));
	ast_test_validate(test, posted_since_clear() == 1);
	ast_test_validate(test, leg_find("test.end") == NULL);
	return AST_TEST_PASS;
}

AST_TEST_DEFINE(a_leg_that_is_hung_up_is_not_dialed)
{
	struct leg *leg;

	DESCRIBE("leg_cancelled", "A leg that is hung up before it was dialed ends with that cause")
	posted_clear();
	leg = leg_of_test("test.cancelled");
	ast_test_validate(test, leg != NULL);
	leg_hangup(leg, AST_CAUSE_CALL_REJECTED);
	leg_dial(leg);
	ast_test_validate(test,
		posted_is(0, OUTDIAL_EVENT_LEG_ENDED, "test.cancelled", 0, AST_CAUSE_CALL_REJECTED));
	ast_test_validate(test, posted_since_clear() == 1);
	ast_test_validate(test, leg_find("test.cancelled") == NULL);
	return AST_TEST_PASS;
}

AST_TEST_DEFINE(a_call_that_the_pbx_can_not_make_is_refused)
{
	struct outdial_originate request = request_of("test.refused");
	struct leg *leg;

	DESCRIBE("leg_refused", "Where there is no such technology, the PBX has refused the call")
	posted_clear();
	request.tech = "OutdialTest";
	leg = leg_create(&request);
	ast_test_validate(test, leg != NULL);
	leg_dial(leg);
	ast_test_validate(test, posted_is(0, OUTDIAL_EVENT_LEG_ENDED, "test.refused", 1, 0));
	ast_test_validate(test, posted_since_clear() == 1);
	return AST_TEST_PASS;
}

static void fill_sound(struct leg *leg, const void *from)
{
	ast_copy_string(leg->sound, from, sizeof(leg->sound));
}

AST_TEST_DEFINE(an_order_replaces_a_message)
{
	struct leg *leg;

	DESCRIBE("leg_order", "A message that a later order replaces counts as not played to its end")
	posted_clear();
	leg = leg_of_test("test.order");
	ast_test_validate(test, leg != NULL);
	leg_order(leg, LEG_ORDER_PLAY, fill_sound, "beep");
	ast_test_validate(test, posted_since_clear() == 0);
	leg_order(leg, LEG_ORDER_RELEASE, NULL, NULL);
	ast_test_validate(test, posted_is(0, OUTDIAL_EVENT_LEG_PLAYED, "test.order", 0, 0));
	ast_test_validate(test, posted_since_clear() == 1);
	leg_forget(leg);
	return AST_TEST_PASS;
}

void tests_register(void)
{
	AST_TEST_REGISTER(legs_are_found_by_their_id);
	AST_TEST_REGISTER(only_clean_requests_become_legs);
	AST_TEST_REGISTER(a_leg_ends_once_with_its_channel);
	AST_TEST_REGISTER(a_leg_that_is_hung_up_is_not_dialed);
	AST_TEST_REGISTER(a_call_that_the_pbx_can_not_make_is_refused);
	AST_TEST_REGISTER(an_order_replaces_a_message);
	tests_register_agents();
	tests_register_events();
}

void tests_unregister(void)
{
	tests_unregister_events();
	tests_unregister_agents();
	AST_TEST_UNREGISTER(legs_are_found_by_their_id);
	AST_TEST_UNREGISTER(only_clean_requests_become_legs);
	AST_TEST_UNREGISTER(a_leg_ends_once_with_its_channel);
	AST_TEST_UNREGISTER(a_leg_that_is_hung_up_is_not_dialed);
	AST_TEST_UNREGISTER(a_call_that_the_pbx_can_not_make_is_refused);
	AST_TEST_UNREGISTER(an_order_replaces_a_message);
}

#endif /* TEST_FRAMEWORK */
