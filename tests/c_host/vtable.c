/* What the engine asks of the PBX: each function enqueues and returns. */
#include <stdio.h>
#include <string.h>

#include "inside.h"

static int32_t host_originate(void *ctx, const struct outdial_originate *request)
{
	struct pbx *pbx = ctx;
	size_t len = strlen(request->number);
	char digit = len ? request->number[len - 1] : '2';
	struct call *call = NULL;
	unsigned int i;

	if (digit == '2') {
		atomic_fetch_add(&pbx->counts.refused, 1);
		return OUTDIAL_E_FULL;
	}
	pthread_mutex_lock(&pbx->lock);
	for (i = 0; i < CALLS && !call; i++) {
		if (!pbx->calls[i].used) {
			call = &pbx->calls[i];
		}
	}
	if (!call || pbx_find(pbx, request->leg)) {
		pthread_mutex_unlock(&pbx->lock);
		return OUTDIAL_E_FULL;
	}
	memset(call, 0, sizeof(*call));
	if (request->lead ? !request->amd || strcmp(request->amd, "2500,,800") : request->amd != NULL) {
		fprintf(stderr, "pbx: %s is asked for AMD(%s)\n", request->leg, request->amd ? request->amd : "-");
		atomic_fetch_add(&pbx->counts.broken, 1);
	}
	call->used = 1;
	call->digit = digit;
	pbx_copy(call->id, request->leg);
	if (digit == '4') {
		pbx_add_id(pbx, 1, JOB_END, request->leg, NULL, 0);
	} else {
		pbx_add_id(pbx, 1, JOB_PROGRESS, request->leg, NULL, 0);
	}
	pthread_mutex_unlock(&pbx->lock);
	atomic_fetch_add(&pbx->counts.originated, 1);
	return OUTDIAL_OK;
}

static int32_t host_ring(void *ctx, const struct outdial_ring *request)
{
	struct pbx *pbx = ctx;
	size_t len = strlen(request->endpoint);
	char digit = len ? request->endpoint[len - 1] : '2';
	struct session *session = NULL;
	int twice = 0;

	atomic_fetch_add(&pbx->counts.rung, 1);
	if (digit == '2') {
		return OUTDIAL_E_FULL;
	}
	pthread_mutex_lock(&pbx->lock);
	for (unsigned int i = 0; i < SESSIONS; i++) {
		if (!pbx->sessions[i].used) {
			session = &pbx->sessions[i];
		} else if (!pbx->sessions[i].leaving && !strcmp(pbx->sessions[i].agent, request->agent)) {
			twice = 1;
		}
	}
	if (!session || twice || request->struct_size != sizeof(*request)
		|| strncmp(request->session, "ring-", 5)) {
		pthread_mutex_unlock(&pbx->lock);
		fprintf(stderr, "pbx: can't ring %s for %s\n", request->agent, request->session);
		atomic_fetch_add(&pbx->counts.broken, 1);
		return OUTDIAL_E_ARGUMENT;
	}
	session->used = 1;
	session->entering = 0;
	session->leaving = 0;
	pbx_copy(session->id, request->session);
	pbx_copy(session->agent, request->agent);
	if (digit == '0') {
		pbx_add_id(pbx, 1, JOB_GONE, request->session, NULL, 0);
	} else if (digit != '1') {
		pbx_add_id(pbx, 2, JOB_WAITING, request->session, NULL, 0);
	}
	pthread_mutex_unlock(&pbx->lock);
	return OUTDIAL_OK;
}

static void host_connect(void *ctx, const char *leg, const char *session)
{
	struct pbx *pbx = ctx;

	pthread_mutex_lock(&pbx->lock);
	pbx_add_id(pbx, 1, JOB_BRIDGE, leg, session, 0);
	pthread_mutex_unlock(&pbx->lock);
}

static void host_play(void *ctx, const char *leg, const char *sound)
{
	struct pbx *pbx = ctx;

	(void) sound;
	pthread_mutex_lock(&pbx->lock);
	pbx_add_id(pbx, 5, JOB_PLAYED, leg, NULL, 0);
	pthread_mutex_unlock(&pbx->lock);
}

static void host_release(void *ctx, const char *leg, const char *context, const char *exten,
	uint32_t priority)
{
	struct pbx *pbx = ctx;

	(void) context;
	(void) exten;
	(void) priority;
	pthread_mutex_lock(&pbx->lock);
	pbx_add_id(pbx, 1, JOB_RELEASED, leg, NULL, 0);
	pthread_mutex_unlock(&pbx->lock);
}

static void host_hangup(void *ctx, const char *leg, uint32_t q850)
{
	struct pbx *pbx = ctx;

	(void) q850;
	pthread_mutex_lock(&pbx->lock);
	if (pbx_find(pbx, leg)) {
		pbx_add_id(pbx, 1, JOB_END, leg, NULL, 487);
	}
	pthread_mutex_unlock(&pbx->lock);
}

static void host_dismiss(void *ctx, const char *session, uint32_t why)
{
	struct pbx *pbx = ctx;

	(void) why;
	atomic_fetch_add(&pbx->counts.dismissed, 1);
	pthread_mutex_lock(&pbx->lock);
	pbx_add_id(pbx, 1, JOB_GONE, session, NULL, 0);
	pthread_mutex_unlock(&pbx->lock);
}

