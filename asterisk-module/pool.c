/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief A bounded pool of threads, all of which are joined when it ends.
 *
 * The thread that became idle last gets the next job: its stack and its caches are warm, and the
 * threads that a quiet hour does not need end by themselves.
 */

#include "compat.h"
#include "pool.h"

#include <pthread.h>
#include <signal.h>

#include "asterisk/linkedlists.h"
#include "asterisk/lock.h"
#include "asterisk/time.h"

/*! \brief A thread without work ends after this long. */
#define POOL_IDLE_SECONDS 20

/*!
 * \brief A thread ends after so many jobs, unless more wait.
 *
 * The C library's allocator keeps some memory for each thread, and Asterisk buffers: with a hundred
 * threads that fill up slowly, memory would grow for hours.
 */
#define POOL_THREAD_JOBS 16

struct pool_job {
	void (*run)(void *data);
	void *data;
	struct timeval since;
	AST_LIST_ENTRY(pool_job) next;
};

/*! \brief A thread, in the list of the pool until somebody has joined it. */
struct pool_thread {
	pthread_t id;
	struct pool *pool;
	/*! \brief A job has come, or the pool ends. */
	ast_cond_t wake;
	/*! \brief A job has come. */
	unsigned int called:1;
	/*! \brief In the list of idle threads, or of those that have ended. */
	AST_LIST_ENTRY(pool_thread) next;
};

struct pool {
	ast_mutex_t lock;
	/*! \brief A thread has ended. */
	ast_cond_t ended;
	/*! \brief Jobs that no thread has taken, the oldest first. */
	AST_LIST_HEAD_NOLOCK(, pool_job) jobs;
	/*! \brief Threads without work, the one that waits for the shortest time first. */
	AST_LIST_HEAD_NOLOCK(, pool_thread) idle;
	/*! \brief Threads that have left their loop and wait to be joined. */
	AST_LIST_HEAD_NOLOCK(, pool_thread) done;
	/*! \brief Signals as Asterisk's own threads take them. */
	sigset_t signals;
	const char *name;
	unsigned int max_threads;
	unsigned int max_jobs;
	unsigned int threads;
	unsigned int waiting;
	unsigned int running;
	unsigned int ending:1;
};

struct pool *pool_create(const char *name, unsigned int max_threads, unsigned int max_jobs)
{
	struct pool *pool = ast_calloc(1, sizeof(*pool));

	if (!pool) {
		return NULL;
	}
	ast_mutex_init(&pool->lock);
	ast_cond_init(&pool->ended, NULL);
	AST_LIST_HEAD_INIT_NOLOCK(&pool->jobs);
	AST_LIST_HEAD_INIT_NOLOCK(&pool->idle);
	AST_LIST_HEAD_INIT_NOLOCK(&pool->done);
	pthread_sigmask(SIG_BLOCK, NULL, &pool->signals);
	pool->name = name;
	pool->max_threads = max_threads;
	pool->max_jobs = max_jobs;
	return pool;
}

void pool_resize(struct pool *pool, unsigned int max_threads, unsigned int max_jobs)
{
	ast_mutex_lock(&pool->lock);
	pool->max_threads = max_threads;
	pool->max_jobs = max_jobs;
	ast_mutex_unlock(&pool->lock);
}

/*! \brief Be idle until called. Non-zero: for too long. Called with the lock held. */
static int pool_rest(struct pool_thread *thread)
{
	struct pool *pool = thread->pool;
	struct timespec until = { .tv_sec = ast_tvnow().tv_sec + POOL_IDLE_SECONDS, };
	int res = 0;

	thread->called = 0;
	AST_LIST_INSERT_HEAD(&pool->idle, thread, next);
	while (!thread->called && !pool->ending && !res) {
		res = ast_cond_timedwait(&thread->wake, &pool->lock, &until) == ETIMEDOUT;
	}
	if (thread->called) {
		/* Who calls a thread takes it out of the list. */
		return 0;
	}
	AST_LIST_REMOVE(&pool->idle, thread, next);
	return res;
}

/*! \brief Wait for a job. NULL: this thread is not needed any more. Called with the lock held. */
static struct pool_job *pool_next(struct pool_thread *thread)
{
	struct pool *pool = thread->pool;
	struct pool_job *job;
	int enough = 0;

	/* A job stays in the list until a thread runs, so that one that never does holds up none. */
	while (!(job = AST_LIST_REMOVE_HEAD(&pool->jobs, next))) {
		if (pool->ending || enough) {
			return NULL;
		}
		enough = pool_rest(thread);
	}
	pool->waiting--;
	return job;
}

