/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * Loading, reloading and unloading; posting events.
 */
#include "events.h"
#include "leg.h"
#include "monitor.h"
#include "phone.h"
#include "pool.h"
#include "queue.h"
#include "session.h"

/* Threads that make channels. */
#define DIAL_THREADS 4
/* Threads that carry out the engine's other orders. */
#define WORK_THREADS 4
/* Threads that carry out what agents press. */
#define DESK_THREADS 4
/* Keys that may wait for such a thread. */
#define KEYS_WAITING 1024
/* Jobs that may wait for such a thread. */
#define JOBS_WAITING 65536
/* How long an unload that can't be refused waits for calls that it has hung up. */
#define SHUTDOWN_WAIT_MS 5000

SWITCH_MODULE_LOAD_FUNCTION(mod_outdial_load);
SWITCH_MODULE_SHUTDOWN_FUNCTION(mod_outdial_shutdown);
SWITCH_MODULE_DEFINITION(mod_outdial, mod_outdial_load, mod_outdial_shutdown, NULL);

struct shim shim;

/* What reload changes. */
static switch_mutex_t *config_lock;
/* One reload at a time. */
static switch_mutex_t *reload_lock;

static int post(const struct outdial_event *event)
{
	int res = outdial_post(shim.engine, event);

	shim_debug("Event %u of %s%s%s, %d: %s\n", event->kind, switch_str_nil(event->id), event->other ? ", " : "",
		switch_str_nil(event->other), event->value, outdial_strerror(res));
	return res;
}

int shim_post(uint32_t kind, const char *id, const char *other, int value)
{
	struct outdial_event event = {
		.struct_size = sizeof(event), .kind = kind, .id = id, .other = other, .value = value,
	};

	return post(&event);
}

int shim_post_ended(const char *leg, int refused, int sip_status, int q850)
{
	struct outdial_event event = {
		.struct_size = sizeof(event), .kind = OUTDIAL_EVENT_LEG_ENDED, .id = leg, .value = refused,
		.sip_status = sip_status, .q850 = q850,
	};

	return post(&event);
}

int shim_post_probed(uint64_t request, int found)
{
	struct outdial_event event = {
		.struct_size = sizeof(event), .kind = OUTDIAL_EVENT_PROBED, .request = request, .value = found,
	};

	return post(&event);
}

void shim_default_context(char *context, size_t size)
{
	switch_mutex_lock(config_lock);
	switch_copy_string(context, shim.config.context, size);
	switch_mutex_unlock(config_lock);
}

unsigned int shim_max_calls(void)
{
	unsigned int max;

	switch_mutex_lock(config_lock);
	max = shim.config.max_calls;
	switch_mutex_unlock(config_lock);
	return max;
}

void shim_keys(struct keys *keys)
{
	switch_mutex_lock(config_lock);
	*keys = shim.config.keys;
	switch_mutex_unlock(config_lock);
}

void shim_status(switch_channel_t *channel, const char *status)
{
	switch_channel_set_variable(channel, "outdial_status", status);
}

void shim_result(switch_channel_t *channel, const char *app, const char *what, int res, const char *not_found,
	const char *err)
{
	if (res == OUTDIAL_OK) {
		shim_status(channel, "OK");
		return;
	}
	switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_WARNING, "%s(%s): %s\n", app, what,
		zstr(err) ? outdial_strerror(res) : err);
	switch (res) {
	case OUTDIAL_E_NOT_FOUND:
		shim_status(channel, not_found);
		break;
	case OUTDIAL_E_STATE:
		shim_status(channel, "NOT_NOW");
		break;
	case OUTDIAL_E_ARGUMENT:
		shim_status(channel, "ERROR");
		break;
	case OUTDIAL_E_IO:
	case OUTDIAL_E_TIMEOUT:
	case OUTDIAL_E_FULL:
		shim_status(channel, "UNAVAILABLE");
		break;
	default:
		shim_status(channel, "FAULT");
	}
}

/* The loader asks for the write lock, and says that the module is in use when it does not get it. */
int shim_hold(void)
{
	return switch_thread_rwlock_tryrdlock(shim.module->rwlock) == SWITCH_STATUS_SUCCESS ? 0 : -1;
}

void shim_unhold(void)
{
	switch_thread_rwlock_unlock(shim.module->rwlock);
}

