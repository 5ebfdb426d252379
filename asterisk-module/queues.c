/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief Members and callers of the queues that campaigns use.
 *
 * app_queue keeps its members to itself. What can be had in-process: the list that it makes for the
 * action QueueStatus, here without any connection of AMI, and QUEUE_MEMBER(), which alone knows of
 * wrap-up. When to look is told by device states: of members, and those of app_queue's own for pauses
 * and callers. app_queue takes in a device state in a thread of its own, so one look is too early at
 * times, and two more follow. It tells nobody when a member is added or removed, or when a wrap-up ends:
 * hence a slow look besides.
 */

#include "queue.h"

#include "asterisk/astobj2.h"
#include "asterisk/devicestate.h"
#include "asterisk/linkedlists.h"
#include "asterisk/lock.h"
#include "asterisk/manager.h"
#include "asterisk/pbx.h"
#include "asterisk/stasis.h"
#include "asterisk/time.h"

/*! \brief Looks after something was told, each so long after the one before, in ms. */
static const int soon_ms[] = { 10, 90, 400, };
/*! \brief While somebody is in wrap-up, which app_queue counts in whole seconds. */
#define WRAPPING_MS 1000
/*! \brief When nothing is told. */
#define SLOW_MS 2000

/*! \brief A queue that the engine watches. */
struct watched {
	AST_LIST_ENTRY(watched) list;
	/*! \brief When to look next. With the list locked, as the next one. */
	struct timeval due;
	/*! \brief Looks since something was told. */
	unsigned int looks;
	/*! \brief What the engine knows; with \a counting locked. */
	struct queue_count told;
	/*! \brief It has been told anything. */
	unsigned int began:1;
	char name[OUTDIAL_QUEUE_LEN];
};

static struct {
	/*! \brief Guards the list. Never held while app_queue is asked. */
	ast_mutex_t lock;
	ast_cond_t wake;
	pthread_t thread;
	struct stasis_subscription *states;
	unsigned int stop:1;
	AST_LIST_HEAD_NOLOCK(, watched) list;
} queues = {
	.thread = AST_PTHREADT_NULL,
};

/*! \brief One count at a time, told before the next: the engine never gets an older one last. */
AST_MUTEX_DEFINE_STATIC(counting);
/*! \brief What the list is entered into; with \a counting locked. */
static struct queue_listing *listing;

/*! \brief Takes in what app_queue lists. */
static int hear(int category, const char *event, char *body)
{
	if (listing) {
		queue_list(listing, body);
	}
	return 0;
}

static struct manager_custom_hook hook = { .file = "outdial", .helper = hear, };

/*! \brief The value of a line of an event; \a otherwise if it has none. */
static int field(const char *text, const char *name, int otherwise)
{
	size_t len = strlen(name);
	int value;

	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (!strncmp(text, name, len) && text[len] == ':') {
			return sscanf(text + len + 1, " %30d", &value) == 1 ? value : otherwise;
		}
	}
	return otherwise;
}

void queue_list(struct queue_listing *to, const char *text)
{
	int status;

	if (ast_begins_with(text, "Event: QueueParams")) {
		to->found = 1;
		to->callers = MAX(0, field(text, "Calls", 0));
		return;
	}
	if (!ast_begins_with(text, "Event: QueueMember") || field(text, "Paused", 1)) {
		return;
	}
	status = field(text, "Status", AST_DEVICE_INVALID);
	to->members += status != AST_DEVICE_UNAVAILABLE && status != AST_DEVICE_INVALID;
	if (!field(text, "InCall", 0)) {
		to->idle += status == AST_DEVICE_NOT_INUSE;
		to->ringing += status == AST_DEVICE_RINGING;
	}
}

struct queue_count queue_sum(const struct queue_listing *from, unsigned int not_in_use,
	unsigned int ready)
{
	struct queue_count count = { .known = from->found, };

	if (count.known) {
		count.wrapping = not_in_use > ready ? not_in_use - ready : 0;
		count.members = from->members;
		count.callers = from->callers;
		/* Who is rung by others than this queue's callers is not to be had. */
		count.free = MIN(from->ringing, from->callers);
		count.free += from->idle > count.wrapping ? from->idle - count.wrapping : 0;
	}
	return count;
}

