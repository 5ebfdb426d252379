/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief AMI events for other programs. Nothing of outdial's own depends on them.
 *
 * manager_event() takes locks and copies the text for its clients, so the engine's pump only queues,
 * and one thread of the work pool at a time sends, in order.
 */

/*** DOCUMENTATION
	<managerEvent language="en_US" name="OutdialCallState">
		<managerEventInstance class="EVENT_FLAG_CALL">
			<synopsis>Raised when a call of outdial comes to another state.</synopsis>
			<syntax>
				<parameter name="Node"><para>The PBX's name in <filename>outdial.conf</filename>.</para></parameter>
				<parameter name="Campaign"><para>The campaign's name.</para></parameter>
				<parameter name="Attempt"><para>The attempt's number in the database.</para></parameter>
				<parameter name="Lead"><para>The lead's number in the database.</para></parameter>
				<parameter name="Leg"><para>The leg, which is the unique id of the customer's channel.
				A failover to another trunk is the same attempt with another leg.</para></parameter>
				<parameter name="Uniqueid"><para>As <literal>Leg</literal>, but of a call that came in: the
				channel's own, while the leg lives.</para></parameter>
				<parameter name="Trunk"><para>The trunk's name; empty for a call that came
				in.</para></parameter>
				<parameter name="Number"><para>The number as the lead has it. Only with
				<literal>ami_numbers</literal>; with <literal>masked</literal> all but the last three
				digits are stars.</para></parameter>
				<parameter name="Agent"><para>The agent who was chosen, or for whom it was dialed; empty
				before.</para></parameter>
				<parameter name="State"><para>The state now: one of the live states
				<literal>queued</literal>, <literal>originating</literal>,
				<literal>proceeding</literal>, <literal>ringing</literal>,
				<literal>early_media</literal>, <literal>classifying</literal>,
				<literal>awaiting_agent</literal>, <literal>connecting_agent</literal>,
				<literal>bridged</literal>, <literal>playing_message</literal>,
				<literal>wrap_up</literal>, or the outcome.</para></parameter>
				<parameter name="OldState"><para>The state before.</para></parameter>
				<parameter name="Outcome"><para>Only in the attempt's last event:
				<literal>completed</literal>, <literal>no_answer</literal>, <literal>busy</literal>,
				<literal>congested</literal>, <literal>invalid</literal>, <literal>machine</literal>,
				<literal>abandoned</literal>, <literal>cancelled</literal>,
				<literal>failed</literal>.</para></parameter>
				<parameter name="Reason"><para>With the outcome: why, in a few words.</para></parameter>
				<parameter name="SIPStatus"><para>With the outcome: the carrier's final SIP status, 0 for
				none.</para></parameter>
				<parameter name="Q850"><para>With the outcome: the Q.850 cause, 0 for
				none.</para></parameter>
			</syntax>
			<description>
				<para>Only with <literal>ami_events = yes</literal> in
				<filename>outdial.conf</filename>.</para>
			</description>
			<see-also>
				<ref type="managerEvent">OutdialAgentState</ref>
			</see-also>
		</managerEventInstance>
	</managerEvent>
	<managerEvent language="en_US" name="OutdialAgentState">
		<managerEventInstance class="EVENT_FLAG_AGENT">
			<synopsis>Raised when an agent of outdial comes to another state, or has another pause
			code.</synopsis>
			<syntax>
				<parameter name="Node"><para>The PBX's name in <filename>outdial.conf</filename>.</para></parameter>
				<parameter name="Agent"><para>The agent's name.</para></parameter>
				<parameter name="State"><para>The state now: <literal>entering</literal>,
				<literal>available</literal>, <literal>previewing</literal>,
				<literal>ringing</literal>, <literal>reserved</literal>, <literal>on_call</literal>,
				<literal>wrap_up</literal>, <literal>paused</literal>,
				<literal>logged_out</literal>.</para></parameter>
				<parameter name="OldState"><para>The state before; the same if only the pause code has
				changed.</para></parameter>
				<parameter name="Pause"><para>The pause code, also of one who will be paused after the
				call in hand; empty for none.</para></parameter>
				<parameter name="Session"><para>The unique id of the agent's channel; empty for one whose
				phone is on hook.</para></parameter>
				<parameter name="Campaign"><para>The campaign of the call in hand, or of the
				last one.</para></parameter>
				<parameter name="Leg"><para>The leg in hand; empty for none.</para></parameter>
			</syntax>
			<description>
				<para>Only with <literal>ami_events = yes</literal> in
				<filename>outdial.conf</filename>.</para>
			</description>
			<see-also>
				<ref type="managerEvent">OutdialCallState</ref>
			</see-also>
		</managerEventInstance>
	</managerEvent>
 ***/