switch_mutex_t *shim_lock_of(const char *id)
{
	unsigned int sum = 0;

	for (; *id; id++) {
		sum = sum * 31 + (unsigned char) *id;
	}
	return shim.locks[sum % OUTDIAL_LOCKS];
}

int shim_copy(char *to, size_t size, const char *from, int required)
{
	if (zstr(from)) {
		*to = '\0';
		return required;
	}
	if (strlen(from) >= size) {
		return -1;
	}
	switch_copy_string(to, from, size);
	return 0;
}

int shim_is_made_of(const char *text, const char *allowed)
{
	return strspn(text, allowed) == strlen(text);
}

static struct outdial_settings settings_of(const struct shim_config *config, char *pbx, size_t size)
{
	struct outdial_settings settings = {
		.struct_size = sizeof(settings), .node = config->node, .socket = config->socket, .journal = config->journal,
		.pbx = pbx, .journal_bytes = config->journal_bytes,
	};

	switch_snprintf(pbx, size, "FreeSWITCH %s", switch_version_full());
	return settings;
}

static int engine_new(void)
{
	char error[OUTDIAL_ERROR_LEN] = "";
	char pbx[120];
	struct outdial_settings settings = settings_of(&shim.config, pbx, sizeof(pbx));
	int res = outdial_new(&shim_host, &settings, &shim.engine, error, sizeof(error));

	if (res != OUTDIAL_OK) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_ERROR, "outdial does not start: %s\n",
			zstr(error) ? outdial_strerror(res) : error);
	}
	return res;
}

static int versions_differ(void)
{
	uint32_t abi = outdial_abi_version();

	if (abi >> 16 == OUTDIAL_ABI_MAJOR) {
		return 0;
	}
	switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_ERROR, "This mod_outdial.so is built for major version %d of "
		"outdial's ABI, and liboutdial.so %s has %u: install both from one release, then restart FreeSWITCH\n",
		OUTDIAL_ABI_MAJOR, outdial_version(), abi >> 16);
	return -1;
}

/* FreeSWITCH's own limits hold for all of its calls; below what outdial is to place, it refuses them. */
static void warn_of_limits(void)
{
	uint32_t sessions = switch_core_session_limit(0);
	uint32_t rate = switch_core_sessions_per_second(0);

	if (sessions < 2 * shim.config.max_calls) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_WARNING, "max-sessions is %u, and max_calls of outdial.conf.xml %u: "
			"calls and their agents need two sessions each. Set max-sessions in switch.conf.xml to %u at least\n",
			sessions, shim.config.max_calls, 2 * shim.config.max_calls);
	}
	switch_log_printf(SWITCH_CHANNEL_LOG, rate < 100 ? SWITCH_LOG_WARNING : SWITCH_LOG_NOTICE, "sessions-per-second is %u: "
		"FreeSWITCH refuses what goes beyond it. The cps_limit of all trunks together must stay below; it is set in "
		"switch.conf.xml\n", rate);
}

static void registries_free(void)
{
	pool_destroy(shim.dials);
	pool_destroy(shim.work);
	pool_destroy(shim.desk);
	shim.desk = NULL;
	shim.dials = NULL;
	shim.work = NULL;
	sessions_destroy();
	legs_destroy();
}

static int registries_make(void)
{
	unsigned int i;

	if (switch_mutex_init(&config_lock, SWITCH_MUTEX_NESTED, shim.memory) != SWITCH_STATUS_SUCCESS
		|| switch_mutex_init(&reload_lock, SWITCH_MUTEX_NESTED, shim.memory) != SWITCH_STATUS_SUCCESS) {
		return -1;
	}
	for (i = 0; i < OUTDIAL_LOCKS; i++) {
		if (switch_mutex_init(&shim.locks[i], SWITCH_MUTEX_NESTED, shim.memory) != SWITCH_STATUS_SUCCESS) {
			return -1;
		}
	}
	if (legs_init() || sessions_init() || monitor_init()) {
		return -1;
	}
	shim.dials = pool_create(DIAL_THREADS, JOBS_WAITING);
	shim.work = pool_create(WORK_THREADS, JOBS_WAITING);
	shim.desk = pool_create(DESK_THREADS, KEYS_WAITING);
	if (!shim.dials || !shim.work || !shim.desk) {
		registries_free();
		return -1;
	}
	return 0;
}

