/*
 * SPDX-License-Identifier: MIT
 *
 * What is a macro, or an inline function, of FreeSWITCH's. check.c sees to it that each name is a macro
 * there, too; what they mean is for the tests on a real FreeSWITCH to find out.
 */
#ifndef FS_CONTRACT_MACROS_H
#define FS_CONTRACT_MACROS_H

#define SWITCH_THREAD_FUNC

/* Where a line of the log comes from. */
#define SWITCH_CHANNEL_LOG SWITCH_CHANNEL_ID_LOG, __FILE__, __func__, __LINE__, NULL
#define SWITCH_CHANNEL_SESSION_LOG(s) SWITCH_CHANNEL_ID_SESSION, __FILE__, __func__, __LINE__, contract_log_id(s)

#define SWITCH_MODULE_LOAD_FUNCTION(name) \
	switch_status_t name(switch_loadable_module_interface_t **module_interface, switch_memory_pool_t *pool)
#define SWITCH_MODULE_SHUTDOWN_FUNCTION(name) switch_status_t name(void)
#define SWITCH_MODULE_DEFINITION(name, on_load, on_shutdown, on_runtime) \
	static const char modname[] = #name; \
	extern switch_loadable_module_function_table_t name##_module_interface; \
	__attribute__((visibility("default"))) switch_loadable_module_function_table_t name##_module_interface = { \
		.switch_api_version = SWITCH_API_VERSION, .load = on_load, .shutdown = on_shutdown, .runtime = on_runtime, \
	}
#define SWITCH_STANDARD_APP(name) static void name(switch_core_session_t *session, const char *data)
#define SWITCH_STANDARD_API(name) \
	static switch_status_t name(const char *cmd, switch_core_session_t *session, switch_stream_handle_t *stream)
#define SWITCH_ADD_APP(app, name, short_text, long_text, function, how, how_flags) do { \
		(app) = switch_loadable_module_create_interface(*module_interface, SWITCH_APPLICATION_INTERFACE); \
		(app)->interface_name = (name); \
		(app)->application_function = (function); \
		(app)->short_desc = (short_text); \
		(app)->long_desc = (long_text); \
		(app)->syntax = (how); \
		(app)->flags = (how_flags); \
	} while (0)
#define SWITCH_ADD_API(api, name, text, code, how) do { \
		(api) = switch_loadable_module_create_interface(*module_interface, SWITCH_API_INTERFACE); \
		(api)->interface_name = (name); \
		(api)->desc = (text); \
		(api)->function = (code); \
		(api)->syntax = (how); \
	} while (0)
#define SWITCH_STANDARD_STREAM(stream) contract_stream_open(&(stream))
/* As there it looks at its argument more than once: not at a call that reads. */
#define SWITCH_READ_ACCEPTABLE(status) \
	((status) == SWITCH_STATUS_SUCCESS || (status) == SWITCH_STATUS_BREAK || (status) == SWITCH_STATUS_INUSE)

/* Gives back an interface that was looked up; NULL is allowed. */
#define UNPROTECT_INTERFACE(i) do { \
		if (i) { \
			contract_interface_release((i)->rwlock); \
		} \
	} while (0)

#define zstr(text) (!(text) || !*(text))
#define switch_str_nil(text) ((text) ? (text) : "")
#define switch_safe_free(p) do { \
		free(p); \
		(p) = NULL; \
	} while (0)
#define switch_regex_safe_free(r) do { \
		if (r) { \
			switch_regex_free(r); \
			(r) = NULL; \
		} \
	} while (0)
#define switch_test_flag(object, flag) ((object)->flags & (flag))
#define cJSON_ArrayForEach(item, array) for ((item) = (array) ? (array)->child : NULL; (item); (item) = (item)->next)
#define switch_yield(us) switch_sleep(us)

/* The host's own, behind the macros above. */
const char *contract_log_id(switch_core_session_t *session);
void contract_stream_open(switch_stream_handle_t *stream);
void contract_interface_release(switch_thread_rwlock_t *lock);

#endif
