/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * Which of a queue's agents can have a call now: what mod_callcenter itself looks at before it calls one.
 */
#include "queue.h"

static const char *text(const cJSON *row, const char *name)
{
	return switch_str_nil(cJSON_GetObjectCstr(row, name));
}

static unsigned long long number(const cJSON *row, const char *name)
{
	return strtoull(text(row, name), NULL, 10);
}

static int is(const cJSON *row, const char *name, const char *value)
{
	return !strcasecmp(text(row, name), value);
}

/* Nobody has taken his call yet. */
static int waits(const cJSON *caller, int (*is_taken)(const char *channel))
{
	return (is(caller, "state", "Waiting") || is(caller, "state", "Trying"))
		&& !is_taken(text(caller, "session_uuid"));
}

/* An agent's place in the queue; NULL: none. */
static const cJSON *tier_of(const cJSON *tiers, const char *agent)
{
	const cJSON *tier;

	cJSON_ArrayForEach(tier, tiers) {
		if (is(tier, "agent", agent)) {
			return tier;
		}
	}
	return NULL;
}

/* Logged in and not paused. Of one whose channel stands by, it has to be there. */
static int is_at_work(const cJSON *agent, int (*is_live)(const char *channel))
{
	return (is(agent, "status", "Available") || is(agent, "status", "Available (On Demand)"))
		&& is(agent, "instance_id", "single_box")
		&& (!is(agent, "type", "uuid-standby") || is_live(text(agent, "uuid")));
}

/* His phone rings for one who waits, or for all of them. */
static int is_offered(const struct queue_lists *lists, const char *agent, int (*is_taken)(const char *channel))
{
	const cJSON *caller;

	cJSON_ArrayForEach(caller, lists->callers) {
		if (waits(caller, is_taken) && (is(caller, "serving_agent", agent)
				|| is(caller, "serving_agent", "ring-all") || is(caller, "serving_agent", "ring-progressively"))) {
			return 1;
		}
	}
	return 0;
}

/* He has no call, as far as mod_callcenter knows. */
static int is_idle(const struct queue_lists *lists, const cJSON *agent, const cJSON *tier)
{
	int elsewhere = is(lists->queue, "skip_agents_with_external_calls", "true")
		&& number(agent, "external_calls_count");

	return is(agent, "state", "Waiting") && !elsewhere
		&& (is(tier, "state", "Ready") || is(tier, "state", "No Answer"));
}

/* The second from which an idle agent is called. */
static unsigned long long ready_at(const cJSON *agent)
{
	unsigned long long wrapped_up = number(agent, "last_bridge_end") + number(agent, "wrap_up_time") + 1;
	unsigned long long rested = number(agent, "ready_time");

	return wrapped_up > rested ? wrapped_up : rested;
}

struct queue_count queue_sum(const struct queue_lists *lists, unsigned long long now,
	int (*is_taken)(const char *channel), int (*is_live)(const char *channel))
{
	struct queue_count count = { .known = 1 };
	const cJSON *row;

	cJSON_ArrayForEach(row, lists->callers) {
		count.callers += waits(row, is_taken);
	}
	cJSON_ArrayForEach(row, lists->agents) {
		const cJSON *tier = tier_of(lists->tiers, text(row, "name"));
		unsigned long long ready = ready_at(row);

		if (!tier || !is_at_work(row, is_live)) {
			continue;
		}
		count.members++;
		if (is(tier, "state", "Offering")) {
			count.free += is_offered(lists, text(row, "name"), is_taken);
		} else if (is_idle(lists, row, tier)) {
			count.free += ready <= now;
			if (ready > now && (!count.next || ready < count.next)) {
				count.next = ready;
			}
		}
	}
	return count;
}