SWITCH_MODULE_LOAD_FUNCTION(mod_outdial_load)
{
	memset(&shim, 0, sizeof(shim));
	shim.memory = pool;
	if (versions_differ() || config_read(&shim.config) || registries_make()) {
		return SWITCH_STATUS_FALSE;
	}
	if (engine_new()) {
		registries_free();
		return SWITCH_STATUS_FALSE;
	}
	if (events_init() || events_apply(&shim.config)) {
		events_destroy();
		outdial_free(shim.engine);
		shim.engine = NULL;
		registries_free();
		return SWITCH_STATUS_FALSE;
	}
	*module_interface = switch_loadable_module_create_module_interface(pool, modname);
	shim.module = *module_interface;
	agent_register(module_interface);
	connect_register(module_interface);
	phone_register(module_interface);
	pause_register(module_interface);
	lead_register(module_interface);
	inbound_register(module_interface);
	field_register(module_interface);
	monitor_register(module_interface);
	api_register(module_interface);
	/* It starts the engine as soon as FreeSWITCH has loaded everything that calls need. */
	if (queues_start() || watch_start()) {
		queues_stop();
		api_unregister();
		events_destroy();
		outdial_free(shim.engine);
		shim.engine = NULL;
		registries_free();
		return SWITCH_STATUS_FALSE;
	}
	warn_of_limits();
	return SWITCH_STATUS_SUCCESS;
}

static int reload(shim_say say, void *data)
{
	struct shim_config fresh;
	char pbx[120];
	char error[OUTDIAL_ERROR_LEN] = "";
	struct outdial_settings settings;
	const char *wrong = NULL;
	int res;

	switch_xml_reload(&wrong);
	if (config_read(&fresh)) {
		say(data, "outdial.conf.xml is not applied, the log says why; what was set before still holds");
		return -1;
	}
	config_compare(&shim.config, &fresh, say, data);
	settings = settings_of(&fresh, pbx, sizeof(pbx));
	res = outdial_reload(shim.engine, &settings, error, sizeof(error));
	if (res != OUTDIAL_OK) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_ERROR, "outdial.conf.xml is not applied: %s\n",
			zstr(error) ? outdial_strerror(res) : error);
		say(data, "None of it is applied, the log says why; what was set before still holds");
		return -1;
	}
	switch_mutex_lock(config_lock);
	shim.config = fresh;
	switch_mutex_unlock(config_lock);
	if (events_apply(&fresh)) {
		say(data, "Events can't be switched, the log says why");
	}
	return 0;
}

int shim_reload(shim_say say, void *data)
{
	int res;

	switch_mutex_lock(reload_lock);
	shim.debug = 0;
	res = reload(say, data);
	switch_mutex_unlock(reload_lock);
	return res;
}

static void shutdown_hangup(struct leg *leg, void *data)
{
	leg_hangup(leg, 0);
}

static void shutdown_dismiss(struct session *session, void *data)
{
	session_dismiss(session, OUTDIAL_DISMISS_LOGGED_OFF);
}

/* An ordinary unload comes here only when nothing lives; one that is forced, and FreeSWITCH's own end,
 * whatever does. */
SWITCH_MODULE_SHUTDOWN_FUNCTION(mod_outdial_shutdown)
{
	int waited;

	shim.closing = 1;
	for (waited = 0; (legs_count() || sessions_count()) && waited < SHUTDOWN_WAIT_MS; waited += 50) {
		leg_each(shutdown_hangup, NULL);
		session_each(shutdown_dismiss, NULL);
		switch_yield(50 * 1000);
	}
	api_unregister();
	watch_stop();
	queues_stop();
	if (outdial_stop(shim.engine, OUTDIAL_STOP_TIMEOUT_MS) == OUTDIAL_E_TIMEOUT || legs_count() || sessions_count()) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_ERROR, "Calls or the engine do not end: what is not in the "
			"journal counts as lost with this node. Restart FreeSWITCH\n");
		outdial_seal(shim.engine);
		/* Its code stays in memory, for somebody runs in it. */
		return SWITCH_STATUS_NOUNLOAD;
	}
	events_destroy();
	registries_free();
	outdial_free(shim.engine);
	shim.engine = NULL;
	return SWITCH_STATUS_SUCCESS;
}