#include "events.h"
#include "leg.h"

#include "asterisk/linkedlists.h"
#include "asterisk/lock.h"
#include "asterisk/manager.h"

/*! \brief Longest event; longer values are cut. */
#define BODY_LEN 1024
/*! \brief Longest value. */
#define VALUE_LEN 128
/*! \brief Digits that a masked number shows. */
#define DIGITS_SHOWN 3

struct event {
	int category;
	const char *name;
	AST_LIST_ENTRY(event) next;
	char body[];
};

static struct {
	ast_mutex_t lock;
	AST_LIST_HEAD_NOLOCK(, event) waiting;
	unsigned int count;
	struct events_load load;
	/*! \brief A job of the pool sends. */
	unsigned int sending:1;
	/*! \brief The log has it that some are lost; until the queue is empty again. */
	unsigned int said:1;
	/*! \brief One of AMI_NUMBERS_. Read by the pump without the lock. */
	volatile int numbers;
} events;

/*! \brief The lines of an event. */
struct body {
	char text[BODY_LEN];
	size_t used;
};

int events_init(void)
{
	memset(&events, 0, sizeof(events));
	ast_mutex_init(&events.lock);
	AST_LIST_HEAD_INIT_NOLOCK(&events.waiting);
	return 0;
}

void events_destroy(void)
{
	struct event *event;

	while ((event = AST_LIST_REMOVE_HEAD(&events.waiting, next))) {
		ast_free(event);
	}
	ast_mutex_destroy(&events.lock);
}

int events_apply(const struct shim_config *config)
{
	int res;

	events.numbers = config->ami_numbers;
	res = outdial_watch(shim.engine, config->ami_events
		? OUTDIAL_WATCH_CALLS | OUTDIAL_WATCH_AGENTS : 0);
	if (res != OUTDIAL_OK) {
		ast_log(LOG_ERROR, "AMI events can't be switched: %s\n", outdial_strerror(res));
	}
	return res != OUTDIAL_OK;
}

void events_load(struct events_load *load)
{
	ast_mutex_lock(&events.lock);
	*load = events.load;
	ast_mutex_unlock(&events.lock);
}

/*! \brief Add a line. A name or code with a line end in it must not make another line. */
static void add(struct body *body, const char *key, const char *value)
{
	char clean[VALUE_LEN];
	char *c;
	int len;

	ast_copy_string(clean, value, sizeof(clean));
	for (c = clean; *c; c++) {
		if ((unsigned char) *c < ' ' || *c == 0x7f) {
			*c = ' ';
		}
	}
	len = snprintf(body->text + body->used, sizeof(body->text) - body->used, "%s: %s\r\n", key,
		clean);
	if (len > 0 && body->used + len < sizeof(body->text)) {
		body->used += len;
	} else {
		/* Whole lines only. */
		body->text[body->used] = '\0';
	}
}

static void add_number(struct body *body, const char *key, unsigned long long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", value);
	add(body, key, text);
}

/*! \brief The lead's number, as far as it may be shown. */
static void add_digits(struct body *body, const char *number)
{
	char shown[VALUE_LEN];
	size_t len;

	if (events.numbers == AMI_NUMBERS_NO) {
		return;
	}
	ast_copy_string(shown, number, sizeof(shown));
	len = strlen(shown);
	if (events.numbers == AMI_NUMBERS_MASKED) {
		memset(shown, '*', len > DIGITS_SHOWN ? len - DIGITS_SHOWN : len);
	}
	add(body, "Number", shown);
}

