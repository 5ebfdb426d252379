/*
 * SPDX-License-Identifier: MIT
 *
 * Hashes, texts, streams and the log.
 */
#include <ctype.h>
#include <regex.h>

#include "host.h"

#define BUCKETS 256

struct entry {
	struct entry *next;
	char *key;
	void *value;
};

struct contract_hash {
	struct entry *buckets[BUCKETS];
};

/* As on FreeSWITCH it is freed at the end only: who leaves off earlier leaks it. */
struct contract_hash_index {
	switch_hash_t *hash;
	unsigned int bucket;
	struct entry *entry;
};

struct contract_regex {
	regex_t regex;
};

switch_status_t switch_core_hash_init(switch_hash_t **hash)
{
	*hash = calloc(1, sizeof(**hash));
	return SWITCH_STATUS_SUCCESS;
}

static struct entry **find(switch_hash_t *hash, const char *key)
{
	unsigned int sum = 5381;
	struct entry **at;

	for (const char *c = key; *c; c++) {
		sum = sum * 33 + (unsigned char) *c;
	}
	for (at = &hash->buckets[sum % BUCKETS]; *at && strcmp((*at)->key, key); at = &(*at)->next) {
	}
	return at;
}

void *switch_core_hash_delete(switch_hash_t *hash, const char *key)
{
	struct entry **at = find(hash, key);
	struct entry *entry = *at;
	void *value = entry ? entry->value : NULL;

	if (entry) {
		*at = entry->next;
		free(entry->key);
		free(entry);
	}
	return value;
}

switch_status_t switch_core_hash_destroy(switch_hash_t **hash)
{
	for (unsigned int i = 0; i < BUCKETS; i++) {
		while ((*hash)->buckets[i]) {
			switch_core_hash_delete(*hash, (*hash)->buckets[i]->key);
		}
	}
	free(*hash);
	*hash = NULL;
	return SWITCH_STATUS_SUCCESS;
}

switch_status_t switch_core_hash_insert(switch_hash_t *hash, const char *key, const void *value)
{
	struct entry **at;

	switch_core_hash_delete(hash, key);
	at = find(hash, key);
	*at = calloc(1, sizeof(**at));
	(*at)->key = strdup(key);
	(*at)->value = (void *) value;
	return SWITCH_STATUS_SUCCESS;
}

void *switch_core_hash_find(switch_hash_t *hash, const char *key)
{
	struct entry *entry = *find(hash, key);

	return entry ? entry->value : NULL;
}

/* The next bucket that is not empty; NULL: none, and the index is gone. */
static switch_hash_index_t *settle(switch_hash_index_t *index)
{
	while (!index->entry && ++index->bucket < BUCKETS) {
		index->entry = index->hash->buckets[index->bucket];
	}
	if (index->entry) {
		return index;
	}
	free(index);
	return NULL;
}

switch_hash_index_t *switch_core_hash_first(switch_hash_t *hash)
{
	switch_hash_index_t *index = calloc(1, sizeof(*index));

	index->hash = hash;
	index->entry = hash->buckets[0];
	return settle(index);
}

switch_hash_index_t *switch_core_hash_next(switch_hash_index_t **index)
{
	(*index)->entry = (*index)->entry->next;
	return *index = settle(*index);
}

void switch_core_hash_this(switch_hash_index_t *index, const void **key, switch_ssize_t *length, void **value)
{
	if (key) {
		*key = index->entry->key;
	}
	if (length) {
		*length = (switch_ssize_t) strlen(index->entry->key);
	}
	if (value) {
		*value = index->entry->value;
	}
}

/* Returns where the text ends. */
char *switch_copy_string(char *to, const char *from, switch_size_t size)
{
	size_t length = from ? strlen(from) : 0;

	if (!to || !size) {
		return to;
	}
	length = length < size ? length : size - 1;
	if (length) {
		memmove(to, from, length);
	}
	to[length] = '\0';
	return to + length;
}

/* Unlike snprintf() it returns what was written, not what there would have been to write. */
int switch_snprintf(char *to, switch_size_t size, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(to, size, format, args);
	va_end(args);
	return length >= (int) size ? (int) size - 1 : length;
}

switch_bool_t switch_true(const char *text)
{
	return text && (!strcasecmp(text, "yes") || !strcasecmp(text, "on") || !strcasecmp(text, "true")
		|| !strcasecmp(text, "t") || !strcasecmp(text, "enabled") || !strcasecmp(text, "active")
		|| !strcasecmp(text, "allow") || atoi(text)) ? SWITCH_TRUE : SWITCH_FALSE;
}

int switch_false(const char *text)
{
	return text && (!strcasecmp(text, "no") || !strcasecmp(text, "off") || !strcasecmp(text, "false")
		|| !strcasecmp(text, "f") || !strcasecmp(text, "disabled") || !strcasecmp(text, "inactive")
		|| !strcasecmp(text, "disallow") || !strcmp(text, "0"));
}

char *switch_strip_spaces(char *text, switch_bool_t copy)
{
	char *from = text + strspn(text, " ");
	size_t length = strlen(from);

	if (copy) {
		from = strdup(from);
	}
	while (length && from[length - 1] == ' ') {
		from[--length] = '\0';
	}
	return from;
}

const char *switch_stristr(const char *what, const char *text)
{
	return what && text ? strcasestr(text, what) : NULL;
}

int switch_regex_perform(const char *text, const char *expression, switch_regex_t **regex, int *found, uint32_t size)
{
	switch_regex_t *fresh = calloc(1, sizeof(*fresh));
	regmatch_t match;
	int matches;

	*regex = NULL;
	if (regcomp(&fresh->regex, expression, REG_EXTENDED)) {
		free(fresh);
		return 0;
	}
	matches = !regexec(&fresh->regex, text, 1, &match, 0);
	if (matches && size > 1) {
		found[0] = match.rm_so;
		found[1] = match.rm_eo;
	}
	*regex = fresh;
	return matches;
}

void switch_regex_free(void *regex)
{
	regfree(&((switch_regex_t *) regex)->regex);
	free(regex);
}

static switch_status_t stream_write(switch_stream_handle_t *stream, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (stream->data_len + (size_t) length >= stream->data_size) {
		stream->data_size = stream->data_len + (size_t) length + 1;
		stream->data = realloc(stream->data, stream->data_size);
	}
	va_start(args, format);
	vsnprintf((char *) stream->data + stream->data_len, stream->data_size - stream->data_len, format, args);
	va_end(args);
	stream->data_len += (size_t) length;
	return SWITCH_STATUS_SUCCESS;
}

void contract_stream_open(switch_stream_handle_t *stream)
{
	memset(stream, 0, sizeof(*stream));
	stream->data_size = 1024;
	stream->data = calloc(1, stream->data_size);
	stream->write_function = stream_write;
}

const char *contract_log_id(switch_core_session_t *session)
{
	return session ? session->uuid : NULL;
}

void switch_log_printf(switch_text_channel_t channel, const char *file, const char *function, int line, const char *id,
	switch_log_level_t level, const char *format, ...)
{
	char text[4 * TEXT_LEN];
	va_list args;

	/* A text that does not fit its arguments is found whether it is shown or not. */
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if ((int) level <= SWITCH_LOG_INFO || atomic_load(&settings.debug)) {
		text[strcspn(text, "\n")] = '\0';
		printf("log %d %s:%d %s\n", level, file, line, text);
		fflush(stdout);
	}
}
