#include "inside.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t) now.tv_sec * 1000 + (uint64_t) now.tv_nsec / 1000000;
}

void pbx_copy(char *to, const char *from)
{
	snprintf(to, IDS, "%s", from ? from : "");
}

void pbx_add(struct pbx *pbx, unsigned int in_ms, struct job job)
{
	if (pbx->job_count == JOBS) {
		fprintf(stderr, "pbx: too many jobs\n");
		abort();
	}
	job.due_ms = now_ms() + in_ms;
	pbx->jobs[pbx->job_count++] = job;
	pthread_cond_signal(&pbx->wake);
}

void pbx_add_id(struct pbx *pbx, unsigned int in_ms, enum kind kind, const char *id,
	const char *other, int32_t sip)
{
	struct job job = { .kind = kind, .sip = sip };

	pbx_copy(job.id, id);
	pbx_copy(job.other, other);
	pbx_add(pbx, in_ms, job);
}

struct call *pbx_find(struct pbx *pbx, const char *id)
{
	for (unsigned int i = 0; i < CALLS; i++) {
		if (pbx->calls[i].used && !strcmp(pbx->calls[i].id, id)) {
			return &pbx->calls[i];
		}
	}
	return NULL;
}

/* With the lock held. */
static struct session *find_session(struct pbx *pbx, const char *id)
{
	for (unsigned int i = 0; i < SESSIONS; i++) {
		if (pbx->sessions[i].used && !strcmp(pbx->sessions[i].id, id)) {
			return &pbx->sessions[i];
		}
	}
	return NULL;
}

static int32_t post(struct outdial_engine *engine, struct outdial_event event)
{
	event.struct_size = sizeof(event);
	return outdial_post(engine, &event);
}

int32_t pbx_post(struct outdial_engine *engine, uint32_t kind, const char *id, const char *other)
{
	struct outdial_event event = { .kind = kind, .id = id, .other = other };

	return post(engine, event);
}

/* A terminal event: the engine must take it as long as it runs. */
static void post_last(struct pbx *pbx, struct outdial_event event)
{
	int32_t res = post(pbx->engine, event);

	if (res != OUTDIAL_OK && res != OUTDIAL_E_STATE && res != OUTDIAL_E_POISONED) {
		fprintf(stderr, "pbx: terminal event %u of %s refused: %s\n", event.kind, event.id,
			outdial_strerror(res));
		atomic_fetch_add(&pbx->counts.broken, 1);
	}
}

/* With the lock held; posts without it. The call's memory is given up only after its terminal
 * event, as a channel's destructor does it. */
static void end_call(struct pbx *pbx, struct call *call, int32_t sip)
{
	struct outdial_event event = { .kind = OUTDIAL_EVENT_LEG_ENDED, .sip_status = sip };
	char id[IDS], session[IDS];

	if (call->ended) {
		return;
	}
	call->ended = 1;
	pbx_copy(id, call->id);
	pbx_copy(session, call->session);
	if (call->taken) {
		pbx->talking--;
		pbx_add_id(pbx, 2, JOB_COUNT, NULL, NULL, 0);
	}
	if (session[0]) {
		pbx_add_id(pbx, 1, JOB_WAITING, session, NULL, 0);
	}
	pthread_mutex_unlock(&pbx->lock);
	event.id = id;
	post_last(pbx, event);
	atomic_fetch_add(&pbx->counts.ended, 1);
	pthread_mutex_lock(&pbx->lock);
	call->used = 0;
}

/* With the lock held, which is given up while posting. */
static void progress(struct pbx *pbx, struct call *call)
{
	char digit = call->digit;
	char id[IDS];

	pbx_copy(id, call->id);
	pthread_mutex_unlock(&pbx->lock);
	pbx_post(pbx->engine, OUTDIAL_EVENT_LEG_PROCEEDING, id, NULL);
	if (digit != '0' && digit != '3') {
		pbx_post(pbx->engine, OUTDIAL_EVENT_LEG_RINGING, id, NULL);
	}
	pthread_mutex_lock(&pbx->lock);
	if (digit == '0') {
		pbx_add_id(pbx, 1, JOB_END, id, NULL, 486);
	} else if (digit == '3') {
		pbx_add_id(pbx, 1, JOB_END, id, NULL, 503);
	} else if (digit != '1') {
		pbx_add_id(pbx, 2, JOB_ANSWER, id, NULL, 0);
	}
}

static void bridge(struct pbx *pbx, struct job *job)
{
	struct call *call = pbx_find(pbx, job->id);
	struct session *session = find_session(pbx, job->other);
	int good = call && !call->ended && session && !session->leaving;

	if (good) {
		pbx_copy(call->session, job->other);
		pbx_add_id(pbx, pbx->talk_ms, JOB_END, job->id, NULL, 0);
		atomic_fetch_add(&pbx->counts.bridged, 1);
	}
	pthread_mutex_unlock(&pbx->lock);
	pbx_post(pbx->engine, good ? OUTDIAL_EVENT_LEG_BRIDGED : OUTDIAL_EVENT_LEG_CONNECT_FAILED,
		job->id, job->other);
	pthread_mutex_lock(&pbx->lock);
}

