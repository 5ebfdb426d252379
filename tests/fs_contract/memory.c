/*
 * SPDX-License-Identifier: MIT
 *
 * Memory, threads, locks and queues.
 */
#include "host.h"

/* Sanitizers need more of a stack than FreeSWITCH has. */
#define STACK_MIN (1 << 20)

struct block {
	struct block *next;
	void (*cleanup)(void *block);
	max_align_t data[];
};

struct contract_pool {
	pthread_mutex_t lock;
	struct block *blocks;
};

struct contract_mutex {
	pthread_mutex_t mutex;
};

/* Not pthread's own: here a lock may be given back by another thread, as on FreeSWITCH. */
struct contract_rwlock {
	pthread_mutex_t lock;
	pthread_cond_t free;
	unsigned int readers;
	int written;
};

struct contract_queue {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned int capacity;
	unsigned int first;
	unsigned int count;
	void *items[];
};

struct contract_threadattr {
	size_t stack;
};

struct contract_thread {
	pthread_t thread;
	switch_thread_start_t start;
	void *data;
};

switch_status_t switch_core_new_memory_pool(switch_memory_pool_t **pool)
{
	*pool = calloc(1, sizeof(**pool));
	pthread_mutex_init(&(*pool)->lock, NULL);
	return SWITCH_STATUS_SUCCESS;
}

switch_status_t switch_core_destroy_memory_pool(switch_memory_pool_t **pool)
{
	struct block *block;

	while ((block = (*pool)->blocks)) {
		(*pool)->blocks = block->next;
		if (block->cleanup) {
			block->cleanup(block->data);
		}
		free(block);
	}
	pthread_mutex_destroy(&(*pool)->lock);
	free(*pool);
	*pool = NULL;
	return SWITCH_STATUS_SUCCESS;
}

void *pool_zeroed(switch_memory_pool_t *pool, size_t size, void (*cleanup)(void *block))
{
	struct block *block = calloc(1, sizeof(*block) + size);

	block->cleanup = cleanup;
	pthread_mutex_lock(&pool->lock);
	block->next = pool->blocks;
	pool->blocks = block;
	pthread_mutex_unlock(&pool->lock);
	return block->data;
}

void *switch_core_alloc(switch_memory_pool_t *pool, switch_size_t size)
{
	return pool_zeroed(pool, size, NULL);
}

char *pool_copy(switch_memory_pool_t *pool, const char *text)
{
	size_t size = text ? strlen(text) + 1 : 0;

	return text ? memcpy(pool_zeroed(pool, size, NULL), text, size) : NULL;
}

static void mutex_end(void *data)
{
	switch_mutex_t *mutex = data;

	if (pthread_mutex_destroy(&mutex->mutex)) {
		BROKEN("a mutex is destroyed while it is locked");
	}
}

switch_status_t switch_mutex_init(switch_mutex_t **mutex, unsigned int flags, switch_memory_pool_t *pool)
{
	pthread_mutexattr_t attr;

	*mutex = pool_zeroed(pool, sizeof(**mutex), mutex_end);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, flags & SWITCH_MUTEX_NESTED ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&(*mutex)->mutex, &attr);
	pthread_mutexattr_destroy(&attr);
	return SWITCH_STATUS_SUCCESS;
}

switch_status_t switch_mutex_lock(switch_mutex_t *mutex)
{
	return pthread_mutex_lock(&mutex->mutex) ? SWITCH_STATUS_FALSE : SWITCH_STATUS_SUCCESS;
}

switch_status_t switch_mutex_unlock(switch_mutex_t *mutex)
{
	if (pthread_mutex_unlock(&mutex->mutex)) {
		BROKEN("a mutex is unlocked that this thread has not locked");
	}
	return SWITCH_STATUS_SUCCESS;
}

static void rwlock_end(void *data)
{
	switch_thread_rwlock_t *lock = data;

	if (lock->readers || lock->written) {
		BROKEN("a lock goes with %u readers", lock->readers);
	}
	pthread_mutex_destroy(&lock->lock);
	pthread_cond_destroy(&lock->free);
}

switch_status_t switch_thread_rwlock_create(switch_thread_rwlock_t **lock, switch_memory_pool_t *pool)
{
	*lock = pool_zeroed(pool, sizeof(**lock), rwlock_end);
	pthread_mutex_init(&(*lock)->lock, NULL);
	pthread_cond_init(&(*lock)->free, NULL);
	return SWITCH_STATUS_SUCCESS;
}

switch_status_t switch_thread_rwlock_tryrdlock(switch_thread_rwlock_t *lock)
{
	int taken;

	pthread_mutex_lock(&lock->lock);
	taken = !lock->written;
	lock->readers += taken;
	pthread_mutex_unlock(&lock->lock);
	return taken ? SWITCH_STATUS_SUCCESS : SWITCH_STATUS_FALSE;
}

static switch_status_t write_lock(switch_thread_rwlock_t *lock, int wait)
{
	int taken;

	pthread_mutex_lock(&lock->lock);
	while (wait && (lock->written || lock->readers)) {
		pthread_cond_wait(&lock->free, &lock->lock);
	}
	taken = !lock->written && !lock->readers;
	lock->written |= taken;
	pthread_mutex_unlock(&lock->lock);
	return taken ? SWITCH_STATUS_SUCCESS : SWITCH_STATUS_FALSE;
}

switch_status_t switch_thread_rwlock_trywrlock(switch_thread_rwlock_t *lock)
{
	return write_lock(lock, 0);
}