static void *pool_main(void *data)
{
	struct pool_thread *thread = data;
	struct pool *pool = thread->pool;
	struct pool_job *job;
	unsigned int jobs = 0;

	/*
	 * The engine's pump starts most of us. It blocks all signals and has its own name; what a call
	 * does and runs (AGI, System) must not inherit that.
	 */
	pthread_sigmask(SIG_SETMASK, &pool->signals, NULL);
	pthread_setname_np(pthread_self(), pool->name);

	ast_mutex_lock(&pool->lock);
	while ((jobs < POOL_THREAD_JOBS || !AST_LIST_EMPTY(&pool->jobs)) && (job = pool_next(thread))) {
		pool->running++;
		ast_mutex_unlock(&pool->lock);

		job->run(job->data);
		ast_free(job);

		ast_mutex_lock(&pool->lock);
		pool->running--;
		jobs++;
	}
	pool->threads--;
	AST_LIST_INSERT_TAIL(&pool->done, thread, next);
	ast_cond_signal(&pool->ended);
	ast_mutex_unlock(&pool->lock);
	return NULL;
}

/*! \brief Join the threads that have ended. Called with the lock held; they need it no more. */
static void pool_reap(struct pool *pool)
{
	struct pool_thread *thread;

	while ((thread = AST_LIST_REMOVE_HEAD(&pool->done, next))) {
		pthread_join(thread->id, NULL);
		ast_cond_destroy(&thread->wake);
		ast_free(thread);
	}
}

/*! \brief Start one more thread. Called with the lock held. */
static void pool_grow(struct pool *pool)
{
	struct pool_thread *thread = ast_calloc(1, sizeof(*thread));

	if (!thread) {
		return;
	}
	thread->pool = pool;
	ast_cond_init(&thread->wake, NULL);
	if (ast_pthread_create_background(&thread->id, NULL, pool_main, thread)) {
		ast_log(LOG_ERROR, "Pool '%s' could not start a thread; %u are running\n", pool->name,
			pool->threads);
		ast_cond_destroy(&thread->wake);
		ast_free(thread);
		return;
	}
	pool->threads++;
}

int pool_push(struct pool *pool, void (*run)(void *data), void *data)
{
	struct pool_job *job = ast_calloc(1, sizeof(*job));
	struct pool_thread *thread;

	if (!job) {
		return -1;
	}
	job->run = run;
	job->data = data;
	job->since = ast_tvnow();

	ast_mutex_lock(&pool->lock);
	pool_reap(pool);
	if (pool->ending || pool->waiting + pool->running >= pool->max_jobs) {
		ast_mutex_unlock(&pool->lock);
		ast_free(job);
		return -1;
	}
	thread = AST_LIST_REMOVE_HEAD(&pool->idle, next);
	if (!thread && pool->threads < pool->max_threads) {
		pool_grow(pool);
	}
	if (!pool->threads) {
		ast_mutex_unlock(&pool->lock);
		ast_free(job);
		return -1;
	}
	AST_LIST_INSERT_TAIL(&pool->jobs, job, next);
	pool->waiting++;
	if (thread) {
		thread->called = 1;
		ast_cond_signal(&thread->wake);
	}
	ast_mutex_unlock(&pool->lock);
	return 0;
}

void pool_load(struct pool *pool, struct pool_load *load)
{
	struct pool_job *oldest;

	ast_mutex_lock(&pool->lock);
	oldest = AST_LIST_FIRST(&pool->jobs);
	load->waiting = pool->waiting;
	load->running = pool->running;
	load->oldest_ms = oldest ? MAX(0, ast_tvdiff_ms(ast_tvnow(), oldest->since)) : 0;
	ast_mutex_unlock(&pool->lock);
}

void pool_destroy(struct pool *pool)
{
	struct pool_thread *thread;

	if (!pool) {
		return;
	}
	ast_mutex_lock(&pool->lock);
	pool->ending = 1;
	AST_LIST_TRAVERSE(&pool->idle, thread, next) {
		ast_cond_signal(&thread->wake);
	}
	while (pool->threads) {
		ast_cond_wait(&pool->ended, &pool->lock);
	}
	pool_reap(pool);
	ast_mutex_unlock(&pool->lock);
	ast_cond_destroy(&pool->ended);
	ast_mutex_destroy(&pool->lock);
	ast_free(pool);
}
