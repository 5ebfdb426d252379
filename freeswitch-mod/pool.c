/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 */
#include "pool.h"

/* Threads of one pool at most. */
#define POOL_THREADS 16

struct job {
	void (*run)(void *data);
	void *data;
	switch_time_t since;
};

struct pool {
	switch_memory_pool_t *memory;
	switch_queue_t *jobs;
	switch_thread_t *threads[POOL_THREADS];
	unsigned int count;
	switch_atomic_t running;
	switch_atomic_t waited_ms;
};

static void *SWITCH_THREAD_FUNC pool_run(switch_thread_t *thread, void *data)
{
	struct pool *pool = data;
	void *next;

	while (switch_queue_pop(pool->jobs, &next) == SWITCH_STATUS_SUCCESS && next) {
		struct job *job = next;

		switch_atomic_set(&pool->waited_ms, (uint32_t) ((switch_micro_time_now() - job->since) / 1000));
		switch_atomic_inc(&pool->running);
		job->run(job->data);
		switch_atomic_dec(&pool->running);
		free(job);
	}
	return NULL;
}

struct pool *pool_create(unsigned int threads, unsigned int waiting)
{
	switch_memory_pool_t *memory = NULL;
	switch_threadattr_t *attr = NULL;
	struct pool *pool;

	if (threads > POOL_THREADS || switch_core_new_memory_pool(&memory) != SWITCH_STATUS_SUCCESS) {
		return NULL;
	}
	pool = switch_core_alloc(memory, sizeof(*pool));
	pool->memory = memory;
	if (switch_queue_create(&pool->jobs, waiting, memory) != SWITCH_STATUS_SUCCESS) {
		switch_core_destroy_memory_pool(&memory);
		return NULL;
	}
	switch_threadattr_create(&attr, memory);
	switch_threadattr_stacksize_set(attr, SWITCH_THREAD_STACKSIZE);
	for (; pool->count < threads; pool->count++) {
		if (switch_thread_create(&pool->threads[pool->count], attr, pool_run, pool, memory) != SWITCH_STATUS_SUCCESS) {
			pool_destroy(pool);
			return NULL;
		}
	}
	return pool;
}

int pool_push(struct pool *pool, void (*run)(void *data), void *data)
{
	struct job *job = malloc(sizeof(*job));

	if (!job) {
		return -1;
	}
	job->run = run;
	job->data = data;
	job->since = switch_micro_time_now();
	if (switch_queue_trypush(pool->jobs, job) != SWITCH_STATUS_SUCCESS) {
		free(job);
		return -1;
	}
	return 0;
}

void pool_load(struct pool *pool, struct pool_load *load)
{
	load->waiting = switch_queue_size(pool->jobs);
	load->running = switch_atomic_read(&pool->running);
	load->oldest_ms = load->waiting ? switch_atomic_read(&pool->waited_ms) : 0;
}

void pool_destroy(struct pool *pool)
{
	switch_memory_pool_t *memory;
	switch_status_t status;
	unsigned int i;

	if (!pool) {
		return;
	}
	/* One empty job for each thread: behind all others. */
	for (i = 0; i < pool->count; i++) {
		switch_queue_push(pool->jobs, NULL);
	}
	for (i = 0; i < pool->count; i++) {
		switch_thread_join(&status, pool->threads[i]);
	}
	memory = pool->memory;
	switch_core_destroy_memory_pool(&memory);
}