/* Tells of the queue. With the lock held, and kept: the order of counts is that of what happens. */
static void count_members(struct pbx *pbx)
{
	struct outdial_queue queue = { .struct_size = sizeof(queue), .known = 1, .queue = pbx->queue,
		.members = PBX_MEMBERS, .free = PBX_MEMBERS - pbx->talking };

	if (pbx->queue[0]) {
		outdial_post_queue(pbx->engine, &queue);
	}
}

/* A member takes the call, if there is one; else it waits on. */
static void member(struct pbx *pbx, const char *id)
{
	struct call *call = pbx_find(pbx, id);

	if (!call || call->ended || !call->queued || call->taken) {
		return;
	}
	if (pbx->talking == PBX_MEMBERS) {
		pbx_add_id(pbx, 3, JOB_MEMBER, id, NULL, 0);
		return;
	}
	call->taken = 1;
	pbx->talking++;
	atomic_fetch_add(&pbx->counts.taken, 1);
	pbx_add_id(pbx, pbx->talk_ms, JOB_END, id, NULL, 0);
	count_members(pbx);
	pbx_post(pbx->engine, OUTDIAL_EVENT_LEG_MEMBER, id, NULL);
}

static void unqueued(struct pbx *pbx, const char *id)
{
	struct call *call = pbx_find(pbx, id);

	if (call && !call->ended && call->queued && !call->taken) {
		call->queued = 0;
		atomic_fetch_add(&pbx->counts.unqueued, 1);
		pbx_post(pbx->engine, OUTDIAL_EVENT_LEG_UNQUEUED, id, NULL);
	}
}

static void gone(struct pbx *pbx, const char *id)
{
	struct outdial_event event = { .kind = OUTDIAL_EVENT_SESSION_GONE, .id = id };
	struct session *session = find_session(pbx, id);

	if (!session || session->leaving) {
		return;
	}
	if (session->entering) {
		pbx_add_id(pbx, 1, JOB_GONE, id, NULL, 0);
		return;
	}
	session->leaving = 1;
	pthread_mutex_unlock(&pbx->lock);
	post_last(pbx, event);
	pthread_mutex_lock(&pbx->lock);
	session->used = 0;
}

/* With the lock held; every branch gives it up while it posts. */
static void work(struct pbx *pbx, struct job *job)
{
	struct call *call = pbx_find(pbx, job->id);
	struct outdial_event probed = { .kind = OUTDIAL_EVENT_PROBED };

	switch (job->kind) {
	case JOB_PROGRESS:
		if (call && !call->ended) {
			progress(pbx, call);
		}
		break;
	case JOB_END:
		if (call) {
			end_call(pbx, call, job->sip);
		}
		break;
	case JOB_BRIDGE:
		bridge(pbx, job);
		break;
	case JOB_GONE:
		gone(pbx, job->id);
		break;
	case JOB_ANSWER:
		if (!call || call->ended) {
			break;
		}
		atomic_fetch_add(&pbx->counts.answered, 1);
		pthread_mutex_unlock(&pbx->lock);
		pbx_post(pbx->engine, OUTDIAL_EVENT_LEG_ANSWERED, job->id, NULL);
		pbx_post(pbx->engine, OUTDIAL_EVENT_LEG_READY, job->id, NULL);
		pthread_mutex_lock(&pbx->lock);
		break;
	case JOB_PLAYED:
	case JOB_RELEASED:
	case JOB_WAITING:
		pthread_mutex_unlock(&pbx->lock);
		pbx_post(pbx->engine, job->kind == JOB_PLAYED ? OUTDIAL_EVENT_LEG_PLAYED
			: job->kind == JOB_RELEASED ? OUTDIAL_EVENT_LEG_RELEASED
			: OUTDIAL_EVENT_SESSION_WAITING, job->id, NULL);
		pthread_mutex_lock(&pbx->lock);
		break;
	case JOB_PROBED:
		probed.request = job->request;
		probed.value = job->sip;
		pthread_mutex_unlock(&pbx->lock);
		post(pbx->engine, probed);
		pthread_mutex_lock(&pbx->lock);
		break;
	case JOB_COUNT:
		count_members(pbx);
		break;
	case JOB_MEMBER:
		member(pbx, job->id);
		break;
	case JOB_UNQUEUED:
		unqueued(pbx, job->id);
		break;
	case JOB_NONE:
		break;
	}
}

