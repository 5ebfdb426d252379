/*
 * SPDX-License-Identifier: MIT
 *
 * The module, its applications and APIs, the console, and what has no file of its own.
 */
#include <dlfcn.h>

#include "host.h"

/* Completions that one module may have. */
#define COMPLETIONS 8

switch_directories SWITCH_GLOBAL_dirs = { .db_dir = "/nonexistent" };
struct counts counts;

/* The one module that can be loaded. */
static struct {
	pthread_mutex_t lock;
	void *library;
	switch_memory_pool_t *pool;
	switch_loadable_module_interface_t *module;
	switch_loadable_module_function_table_t *functions;
	char complete_names[COMPLETIONS][TEXT_LEN];
	switch_console_complete_callback_t completes[COMPLETIONS];
} loaded = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Says a word that was pushed; one command at a time. */
static void (*say_word)(const char *word);

switch_bool_t switch_core_ready(void)
{
	return atomic_load(&settings.ready) ? SWITCH_TRUE : SWITCH_FALSE;
}

const char *switch_version_full(void)
{
	return "0 (contract host)";
}

uint32_t switch_core_session_limit(uint32_t fresh)
{
	return 1000;
}

uint32_t switch_core_sessions_per_second(uint32_t fresh)
{
	return 1000;
}

char *switch_core_get_variable_dup(const char *name)
{
	return strcmp(name, "sound_prefix") ? NULL : strdup("/sounds");
}

switch_loadable_module_interface_t *switch_loadable_module_create_module_interface(switch_memory_pool_t *pool,
	const char *name)
{
	switch_loadable_module_interface_t *module = pool_zeroed(pool, sizeof(*module), NULL);

	module->module_name = pool_copy(pool, name);
	module->pool = pool;
	switch_thread_rwlock_create(&module->rwlock, pool);
	return module;
}

void *switch_loadable_module_create_interface(switch_loadable_module_interface_t *module,
	switch_module_interface_name_t kind)
{
	switch_application_interface_t *app;
	switch_api_interface_t *api;

	switch (kind) {
	case SWITCH_APPLICATION_INTERFACE:
		app = pool_zeroed(module->pool, sizeof(*app), NULL);
		app->rwlock = module->rwlock;
		app->next = module->application_interface;
		return module->application_interface = app;
	case SWITCH_API_INTERFACE:
		api = pool_zeroed(module->pool, sizeof(*api), NULL);
		api->rwlock = module->rwlock;
		api->next = module->api_interface;
		return module->api_interface = api;
	}
	BROKEN("an interface of kind %d is not in the contract", kind);
}

/* Whoever uses an interface holds its module. */
static int hold(switch_thread_rwlock_t *lock)
{
	return switch_thread_rwlock_tryrdlock(lock) == SWITCH_STATUS_SUCCESS;
}

void contract_interface_release(switch_thread_rwlock_t *lock)
{
	switch_thread_rwlock_unlock(lock);
}

switch_application_interface_t *switch_loadable_module_get_application_interface(const char *name)
{
	switch_application_interface_t *app;

	pthread_mutex_lock(&loaded.lock);
	for (app = loaded.module ? loaded.module->application_interface : NULL; app && strcmp(app->interface_name, name);
			app = app->next) {
	}
	app = app && hold(app->rwlock) ? app : NULL;
	pthread_mutex_unlock(&loaded.lock);
	return app;
}

switch_endpoint_interface_t *switch_loadable_module_get_endpoint_interface(const char *name)
{
	switch_endpoint_interface_t *endpoint = carrier_endpoint(name);

	return endpoint && hold(endpoint->rwlock) ? endpoint : NULL;
}

static switch_api_interface_t *api_find(const char *name)
{
	switch_api_interface_t *api;

	pthread_mutex_lock(&loaded.lock);
	for (api = loaded.module ? loaded.module->api_interface : NULL; api && strcmp(api->interface_name, name);
			api = api->next) {
	}
	api = api && hold(api->rwlock) ? api : NULL;
	pthread_mutex_unlock(&loaded.lock);
	return api;
}

switch_status_t switch_api_execute(const char *name, const char *line, switch_core_session_t *session,
	switch_stream_handle_t *stream)
{
	switch_api_interface_t *api;
	switch_status_t status;

	/* Two of sofia's. */
	if (!strcmp(name, "sofia_contact")) {
		return stream->write_function(stream, "sofia/internal/sip:%s@127.0.0.1:5060", line);
	}
	if (!strcmp(name, "sofia")) {
		return stream->write_function(stream, strcmp(line, "status gateway carrier") ? "Invalid Gateway!\n" : "Name carrier\n");
	}
	api = api_find(name);
	if (!api) {
		return SWITCH_STATUS_FALSE;
	}
	status = api->function(line, session, stream);
	UNPROTECT_INTERFACE(api);
	return status;
}

switch_status_t switch_console_set_complete(const char *words)
{
	return strncmp(words, "add ", 4) && strncmp(words, "del ", 4) ? SWITCH_STATUS_FALSE : SWITCH_STATUS_SUCCESS;
}