static unsigned int member_function(const char *queue, const char *what)
{
	char function[OUTDIAL_QUEUE_LEN + 32];
	char value[16] = "";
	unsigned int count = 0;

	snprintf(function, sizeof(function), "QUEUE_MEMBER(%s,%s)", queue, what);
	if (ast_func_read(NULL, function, value, sizeof(value)) || sscanf(value, "%30u", &count) != 1) {
		return 0;
	}
	return count;
}

/*! \brief Ask app_queue; with \a counting locked. */
static struct queue_count count_members(const char *queue)
{
	struct queue_listing found = { 0, };
	char action[OUTDIAL_QUEUE_LEN + 64];

	snprintf(action, sizeof(action), "Action: QueueStatus\r\nQueue: %s\r\n", queue);
	listing = &found;
	ast_hook_send_action(&hook, action);
	listing = NULL;
	if (!found.found) {
		return queue_sum(&found, 0, 0);
	}
	return queue_sum(&found, member_function(queue, "free"), member_function(queue, "ready"));
}

/*! \brief Count, and tell the engine what is new. */
static struct queue_count count_and_tell(struct watched *watched)
{
	struct queue_count count;
	struct outdial_queue queue = { .struct_size = sizeof(queue), .queue = watched->name, };

	ast_mutex_lock(&counting);
	count = count_members(watched->name);
	if (!watched->began || memcmp(&count, &watched->told, sizeof(count))) {
		queue.known = count.known;
		queue.members = count.members;
		queue.free = count.free;
		queue.callers = count.callers;
		if (outdial_post_queue(shim.engine, &queue) == OUTDIAL_OK) {
			watched->told = count;
			watched->began = 1;
			shim_debug("Queue '%s': %u members, %u free, %u callers\n", watched->name,
				count.members, count.free, count.callers);
		}
	}
	ast_mutex_unlock(&counting);
	return count;
}

/*! \brief The queue of that name, with a reference; with the list locked. */
static struct watched *find(const char *queue)
{
	struct watched *watched;

	AST_LIST_TRAVERSE(&queues.list, watched, list) {
		if (!strcmp(watched->name, queue)) {
			return ao2_bump(watched);
		}
	}
	return NULL;
}

void queues_count(const char *queue)
{
	struct watched *watched;

	ast_mutex_lock(&queues.lock);
	watched = find(queue);
	if (watched) {
		/* What follows from the same cause is looked at soon. */
		watched->looks = 0;
		watched->due = ast_tvadd(ast_tvnow(), ast_samp2tv(soon_ms[0], 1000));
		ast_cond_signal(&queues.wake);
	}
	ast_mutex_unlock(&queues.lock);
	if (watched) {
		count_and_tell(watched);
		ao2_ref(watched, -1);
	}
}

/*! \brief Some device has changed: a member of any of the queues, perhaps. */
static void state_changed(void *data, struct stasis_subscription *sub, struct stasis_message *message)
{
	struct timeval soon = ast_tvadd(ast_tvnow(), ast_samp2tv(soon_ms[0], 1000));
	struct watched *watched;

	if (stasis_message_type(message) != ast_device_state_message_type()) {
		return;
	}
	ast_mutex_lock(&queues.lock);
	AST_LIST_TRAVERSE(&queues.list, watched, list) {
		watched->looks = 0;
		if (ast_tvcmp(soon, watched->due) < 0) {
			watched->due = soon;
		}
	}
	ast_cond_signal(&queues.wake);
	ast_mutex_unlock(&queues.lock);
}

/*! \brief The queue that is due first, with a reference; with the list locked. NULL: there is none. */
static struct watched *first_due(void)
{
	struct watched *watched;
	struct watched *first = NULL;

	AST_LIST_TRAVERSE(&queues.list, watched, list) {
		if (!first || ast_tvcmp(watched->due, first->due) < 0) {
			first = watched;
		}
	}
	return ao2_bump(first);
}

/*! \brief When to look again; with the list locked, after a look. */
static void plan(struct watched *watched, unsigned int looks, const struct queue_count *count)
{
	int wait = count->wrapping ? WRAPPING_MS : SLOW_MS;

	if (watched->looks != looks) {
		/* Something was told meanwhile, which has set a time. */
		return;
	}
	watched->looks = MIN(looks + 1, ARRAY_LEN(soon_ms));
	if (watched->looks < ARRAY_LEN(soon_ms)) {
		wait = soon_ms[watched->looks];
	}
	watched->due = ast_tvadd(ast_tvnow(), ast_samp2tv(wait, 1000));
}