switch_status_t switch_thread_rwlock_wrlock(switch_thread_rwlock_t *lock)
{
	return write_lock(lock, 1);
}

switch_status_t switch_thread_rwlock_unlock(switch_thread_rwlock_t *lock)
{
	pthread_mutex_lock(&lock->lock);
	if (lock->written) {
		lock->written = 0;
	} else if (lock->readers) {
		lock->readers--;
	} else {
		BROKEN("a lock is given back that nobody holds");
	}
	pthread_cond_broadcast(&lock->free);
	pthread_mutex_unlock(&lock->lock);
	return SWITCH_STATUS_SUCCESS;
}

static void queue_end(void *data)
{
	switch_queue_t *queue = data;

	if (queue->count) {
		BROKEN("a queue goes with %u items in it", queue->count);
	}
	pthread_mutex_destroy(&queue->lock);
	pthread_cond_destroy(&queue->changed);
}

switch_status_t switch_queue_create(switch_queue_t **queue, unsigned int capacity, switch_memory_pool_t *pool)
{
	*queue = pool_zeroed(pool, sizeof(**queue) + capacity * sizeof(void *), queue_end);
	(*queue)->capacity = capacity;
	pthread_mutex_init(&(*queue)->lock, NULL);
	pthread_cond_init(&(*queue)->changed, NULL);
	return SWITCH_STATUS_SUCCESS;
}

static switch_status_t push(switch_queue_t *queue, void *item, int wait)
{
	switch_status_t status = SWITCH_STATUS_FALSE;

	pthread_mutex_lock(&queue->lock);
	while (wait && queue->count == queue->capacity) {
		pthread_cond_wait(&queue->changed, &queue->lock);
	}
	if (queue->count < queue->capacity) {
		queue->items[(queue->first + queue->count++) % queue->capacity] = item;
		pthread_cond_broadcast(&queue->changed);
		status = SWITCH_STATUS_SUCCESS;
	}
	pthread_mutex_unlock(&queue->lock);
	return status;
}

switch_status_t switch_queue_push(switch_queue_t *queue, void *item)
{
	return push(queue, item, 1);
}

switch_status_t switch_queue_trypush(switch_queue_t *queue, void *item)
{
	return push(queue, item, 0);
}

switch_status_t switch_queue_pop(switch_queue_t *queue, void **item)
{
	pthread_mutex_lock(&queue->lock);
	while (!queue->count) {
		pthread_cond_wait(&queue->changed, &queue->lock);
	}
	*item = queue->items[queue->first];
	queue->first = (queue->first + 1) % queue->capacity;
	queue->count--;
	pthread_cond_broadcast(&queue->changed);
	pthread_mutex_unlock(&queue->lock);
	return SWITCH_STATUS_SUCCESS;
}

unsigned int switch_queue_size(switch_queue_t *queue)
{
	unsigned int count;

	pthread_mutex_lock(&queue->lock);
	count = queue->count;
	pthread_mutex_unlock(&queue->lock);
	return count;
}

switch_status_t switch_threadattr_create(switch_threadattr_t **attr, switch_memory_pool_t *pool)
{
	*attr = pool_zeroed(pool, sizeof(**attr), NULL);
	return SWITCH_STATUS_SUCCESS;
}

switch_status_t switch_threadattr_stacksize_set(switch_threadattr_t *attr, switch_size_t size)
{
	attr->stack = size;
	return SWITCH_STATUS_SUCCESS;
}

static void *thread_run(void *data)
{
	switch_thread_t *thread = data;

	return thread->start(thread, thread->data);
}

switch_status_t switch_thread_create(switch_thread_t **thread, switch_threadattr_t *attr, switch_thread_start_t start,
	void *data, switch_memory_pool_t *pool)
{
	pthread_attr_t how;
	int res;

	*thread = pool_zeroed(pool, sizeof(**thread), NULL);
	(*thread)->start = start;
	(*thread)->data = data;
	pthread_attr_init(&how);
	pthread_attr_setstacksize(&how, attr->stack > STACK_MIN ? attr->stack : STACK_MIN);
	res = pthread_create(&(*thread)->thread, &how, thread_run, *thread);
	pthread_attr_destroy(&how);
	return res ? SWITCH_STATUS_FALSE : SWITCH_STATUS_SUCCESS;
}

switch_status_t switch_thread_join(switch_status_t *status, switch_thread_t *thread)
{
	*status = SWITCH_STATUS_SUCCESS;
	return pthread_join(thread->thread, NULL) ? SWITCH_STATUS_FALSE : SWITCH_STATUS_SUCCESS;
}

void switch_atomic_set(volatile switch_atomic_t *atomic, uint32_t value)
{
	__atomic_store_n(atomic, value, __ATOMIC_SEQ_CST);
}

uint32_t switch_atomic_read(volatile switch_atomic_t *atomic)
{
	return __atomic_load_n(atomic, __ATOMIC_SEQ_CST);
}

void switch_atomic_inc(volatile switch_atomic_t *atomic)
{
	__atomic_add_fetch(atomic, 1, __ATOMIC_SEQ_CST);
}

int switch_atomic_dec(volatile switch_atomic_t *atomic)
{
	return __atomic_sub_fetch(atomic, 1, __ATOMIC_SEQ_CST) != 0;
}

void switch_sleep(switch_interval_time_t us)
{
	struct timespec span = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };

	nanosleep(&span, NULL);
}

switch_time_t switch_micro_time_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (switch_time_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
