/* What the PBX's own files share. */
#ifndef PBX_INSIDE_H
#define PBX_INSIDE_H

#include <pthread.h>

#include "pbx.h"

#define IDS 160
#define CALLS 4096
#define SESSIONS 256
#define JOBS 65536
#define THREADS 16

enum kind { JOB_NONE, JOB_PROGRESS, JOB_ANSWER, JOB_END, JOB_BRIDGE, JOB_PLAYED, JOB_WAITING,
	JOB_GONE, JOB_PROBED, JOB_RELEASED, JOB_COUNT, JOB_MEMBER, JOB_UNQUEUED };

struct job {
	enum kind kind;
	uint64_t due_ms;
	char id[IDS];
	char other[IDS];
	uint64_t request;
	int32_t sip;
};

struct call {
	int used;
	int ended;
	char id[IDS];
	char digit;
	char session[IDS];
	/* Waits in the queue; a member has it. */
	int queued;
	int taken;
};

struct session {
	int used;
	/* The engine is being told: it can't leave before that is over. */
	int entering;
	int leaving;
	char id[IDS];
	/* Whose phone; empty: who called in. */
	char agent[IDS];
};

struct pbx {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t threads[THREADS];
	unsigned int thread_count;
	struct outdial_engine *engine;
	struct job *jobs;
	unsigned int job_count;
	struct call calls[CALLS];
	struct session sessions[SESSIONS];
	struct pbx_counts counts;
	unsigned int talk_ms;
	/* The queue that is watched, and members with a call. */
	char queue[IDS];
	unsigned int talking;
	int stalled;
	int over;
};

void pbx_copy(char *to, const char *from);
/* The functions below: with the lock held. */
void pbx_add(struct pbx *pbx, unsigned int in_ms, struct job job);
void pbx_add_id(struct pbx *pbx, unsigned int in_ms, enum kind kind, const char *id,
	const char *other, int32_t sip);
struct call *pbx_find(struct pbx *pbx, const char *id);

#endif
