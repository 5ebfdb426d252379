/*
 * SPDX-License-Identifier: MIT
 *
 * Events: made, told, and listened to.
 */
#include "host.h"

/* Subclasses that are reserved, and listeners, at most. */
#define EVENTS_MAX 8

struct contract_event_node {
	char subclass[TEXT_LEN];
	switch_event_callback_t callback;
	void *data;
};

static struct {
	pthread_mutex_t lock;
	char subclasses[EVENTS_MAX][TEXT_LEN];
	switch_event_node_t *nodes[EVENTS_MAX];
} events = { .lock = PTHREAD_MUTEX_INITIALIZER };

switch_status_t switch_event_create_plain(switch_event_t **event, switch_event_types_t kind)
{
	*event = calloc(1, sizeof(**event));
	return SWITCH_STATUS_SUCCESS;
}

const char *event_header(switch_event_t *event, const char *name)
{
	struct header *header = event->first;

	while (header && strcasecmp(header->name, name)) {
		header = header->next;
	}
	return header ? header->value : NULL;
}

void event_set(switch_event_t *event, const char *name, const char *value)
{
	struct header **at = &event->first;
	struct header *header;

	while (*at && strcasecmp((*at)->name, name)) {
		at = &(*at)->next;
	}
	header = *at;
	if (header) {
		*at = header->next;
		free(header->name);
		free(header->value);
		free(header);
	}
	if (value) {
		header = calloc(1, sizeof(*header));
		header->name = strdup(name);
		header->value = strdup(value);
		header->next = event->first;
		event->first = header;
	}
}

switch_status_t switch_event_add_header_string(switch_event_t *event, switch_stack_t where, const char *name,
	const char *value)
{
	event_set(event, name, switch_str_nil(value));
	return SWITCH_STATUS_SUCCESS;
}

void switch_event_destroy(switch_event_t **event)
{
	while (*event && (*event)->first) {
		event_set(*event, (*event)->first->name, NULL);
	}
	free(*event);
	*event = NULL;
}

switch_status_t switch_event_create_subclass(switch_event_t **event, switch_event_types_t kind, const char *subclass)
{
	switch_event_create_plain(event, kind);
	event_set(*event, "Event-Subclass", subclass);
	return SWITCH_STATUS_SUCCESS;
}

switch_status_t switch_event_add_header(switch_event_t *event, switch_stack_t where, const char *name,
	const char *format, ...)
{
	char value[TEXT_LEN];
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	return switch_event_add_header_string(event, where, name, value);
}

/* With the lock held; NULL: none is free. */
static char *subclass_of(const char *subclass)
{
	for (int i = 0; i < EVENTS_MAX; i++) {
		if (!strcmp(events.subclasses[i], subclass)) {
			return events.subclasses[i];
		}
	}
	return NULL;
}

switch_status_t switch_event_reserve_subclass(const char *subclass)
{
	switch_status_t status = SWITCH_STATUS_INUSE;
	char *free_one;

	pthread_mutex_lock(&events.lock);
	free_one = subclass_of("");
	if (free_one && !subclass_of(subclass)) {
		switch_copy_string(free_one, subclass, TEXT_LEN);
		status = SWITCH_STATUS_SUCCESS;
	}
	pthread_mutex_unlock(&events.lock);
	return status;
}

switch_status_t switch_event_free_subclass(const char *subclass)
{
	char *one;

	pthread_mutex_lock(&events.lock);
	one = subclass_of(subclass);
	if (one) {
		*one = '\0';
	}
	pthread_mutex_unlock(&events.lock);
	return one ? SWITCH_STATUS_SUCCESS : SWITCH_STATUS_FALSE;
}

/* Whoever listens hears it in this thread; his lock keeps him from being unbound meanwhile. */
switch_status_t switch_event_fire(switch_event_t **event)
{
	const char *subclass = event_header(*event, "Event-Subclass");

	pthread_mutex_lock(&events.lock);
	if (subclass && !subclass_of(subclass)) {
		BROKEN("event %s is fired, and not reserved", subclass);
	}
	for (int i = 0; i < EVENTS_MAX; i++) {
		if (events.nodes[i] && subclass && !strcmp(events.nodes[i]->subclass, subclass)) {
			events.nodes[i]->callback(*event);
		}
	}
	pthread_mutex_unlock(&events.lock);
	atomic_fetch_add(&counts.fired, 1);
	switch_event_destroy(event);
	return SWITCH_STATUS_SUCCESS;
}

switch_status_t switch_event_bind_removable(const char *id, switch_event_types_t kind, const char *subclass,
	switch_event_callback_t callback, void *data, switch_event_node_t **node)
{
	int i;

	*node = calloc(1, sizeof(**node));
	switch_copy_string((*node)->subclass, subclass, TEXT_LEN);
	(*node)->callback = callback;
	(*node)->data = data;
	pthread_mutex_lock(&events.lock);
	for (i = 0; i < EVENTS_MAX && events.nodes[i]; i++) {
	}
	if (i == EVENTS_MAX) {
		BROKEN("more than %d listeners", EVENTS_MAX);
	}
	events.nodes[i] = *node;
	pthread_mutex_unlock(&events.lock);
	return SWITCH_STATUS_SUCCESS;
}

switch_status_t switch_event_unbind(switch_event_node_t **node)
{
	pthread_mutex_lock(&events.lock);
	for (int i = 0; i < EVENTS_MAX; i++) {
		if (events.nodes[i] == *node) {
			events.nodes[i] = NULL;
		}
	}
	pthread_mutex_unlock(&events.lock);
	free(*node);
	*node = NULL;
	return SWITCH_STATUS_SUCCESS;
}

void events_check(void)
{
	for (int i = 0; i < EVENTS_MAX; i++) {
		if (*events.subclasses[i] || events.nodes[i]) {
			BROKEN("an event's name or a listener is left behind: %s", events.subclasses[i]);
		}
	}
}
