/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief CDR and CEL: which attempt a record is of, and one CDR for each leg.
 *
 * CEL reads the channel's userfield. The CDR has one of its own, which can be set only once Asterisk
 * has made the record: asynchronously, from the channel's first message. So the mark is a message,
 * too, on the same topic, and comes behind that one; nobody waits for it.
 *
 * Asterisk makes a CDR for each time that a channel is in a bridge, and after: a customer who waits,
 * hears a message and waits again would have three. They are put together here.
 */

#include "records.h"

#include "asterisk/astobj2.h"
#include "asterisk/cdr.h"
#include "asterisk/channel.h"
#include "asterisk/stasis.h"
#include "asterisk/stasis_channels.h"
#include "asterisk/stasis_message_router.h"

/*! \brief What a customer's userfield begins with; an agent's goes on with 'agent:'. */
#define USERFIELD "outdial:"
#define AGENT_USERFIELD USERFIELD "agent:"

static const char name[] = "outdial";

struct mark {
	char channel[AST_CHANNEL_NAME];
	char userfield[AST_MAX_USER_FIELD];
	unsigned int customer:1;
};

STASIS_MESSAGE_TYPE_DEFN_LOCAL(outdial_mark_type);

/*! \brief The CDR engine takes marks. */
static int routed;

/*! \brief In the CDR engine's thread: the record is there. */
static void on_mark(void *data, struct stasis_subscription *sub, struct stasis_message *message)
{
	struct mark *mark = stasis_message_data(message);
	char there[AST_MAX_USER_FIELD] = "";

	if (ast_strlen_zero(mark->channel)) {
		/* From flush(). */
		return;
	}
	if (ast_cdr_getvar(mark->channel, "userfield", there, sizeof(there))
		|| !ast_strlen_zero(there)) {
		/* No record; or the dialplan's own word, which counts. */
		return;
	}
	ast_cdr_setuserfield(mark->channel, mark->userfield);
	if (mark->customer) {
		/* Whoever was there first: the agent is 'dstchannel' of the customer's record. */
		ast_cdr_set_property(mark->channel, AST_CDR_FLAG_PARTY_A);
	}
}

static void publish(struct ast_channel *chan, const char *userfield, int customer)
{
	struct mark *mark;
	struct stasis_message *message;

	if (!routed || !ast_cdr_is_enabled()) {
		return;
	}
	mark = ao2_alloc_options(sizeof(*mark), NULL, AO2_ALLOC_OPT_LOCK_NOLOCK);
	if (!mark) {
		return;
	}
	ast_copy_string(mark->channel, ast_channel_name(chan), sizeof(mark->channel));
	ast_copy_string(mark->userfield, userfield, sizeof(mark->userfield));
	mark->customer = customer;
	message = stasis_message_create(outdial_mark_type(), mark);
	if (message) {
		stasis_publish(ast_channel_topic(chan), message);
	}
	ao2_cleanup(message);
	ao2_ref(mark, -1);
}

/*! \brief For CEL, with the channel's next snapshot. A userfield that the dialplan has set stays. */
static void mark_channel(struct ast_channel *chan, const char *userfield, int customer)
{
	ast_channel_lock(chan);
	if (ast_strlen_zero(ast_channel_userfield(chan))) {
		ast_channel_userfield_set(chan, userfield);
		if (!customer) {
			ast_channel_publish_snapshot(chan);
		}
	}
	ast_channel_unlock(chan);
}

void records_customer(struct ast_channel *chan, uint64_t attempt, uint64_t lead)
{
	char userfield[64];

	snprintf(userfield, sizeof(userfield), USERFIELD "%llu:%llu", (unsigned long long) attempt,
		(unsigned long long) lead);
	publish(chan, userfield, 1);
	mark_channel(chan, userfield, 1);
}

void records_agent(struct ast_channel *chan, const char *agent)
{
	char userfield[AST_MAX_USER_FIELD];

	snprintf(userfield, sizeof(userfield), AGENT_USERFIELD "%s", agent);
	publish(chan, userfield, 0);
	mark_channel(chan, userfield, 0);
}

/*! \brief Put a later record of the same leg into its first one. */
static void take_over(struct ast_cdr *first, const struct ast_cdr *later)
{
	if (ast_tvcmp(later->end, first->end) > 0) {
		first->end = later->end;
	}
	if (ast_tvzero(first->answer)) {
		first->answer = later->answer;
	}
	if (later->disposition > first->disposition) {
		first->disposition = later->disposition;
	}
	if (ast_strlen_zero(first->dstchannel) && !ast_strlen_zero(later->dstchannel)) {
		ast_copy_string(first->dstchannel, later->dstchannel, sizeof(first->dstchannel));
		ast_copy_string(first->peeraccount, later->peeraccount, sizeof(first->peeraccount));
		ast_copy_string(first->userfield, later->userfield, sizeof(first->userfield));
	}
	first->duration = ast_tvdiff_ms(first->end, first->start) / 1000;
	first->billsec = ast_tvzero(first->answer) ? 0
		: ast_tvdiff_ms(first->end, first->answer) / 1000;
}

/*! \brief Called for each record before any backend sees it; those of one channel are a chain. */
static int on_record(struct ast_cdr *cdr)
{
	struct ast_cdr *later;

	if (ast_test_flag(cdr, AST_CDR_FLAG_DISABLE) || !ast_begins_with(cdr->userfield, USERFIELD)
		|| ast_begins_with(cdr->userfield, AGENT_USERFIELD)) {
		return 0;
	}
	for (later = cdr->next; later; later = later->next) {
		if (!strcmp(later->uniqueid, cdr->uniqueid)) {
			take_over(cdr, later);
			ast_set_flag(later, AST_CDR_FLAG_DISABLE);
		}
	}
	return 0;
}

/*! \brief Have the CDR engine take marks. Non-zero: out of memory. */
static int route(struct stasis_message_router *router)
{
	switch (STASIS_MESSAGE_TYPE_INIT(outdial_mark_type)) {
	case STASIS_MESSAGE_TYPE_SUCCESS:
		break;
	case STASIS_MESSAGE_TYPE_DECLINED:
		/* By stasis.conf. */
		return 0;
	default:
		return -1;
	}
	if (stasis_message_router_add(router, outdial_mark_type(), on_mark, NULL)) {
		STASIS_MESSAGE_TYPE_CLEANUP(outdial_mark_type);
		return -1;
	}
	routed = 1;
	return 0;
}

int records_register(void)
{
	struct stasis_message_router *router = ast_cdr_message_router();
	int res = 0;

	if (router) {
		res = route(router) || ast_cdr_modifier_register(name, "one record for each leg", on_record);
		ao2_ref(router, -1);
	}
	return res;
}

/*! \brief Whatever was sent before is worked off, in code that is about to go. */
static void flush(struct stasis_message_router *router)
{
	struct mark *last = ao2_alloc_options(sizeof(*last), NULL, AO2_ALLOC_OPT_LOCK_NOLOCK);
	struct stasis_message *message = last ? stasis_message_create(outdial_mark_type(), last) : NULL;

	if (message) {
		stasis_message_router_publish_sync(router, message);
	}
	ao2_cleanup(message);
	ao2_cleanup(last);
}

void records_unregister(void)
{
	struct stasis_message_router *router = ast_cdr_message_router();

	ast_cdr_modifier_unregister(name);
	if (router && routed) {
		routed = 0;
		flush(router);
		stasis_message_router_remove(router, outdial_mark_type());
		STASIS_MESSAGE_TYPE_CLEANUP(outdial_mark_type);
	}
	ao2_cleanup(router);
}
