/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief A bounded pool of threads, all of which are joined when it ends.
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
	AST_LIST_ENTRY(pool_thread) next;
};

struct pool {
	ast_mutex_t lock;
	/*! \brief A job has come, or the pool ends. */
	ast_cond_t wake;
	/*! \brief A thread has ended. */
	ast_cond_t ended;
	AST_LIST_HEAD_NOLOCK(, pool_job) jobs;
	/*! \brief Threads that have left their loop and wait to be joined. */
	AST_LIST_HEAD_NOLOCK(, pool_thread) done;
	/*! \brief Signals as Asterisk's own threads take them. */
	sigset_t signals;
	const char *name;
	unsigned int max_threads;
	unsigned int max_jobs;
	unsigned int threads;
	unsigned int idle;
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
	ast_cond_init(&pool->wake, NULL);
	ast_cond_init(&pool->ended, NULL);
	AST_LIST_HEAD_INIT_NOLOCK(&pool->jobs);
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

/*! \brief Wait for a job. NULL: this thread is not needed any more. Called with the lock held. */
static struct pool_job *pool_next(struct pool *pool)
{
	struct timespec until = { .tv_sec = ast_tvnow().tv_sec + POOL_IDLE_SECONDS, };
	struct pool_job *job;

	while (!(job = AST_LIST_REMOVE_HEAD(&pool->jobs, next))) {
		int res;

		if (pool->ending) {
			return NULL;
		}
		pool->idle++;
		res = ast_cond_timedwait(&pool->wake, &pool->lock, &until);
		pool->idle--;
		if (res == ETIMEDOUT && AST_LIST_EMPTY(&pool->jobs)) {
			return NULL;
		}
	}
	pool->waiting--;
	return job;
}

static void *pool_main(void *data)
{
	struct pool_thread *thread = data;
	struct pool *pool = thread->pool;
	struct pool_job *job;

	/* The engine's pump blocks all signals; what a call runs (AGI, System) must not inherit that. */
	pthread_sigmask(SIG_SETMASK, &pool->signals, NULL);
	/* And it would have the pump's name. Too long a one is not set. */
	pthread_setname_np(pthread_self(), pool->name);

	ast_mutex_lock(&pool->lock);
	while ((job = pool_next(pool))) {
		pool->running++;
		ast_mutex_unlock(&pool->lock);

		job->run(job->data);
		ast_free(job);

		ast_mutex_lock(&pool->lock);
		pool->running--;
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
	if (ast_pthread_create_background(&thread->id, NULL, pool_main, thread)) {
		ast_log(LOG_ERROR, "Pool '%s' could not start a thread; %u are running\n", pool->name,
			pool->threads);
		ast_free(thread);
		return;
	}
	pool->threads++;
}

int pool_push(struct pool *pool, void (*run)(void *data), void *data)
{
	struct pool_job *job = ast_calloc(1, sizeof(*job));

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
	if (pool->idle <= pool->waiting && pool->threads < pool->max_threads) {
		pool_grow(pool);
	}
	if (!pool->threads) {
		ast_mutex_unlock(&pool->lock);
		ast_free(job);
		return -1;
	}
	AST_LIST_INSERT_TAIL(&pool->jobs, job, next);
	pool->waiting++;
	ast_cond_signal(&pool->wake);
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
	if (!pool) {
		return;
	}
	ast_mutex_lock(&pool->lock);
	pool->ending = 1;
	ast_cond_broadcast(&pool->wake);
	while (pool->threads) {
		ast_cond_wait(&pool->ended, &pool->lock);
	}
	pool_reap(pool);
	ast_mutex_unlock(&pool->lock);
	ast_cond_destroy(&pool->ended);
	ast_cond_destroy(&pool->wake);
	ast_mutex_destroy(&pool->lock);
	ast_free(pool);
}