/*! \brief Look at one queue; with the list locked, which is given up meanwhile. */
static void look(struct watched *watched)
{
	struct queue_count count;
	unsigned int looks = watched->looks;

	/* Not before the plan says so, unless something is told. */
	watched->due = ast_tvadd(ast_tvnow(), ast_samp2tv(SLOW_MS, 1000));
	ast_mutex_unlock(&queues.lock);
	count = count_and_tell(watched);
	ast_mutex_lock(&queues.lock);
	plan(watched, looks, &count);
}

/*! \brief Listen as long as there is anybody to listen for. */
static void subscribe(void)
{
	if (!AST_LIST_EMPTY(&queues.list) && !queues.states) {
		/* By its real name: the other one is a function in some versions, and a macro in others. */
		queues.states = __stasis_subscribe_pool(ast_device_state_topic_all(), state_changed, NULL,
			__FILE__, __LINE__, __PRETTY_FUNCTION__);
		if (queues.states) {
			stasis_subscription_accept_message_type(queues.states,
				ast_device_state_message_type());
			stasis_subscription_set_filter(queues.states, STASIS_SUBSCRIPTION_FILTER_SELECTIVE);
		}
	} else if (AST_LIST_EMPTY(&queues.list) && queues.states) {
		queues.states = stasis_unsubscribe(queues.states);
	}
}

static void *queues_main(void *data)
{
	struct watched *watched;

	pthread_setname_np(pthread_self(), "outdial-queues");
	ast_mutex_lock(&queues.lock);
	while (!queues.stop) {
		subscribe();
		watched = first_due();
		if (!watched) {
			ast_cond_wait(&queues.wake, &queues.lock);
		} else if (ast_tvdiff_ms(watched->due, ast_tvnow()) > 0) {
			struct timespec until = {
				.tv_sec = watched->due.tv_sec,
				.tv_nsec = watched->due.tv_usec * 1000,
			};

			ast_cond_timedwait(&queues.wake, &queues.lock, &until);
		} else {
			look(watched);
		}
		ao2_cleanup(watched);
	}
	ast_mutex_unlock(&queues.lock);
	return NULL;
}

void host_watch_queue(void *ctx, const char *queue, uint32_t on)
{
	struct watched *watched;

	shim_debug("The engine: %s queue '%s'\n", on ? "watch" : "no longer watch", queue);
	ast_mutex_lock(&queues.lock);
	watched = find(queue);
	if (on && !watched) {
		watched = ao2_alloc_options(sizeof(*watched), NULL, AO2_ALLOC_OPT_LOCK_NOLOCK);
		if (watched) {
			ast_copy_string(watched->name, queue, sizeof(watched->name));
			watched->due = ast_tvnow();
			AST_LIST_INSERT_TAIL(&queues.list, ao2_bump(watched), list);
		}
	} else if (!on && watched) {
		AST_LIST_REMOVE(&queues.list, watched, list);
		ao2_ref(watched, -1);
	}
	ast_cond_signal(&queues.wake);
	ast_mutex_unlock(&queues.lock);
	ao2_cleanup(watched);
}

int queues_start(void)
{
	ast_mutex_init(&queues.lock);
	ast_cond_init(&queues.wake, NULL);
	queues.stop = 0;
	if (ast_pthread_create_background(&queues.thread, NULL, queues_main, NULL)) {
		ast_cond_destroy(&queues.wake);
		ast_mutex_destroy(&queues.lock);
		queues.thread = AST_PTHREADT_NULL;
		return -1;
	}
	return 0;
}

void queues_stop(void)
{
	struct watched *watched;

	if (queues.thread == AST_PTHREADT_NULL) {
		return;
	}
	ast_mutex_lock(&queues.lock);
	queues.stop = 1;
	ast_cond_signal(&queues.wake);
	ast_mutex_unlock(&queues.lock);
	pthread_join(queues.thread, NULL);
	queues.thread = AST_PTHREADT_NULL;
	queues.states = stasis_unsubscribe_and_join(queues.states);
	while ((watched = AST_LIST_REMOVE_HEAD(&queues.list, list))) {
		ao2_ref(watched, -1);
	}
	ast_cond_destroy(&queues.wake);
	ast_mutex_destroy(&queues.lock);
}