/*! \brief The customer's channel. One that called has an id of its own. */
static void add_uniqueid(struct body *body, const char *id)
{
	struct leg *leg = leg_find(id);

	add(body, "Uniqueid", leg ? leg->uniqueid : id);
	leg_release(leg);
}

static void describe_call(struct body *body, const struct outdial_notice *notice)
{
	add(body, "Node", shim.node);
	add(body, "Campaign", notice->campaign);
	add_number(body, "Attempt", notice->attempt);
	add_number(body, "Lead", notice->lead);
	add(body, "Leg", notice->leg);
	add_uniqueid(body, notice->leg);
	add(body, "Trunk", notice->trunk);
	add_digits(body, notice->number);
	add(body, "Agent", notice->agent);
	add(body, "State", notice->state);
	add(body, "OldState", notice->old_state);
	if (notice->over) {
		add(body, "Outcome", notice->state);
		add(body, "Reason", notice->reason);
		add_number(body, "SIPStatus", notice->sip_status);
		add_number(body, "Q850", notice->q850);
	}
}

static void describe_agent(struct body *body, const struct outdial_notice *notice)
{
	add(body, "Node", shim.node);
	add(body, "Agent", notice->agent);
	add(body, "State", notice->state);
	add(body, "OldState", notice->old_state);
	add(body, "Pause", notice->pause);
	add(body, "Session", notice->session);
	add(body, "Campaign", notice->campaign);
	add(body, "Leg", notice->leg);
}

/*! \brief The next one to send. NULL: there is none, and this job is over. */
static struct event *take(void)
{
	struct event *event;

	ast_mutex_lock(&events.lock);
	event = AST_LIST_REMOVE_HEAD(&events.waiting, next);
	if (event) {
		events.count--;
		events.load.sent++;
	} else {
		events.sending = 0;
		events.said = 0;
	}
	ast_mutex_unlock(&events.lock);
	return event;
}

/*! \brief A job of the work pool: send what waits. There is one such job at a time. */
static void send_waiting(void *data)
{
	struct event *event;
	unsigned int sent = 0;

	while ((event = take())) {
		manager_event(event->category, event->name, "%s", event->body);
		ast_free(event);
		if (++sent % EVENTS_AT_ONCE == 0 && !pool_push(shim.work, send_waiting, NULL)) {
			/* That one goes on. */
			return;
		}
	}
}

/*! \brief Queue an event; it is dropped when there is no room. */
static void queue(struct event *event)
{
	int full;
	int say;
	int start;

	ast_mutex_lock(&events.lock);
	full = events.count >= EVENTS_WAITING;
	say = full && !events.said;
	events.said |= full;
	start = !full && !events.sending;
	if (full) {
		events.load.dropped++;
	} else {
		AST_LIST_INSERT_TAIL(&events.waiting, event, next);
		events.count++;
		events.sending = 1;
	}
	ast_mutex_unlock(&events.lock);

	if (say) {
		ast_log(LOG_WARNING, "AMI events come faster than Asterisk takes them: some are lost. "
			"'outdial show status' counts them\n");
	}
	if (full) {
		ast_free(event);
	}
	if (start && pool_push(shim.work, send_waiting, NULL)) {
		/* The pool is full or ending. The next event tries again. */
		ast_mutex_lock(&events.lock);
		events.sending = 0;
		ast_mutex_unlock(&events.lock);
	}
}

void events_notice(const struct outdial_notice *notice)
{
	struct body body = { .used = 0, };
	struct event *event;

	if (notice->kind == OUTDIAL_NOTICE_CALL) {
		describe_call(&body, notice);
	} else {
		describe_agent(&body, notice);
	}
	event = ast_calloc(1, sizeof(*event) + body.used + 1);
	if (!event) {
		return;
	}
	event->category = notice->kind == OUTDIAL_NOTICE_CALL ? EVENT_FLAG_CALL : EVENT_FLAG_AGENT;
	event->name = notice->kind == OUTDIAL_NOTICE_CALL ? "OutdialCallState" : "OutdialAgentState";
	memcpy(event->body, body.text, body.used);
	queue(event);
}