switch_status_t switch_console_add_complete_func(const char *name, switch_console_complete_callback_t function)
{
	for (int i = 0; i < COMPLETIONS; i++) {
		if (!loaded.completes[i]) {
			switch_copy_string(loaded.complete_names[i], name, TEXT_LEN);
			loaded.completes[i] = function;
			return SWITCH_STATUS_SUCCESS;
		}
	}
	return SWITCH_STATUS_FALSE;
}

switch_status_t switch_console_del_complete_func(const char *name)
{
	for (int i = 0; i < COMPLETIONS; i++) {
		if (loaded.completes[i] && !strcmp(loaded.complete_names[i], name)) {
			loaded.completes[i] = NULL;
		}
	}
	return SWITCH_STATUS_SUCCESS;
}

void switch_console_push_match_unique(switch_console_callback_match_t **matches, const char *word)
{
	if (!*matches) {
		*matches = calloc(1, sizeof(**matches));
	}
	(*matches)->count++;
	say_word(word);
}

int module_complete(const char *line, void (*say)(const char *word))
{
	int count = 0;

	say_word = say;
	for (int i = 0; i < COMPLETIONS; i++) {
		switch_console_callback_match_t *matches = NULL;
		const char *last = strrchr(line, ' ');

		if (loaded.completes[i] && loaded.completes[i](line, last ? last + 1 : line, &matches) == SWITCH_STATUS_SUCCESS) {
			count += matches->count;
		}
		free(matches);
	}
	return count;
}

static void forget_library(void)
{
	dlclose(loaded.library);
	switch_core_destroy_memory_pool(&loaded.pool);
	loaded.library = NULL;
	loaded.functions = NULL;
}

int module_load(const char *file, const char **error)
{
	switch_loadable_module_interface_t *module = NULL;

	if (loaded.library) {
		*error = "Module already loaded";
		return -1;
	}
	loaded.library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	if (!loaded.library) {
		*error = dlerror();
		return -1;
	}
	switch_core_new_memory_pool(&loaded.pool);
	loaded.functions = dlsym(loaded.library, "mod_outdial_module_interface");
	if (!loaded.functions || loaded.functions->switch_api_version != SWITCH_API_VERSION) {
		BROKEN("no module interface, or for another API");
	}
	if (loaded.functions->load(&module, loaded.pool) != SWITCH_STATUS_SUCCESS) {
		*error = "module load routine returned an error";
		forget_library();
		return -1;
	}
	if (!module || !module->module_name) {
		BROKEN("a module was loaded that has no interface");
	}
	/* Only now others find what it has. */
	pthread_mutex_lock(&loaded.lock);
	loaded.module = module;
	pthread_mutex_unlock(&loaded.lock);
	return 0;
}

int module_unload(int force, const char **error)
{
	switch_loadable_module_interface_t *module = loaded.module;

	if (!module) {
		*error = "No such module";
		return -1;
	}
	if (!force && switch_thread_rwlock_trywrlock(module->rwlock) != SWITCH_STATUS_SUCCESS) {
		*error = "Module in use.";
		return -1;
	}
	pthread_mutex_lock(&loaded.lock);
	loaded.module = NULL;
	pthread_mutex_unlock(&loaded.lock);
	if (loaded.functions->shutdown() != SWITCH_STATUS_SUCCESS) {
		BROKEN("the module does not end");
	}
	if (!force) {
		switch_thread_rwlock_unlock(module->rwlock);
	}
	/* Its code goes when all modules have ended, and every channel. */
	while (force && atomic_load(&counts.threads)) {
		switch_sleep(1000);
	}
	for (int i = 0; i < COMPLETIONS; i++) {
		if (loaded.completes[i]) {
			BROKEN("completion %s is left behind", loaded.complete_names[i]);
		}
	}
	events_check();
	forget_library();
	return 0;
}

/* Every sound is there whose name does not say otherwise. */
switch_status_t switch_core_file_open(switch_file_handle_t *file, const char *path, uint32_t channels, uint32_t rate,
	unsigned int flags, switch_memory_pool_t *pool)
{
	if (strstr(path, "missing")) {
		return SWITCH_STATUS_NOTFOUND;
	}
	file->private_info = malloc(1);
	return SWITCH_STATUS_SUCCESS;
}

switch_status_t switch_core_file_close(switch_file_handle_t *file)
{
	free(file->private_info);
	return SWITCH_STATUS_SUCCESS;
}

static const switch_codec_implementation_t linear = {
	.actual_samples_per_second = 8000, .microseconds_per_packet = FRAME_MS * 1000, .decoded_bytes_per_packet = PACKET_SIZE,
	.number_of_channels = 1,
};

switch_status_t switch_core_codec_init(switch_codec_t *codec, const char *name, const char *module, const char *parameters,
	uint32_t rate, int ms, int channels, uint32_t flags, const switch_codec_settings_t *how, switch_memory_pool_t *pool)
{
	if (strcmp(name, "L16") || ms != FRAME_MS) {
		return SWITCH_STATUS_FALSE;
	}
	codec->private_info = malloc(1);
	codec->implementation = &linear;
	return SWITCH_STATUS_SUCCESS;
}

switch_status_t switch_core_codec_destroy(switch_codec_t *codec)
{
	free(codec->private_info);
	codec->private_info = NULL;
	return SWITCH_STATUS_SUCCESS;
}