static void host_probe(void *ctx, uint64_t request, uint32_t what, const char *first,
	const char *second, uint32_t number)
{
	struct pbx *pbx = ctx;
	struct job job = { .kind = JOB_PROBED, .request = request };

	(void) what;
	(void) second;
	(void) number;
	/* Names that begin with "no-" are what this PBX lacks. */
	job.sip = strncmp(first, "no-", 3) != 0;
	atomic_fetch_add(&pbx->counts.probed, 1);
	pthread_mutex_lock(&pbx->lock);
	pbx_add(pbx, 1, job);
	pthread_mutex_unlock(&pbx->lock);
}

static void host_visit_live(void *ctx, void (*visit)(void *, const char *, int32_t), void *visitor)
{
	struct pbx *pbx = ctx;

	pthread_mutex_lock(&pbx->lock);
	for (unsigned int i = 0; i < CALLS; i++) {
		if (pbx->calls[i].used) {
			visit(visitor, pbx->calls[i].id, 0);
		}
	}
	for (unsigned int i = 0; i < SESSIONS; i++) {
		if (pbx->sessions[i].used) {
			visit(visitor, pbx->sessions[i].id, 1);
		}
	}
	pthread_mutex_unlock(&pbx->lock);
}

static void host_load(void *ctx, struct outdial_host_load *load)
{
	struct pbx *pbx = ctx;

	pthread_mutex_lock(&pbx->lock);
	while (pbx->stalled && !pbx->over) {
		pthread_cond_wait(&pbx->wake, &pbx->lock);
	}
	load->waiting = pbx->job_count;
	load->running = 0;
	load->oldest_ms = 0;
	pthread_mutex_unlock(&pbx->lock);
}

static void host_log(void *ctx, uint32_t level, const char *text)
{
	(void) ctx;
	printf("log %u %.*s\n", level, PBX_LOG_BYTES, text);
	fflush(stdout);
}

static void host_on_fault(void *ctx, const char *text)
{
	struct pbx *pbx = ctx;

	(void) text;
	atomic_fetch_add(&pbx->counts.faults, 1);
	printf("fault\n");
	fflush(stdout);
}

/* No change is without an end, and texts are there where they belong. */
static void host_notice(void *ctx, const struct outdial_notice *notice)
{
	struct pbx *pbx = ctx;
	int good = notice->struct_size == sizeof(*notice) && *notice->old_state && *notice->state;

	if (notice->kind == OUTDIAL_NOTICE_CALL) {
		good = good && notice->attempt && notice->lead && *notice->leg && *notice->campaign
			&& *notice->trunk && *notice->number && strcmp(notice->old_state, notice->state)
			/* One that is cancelled may have been busy at that time. */
			&& (!strcmp(notice->state, "busy") || !strcmp(notice->state, "cancelled")
				|| notice->sip_status != 486)
			&& (strcmp(notice->state, "busy") || notice->sip_status == 486);
		atomic_fetch_add(&pbx->counts.told_calls, 1);
	} else {
		good = good && notice->kind == OUTDIAL_NOTICE_AGENT && *notice->agent && !*notice->number;
		atomic_fetch_add(&pbx->counts.told_agents, 1);
	}
	if (!good) {
		fprintf(stderr, "pbx: a notice says %s, %s after %s, for '%s%s'\n", notice->leg,
			notice->state, notice->old_state, notice->campaign, notice->agent);
		atomic_fetch_add(&pbx->counts.broken, 1);
	}
}

static void host_enqueue(void *ctx, const char *leg, const char *queue)
{
	struct pbx *pbx = ctx;
	struct call *call;

	pthread_mutex_lock(&pbx->lock);
	call = pbx_find(pbx, leg);
	if (call && strcmp(queue, pbx->queue)) {
		fprintf(stderr, "pbx: %s for queue %s, watched is %s\n", leg, queue, pbx->queue);
		atomic_fetch_add(&pbx->counts.broken, 1);
	}
	if (call) {
		call->queued = 1;
		if (call->digit != '9') {
			pbx_add_id(pbx, 3, JOB_MEMBER, leg, NULL, 0);
		}
	}
	pthread_mutex_unlock(&pbx->lock);
}

static void host_dequeue(void *ctx, const char *leg)
{
	struct pbx *pbx = ctx;

	pthread_mutex_lock(&pbx->lock);
	pbx_add_id(pbx, 1, JOB_UNQUEUED, leg, NULL, 0);
	pthread_mutex_unlock(&pbx->lock);
}

static void host_watch_queue(void *ctx, const char *queue, uint32_t on)
{
	struct pbx *pbx = ctx;

	pthread_mutex_lock(&pbx->lock);
	pbx_copy(pbx->queue, on ? queue : "");
	if (on) {
		pbx_add_id(pbx, 1, JOB_COUNT, NULL, NULL, 0);
	}
	pthread_mutex_unlock(&pbx->lock);
}

struct outdial_host pbx_host(struct pbx *pbx)
{
	struct outdial_host host = {
		.abi_version = OUTDIAL_ABI_MAJOR << 16 | OUTDIAL_ABI_MINOR,
		.struct_size = sizeof(host),
		.ctx = pbx,
		.originate = host_originate,
		.connect = host_connect,
		.play = host_play,
		.release = host_release,
		.hangup = host_hangup,
		.dismiss = host_dismiss,
		.probe = host_probe,
		.visit_live = host_visit_live,
		.load = host_load,
		.log = host_log,
		.on_fault = host_on_fault,
		.ring = host_ring,
		.notice = host_notice,
		.leave_message = host_play,
		.enqueue = host_enqueue,
		.dequeue = host_dequeue,
		.watch_queue = host_watch_queue,
	};

	return host;
}