static void *run(void *data)
{
	struct pbx *pbx = data;

	pthread_mutex_lock(&pbx->lock);
	while (!pbx->over) {
		unsigned int first = 0;
		struct job job;
		struct timespec until;

		if (!pbx->job_count) {
			pthread_cond_wait(&pbx->wake, &pbx->lock);
			continue;
		}
		for (unsigned int i = 1; i < pbx->job_count; i++) {
			if (pbx->jobs[i].due_ms < pbx->jobs[first].due_ms) {
				first = i;
			}
		}
		job = pbx->jobs[first];
		if (job.due_ms > now_ms()) {
			until.tv_sec = (time_t) (job.due_ms / 1000);
			until.tv_nsec = (long) (job.due_ms % 1000) * 1000000;
			pthread_cond_timedwait(&pbx->wake, &pbx->lock, &until);
			continue;
		}
		pbx->jobs[first] = pbx->jobs[--pbx->job_count];
		work(pbx, &job);
	}
	pthread_mutex_unlock(&pbx->lock);
	return NULL;
}

struct pbx *pbx_new(unsigned int threads)
{
	struct pbx *pbx = calloc(1, sizeof(*pbx));
	pthread_condattr_t attr;

	if (!pbx || !(pbx->jobs = calloc(JOBS, sizeof(*pbx->jobs))) || threads > THREADS) {
		abort();
	}
	pbx->talk_ms = 5;
	pthread_mutex_init(&pbx->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&pbx->wake, &attr);
	pthread_condattr_destroy(&attr);
	for (; pbx->thread_count < threads; pbx->thread_count++) {
		if (pthread_create(&pbx->threads[pbx->thread_count], NULL, run, pbx)) {
			abort();
		}
	}
	return pbx;
}

void pbx_free(struct pbx *pbx)
{
	pthread_mutex_lock(&pbx->lock);
	pbx->over = 1;
	pthread_cond_broadcast(&pbx->wake);
	pthread_mutex_unlock(&pbx->lock);
	for (unsigned int i = 0; i < pbx->thread_count; i++) {
		pthread_join(pbx->threads[i], NULL);
	}
	pthread_cond_destroy(&pbx->wake);
	pthread_mutex_destroy(&pbx->lock);
	free(pbx->jobs);
	free(pbx);
}

void pbx_use(struct pbx *pbx, struct outdial_engine *engine)
{
	pthread_mutex_lock(&pbx->lock);
	pbx->engine = engine;
	pthread_mutex_unlock(&pbx->lock);
}

struct pbx_counts *pbx_counts(struct pbx *pbx)
{
	return &pbx->counts;
}

int32_t pbx_agent(struct pbx *pbx, const char *id, const char *agent)
{
	struct session *session = NULL;
	int32_t res;

	pthread_mutex_lock(&pbx->lock);
	for (unsigned int i = 0; i < SESSIONS && !session; i++) {
		if (!pbx->sessions[i].used) {
			session = &pbx->sessions[i];
		}
	}
	if (!session) {
		pthread_mutex_unlock(&pbx->lock);
		return OUTDIAL_E_FULL;
	}
	session->used = 1;
	session->entering = 1;
	session->leaving = 0;
	session->agent[0] = '\0';
	pbx_copy(session->id, id);
	pthread_mutex_unlock(&pbx->lock);
	res = pbx_post(pbx->engine, OUTDIAL_EVENT_SESSION_ENTERED, id, agent);
	pthread_mutex_lock(&pbx->lock);
	session->entering = 0;
	session->used = res == OUTDIAL_OK;
	pthread_mutex_unlock(&pbx->lock);
	return res == OUTDIAL_OK ? pbx_post(pbx->engine, OUTDIAL_EVENT_SESSION_WAITING, id, NULL) : res;
}

void pbx_agent_leaves(struct pbx *pbx, const char *session)
{
	pthread_mutex_lock(&pbx->lock);
	pbx_add_id(pbx, 1, JOB_GONE, session, NULL, 0);
	pthread_mutex_unlock(&pbx->lock);
}

unsigned int pbx_live(struct pbx *pbx)
{
	unsigned int live = 0;

	pthread_mutex_lock(&pbx->lock);
	for (unsigned int i = 0; i < CALLS; i++) {
		live += pbx->calls[i].used != 0;
	}
	pthread_mutex_unlock(&pbx->lock);
	return live;
}

void pbx_hang_up_all(struct pbx *pbx)
{
	pthread_mutex_lock(&pbx->lock);
	for (unsigned int i = 0; i < CALLS; i++) {
		if (pbx->calls[i].used) {
			pbx_add_id(pbx, 0, JOB_END, pbx->calls[i].id, NULL, 0);
		}
	}
	for (unsigned int i = 0; i < SESSIONS; i++) {
		if (pbx->sessions[i].used) {
			pbx_add_id(pbx, 0, JOB_GONE, pbx->sessions[i].id, NULL, 0);
		}
	}
	pthread_mutex_unlock(&pbx->lock);
}

void pbx_stall(struct pbx *pbx, int on)
{
	pthread_mutex_lock(&pbx->lock);
	pbx->stalled = on;
	pthread_cond_broadcast(&pbx->wake);
	pthread_mutex_unlock(&pbx->lock);
}

void pbx_talk_ms(struct pbx *pbx, unsigned int ms)
{
	pthread_mutex_lock(&pbx->lock);
	pbx->talk_ms = ms;
	pthread_mutex_unlock(&pbx->lock);
}
