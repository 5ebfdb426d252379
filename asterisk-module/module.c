/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief Loading, reloading and unloading; posting events.
 */

/*** MODULEINFO
	<depend>outdial</depend>
	<support_level>extended</support_level>
 ***/

#include "events.h"
#include "queue.h"
#include "records.h"
#include "session.h"
#include "tests.h"

#include <dlfcn.h>
#include <stdlib.h>

#include "asterisk/ast_version.h"
#include "asterisk/lock.h"
#include "asterisk/pbx.h"

/*! \brief How long a forced unload waits for calls that it has hung up. */
#define UNLOAD_WAIT_MS 5000
/*! \brief Longest message of outdial_new(). */
#define ERROR_LEN 256

struct shim shim;

/*! \brief What reload changes. */
AST_MUTEX_DEFINE_STATIC(config_lock);
/*! \brief One reload at a time. */
AST_MUTEX_DEFINE_STATIC(reload_lock);

static int post(const struct outdial_event *event)
{
	int res;

	tests_posted(event);
	res = outdial_post(shim.engine, event);
	trace_event(event, res);
	return res;
}

int shim_post(uint32_t kind, const char *id, const char *other, int value)
{
	struct outdial_event event = {
		.struct_size = sizeof(event),
		.kind = kind,
		.id = id,
		.other = other,
		.value = value,
	};

	return post(&event);
}

int shim_post_ended(const char *leg, int refused, int sip_status, int q850)
{
	struct outdial_event event = {
		.struct_size = sizeof(event),
		.kind = OUTDIAL_EVENT_LEG_ENDED,
		.id = leg,
		.value = refused,
		.sip_status = sip_status,
		.q850 = q850,
	};

	return post(&event);
}

int shim_post_probed(uint64_t request, int found)
{
	struct outdial_event event = {
		.struct_size = sizeof(event),
		.kind = OUTDIAL_EVENT_PROBED,
		.request = request,
		.value = found,
	};

	return post(&event);
}

void shim_default_context(char *context, size_t size)
{
	ast_mutex_lock(&config_lock);
	ast_copy_string(context, shim.config.context, size);
	ast_mutex_unlock(&config_lock);
}

void shim_keys(struct session *session)
{
	unsigned int i;

	ast_mutex_lock(&config_lock);
	session->key_count = shim.config.keys.count;
	for (i = 0; i < session->key_count; i++) {
		session->keys[i].session = session;
		session->keys[i].key = shim.config.keys.key[i];
	}
	ast_mutex_unlock(&config_lock);
}

void shim_status(struct ast_channel *chan, const char *status)
{
	pbx_builtin_setvar_helper(chan, "OUTDIAL_STATUS", status);
}

void shim_result(struct ast_channel *chan, const char *app, const char *what, int res,
	const char *not_found, const char *err)
{
	if (res == OUTDIAL_OK) {
		shim_status(chan, "OK");
		return;
	}
	ast_log(LOG_WARNING, "%s(%s): %s\n", app, what, S_OR(err, outdial_strerror(res)));
	switch (res) {
	case OUTDIAL_E_NOT_FOUND:
		shim_status(chan, not_found);
		break;
	case OUTDIAL_E_STATE:
		shim_status(chan, "NOT_NOW");
		break;
	case OUTDIAL_E_ARGUMENT:
		shim_status(chan, "ERROR");
		break;
	case OUTDIAL_E_IO:
	case OUTDIAL_E_TIMEOUT:
	case OUTDIAL_E_FULL:
		shim_status(chan, "UNAVAILABLE");
		break;
	default:
		shim_status(chan, "FAULT");
	}
}

/*! \brief Major version of the Asterisk that runs; 0 if it can't be told. */
static int running_major(void)
{
	/* AABB, then two digits each of minor and patch: 221001 is 22.10.1. */
	int major = atoi(S_OR(ast_get_version_num(), "")) / 10000;

	return major ? major : atoi(S_OR(ast_get_version(), ""));
}

/*! \brief Is this module built for the Asterisk and the library that it runs in? */
static int versions_differ(void)
{
	uint32_t abi;

	if (running_major() != ASTERISK_MAJOR) {
		ast_log(LOG_ERROR, "This res_outdial.so is built for Asterisk %d, and this is Asterisk %s: "
			"install the one that is built for it\n", ASTERISK_MAJOR, ast_get_version());
		return -1;
	}
	abi = outdial_abi_version();
	if (abi >> 16 != OUTDIAL_ABI_MAJOR) {
		ast_log(LOG_ERROR, "This res_outdial.so is built for major version %d of outdial's ABI, and "
			"liboutdial.so %s has %u: install both from one release, then restart Asterisk\n",
			OUTDIAL_ABI_MAJOR, outdial_version(), abi >> 16);
		return -1;
	}
	return 0;
}

static struct outdial_settings settings_of(const struct shim_config *config, char *pbx, size_t size)
{
	struct outdial_settings settings = {
		.struct_size = sizeof(settings),
		.node = config->node,
		.socket = config->socket,
		.journal = config->journal,
		.pbx = pbx,
		.journal_bytes = config->journal_bytes,
	};

	snprintf(pbx, size, "Asterisk %s", ast_get_version());
	return settings;
}

static void seal_at_exit(void)
{
	/* 'core stop now' does not unload modules. */
	outdial_seal(shim.engine);
}

static int engine_new(void)
{
	char pbx[80];
	char error[ERROR_LEN] = "";
	struct outdial_settings settings = settings_of(&shim.config, pbx, sizeof(pbx));
	int res = outdial_new(&shim_host, &settings, &shim.engine, error, sizeof(error));

	if (res != OUTDIAL_OK) {
		ast_log(LOG_ERROR, "outdial does not start: %s\n", S_OR(error, outdial_strerror(res)));
		shim.engine = NULL;
		return -1;
	}
	return 0;
}

static void registries_free(void)
{
	pool_destroy(shim.calls);
	pool_destroy(shim.work);
	pool_destroy(shim.desk);
	shim.calls = NULL;
	shim.work = NULL;
	shim.desk = NULL;
	queues_stop();
	events_destroy();
	sessions_destroy();
	legs_destroy();
}

static int registries_make(void)
{
	events_init();
	shim.calls = pool_create("outdial-calls", shim.config.max_calls, shim.config.max_calls);
	shim.work = pool_create("outdial-work", OUTDIAL_WORK_THREADS, OUTDIAL_WORK_WAITING);
	shim.desk = pool_create("outdial-desk", OUTDIAL_DESK_THREADS, OUTDIAL_DESK_WAITING);
	if (!shim.calls || !shim.work || !shim.desk || legs_init() || sessions_init()
		|| queues_start()) {
		registries_free();
		return -1;
	}
	return 0;
}

static void unregister_all(void)
{
	tests_unregister();
	cli_unregister();
	records_unregister();
	functions_unregister();
	pause_unregister();
	lead_unregister();
	monitor_unregister();
	inbound_unregister();
	connect_unregister();
	agent_unregister();
}

static int register_all(void)
{
	if (agent_register() || connect_register() || inbound_register() || pause_register() || lead_register()
		|| monitor_register() || functions_register() || records_register() || cli_register()) {
		unregister_all();
		return -1;
	}
	tests_register();
	return 0;
}

static enum ast_module_load_result load_module(void)
{
	memset(&shim, 0, sizeof(shim));
	if (versions_differ() || config_read(&shim.config) || registries_make()) {
		return AST_MODULE_LOAD_DECLINE;
	}
	ast_copy_string(shim.node, shim.config.node, sizeof(shim.node));
	if (engine_new()) {
		registries_free();
		return AST_MODULE_LOAD_DECLINE;
	}
	if (events_apply(&shim.config) || register_all()) {
		goto failed;
	}
	/* It starts the engine as soon as Asterisk has loaded everything that calls need. */
	if (watch_start()) {
		unregister_all();
		goto failed;
	}
	ast_register_atexit(seal_at_exit);
	return AST_MODULE_LOAD_SUCCESS;

failed:
	outdial_free(shim.engine);
	shim.engine = NULL;
	registries_free();
	return AST_MODULE_LOAD_DECLINE;
}

/*! \brief shim_reload(), one at a time. */
static int reload(shim_say say, void *data)
{
	struct shim_config fresh;
	char pbx[80];
	char error[ERROR_LEN] = "";
	struct outdial_settings settings;
	int res;

	if (config_read(&fresh)) {
		say(data, "outdial.conf is not applied, the log says why; what was set before still holds");
		return -1;
	}
	config_compare(&shim.config, &fresh, say, data);
	settings = settings_of(&fresh, pbx, sizeof(pbx));
	res = outdial_reload(shim.engine, &settings, error, sizeof(error));
	if (res != OUTDIAL_OK) {
		ast_log(LOG_ERROR, "outdial.conf is not applied: %s\n", S_OR(error, outdial_strerror(res)));
		say(data, "None of it is applied, the log says why; what was set before still holds");
		return -1;
	}
	pool_resize(shim.calls, fresh.max_calls, fresh.max_calls);
	ast_mutex_lock(&config_lock);
	shim.config = fresh;
	ast_mutex_unlock(&config_lock);
	return events_apply(&fresh);
}

int shim_reload(shim_say say, void *data)
{
	int res;

	ast_mutex_lock(&reload_lock);
	shim.debug = 0;
	res = reload(say, data);
	ast_mutex_unlock(&reload_lock);
	return res;
}

static void say_to_log(void *data, const char *text)
{
	ast_log(LOG_NOTICE, "%s\n", text);
}

static int reload_module(void)
{
	return shim_reload(say_to_log, NULL) ? AST_MODULE_LOAD_DECLINE : AST_MODULE_LOAD_SUCCESS;
}

static int forced_hangup(struct leg *leg, void *data)
{
	leg_hangup(leg, 0);
	return 0;
}

static void forced_dismiss(struct session *session, void *data)
{
	session_dismiss(session, OUTDIAL_DISMISS_LOGGED_OFF);
}

/*! \brief Somebody forces the unload: end what lives. Non-zero: it does not end. */
static int end_what_lives(void)
{
	int waited;

	for (waited = 0; legs_count() || sessions_count(); waited += 50) {
		if (waited >= UNLOAD_WAIT_MS) {
			return -1;
		}
		leg_each(forced_hangup, NULL);
		session_each(forced_dismiss, NULL);
		usleep(50 * 1000);
	}
	return 0;
}

/*! \brief Whatever the loader does with a refusal: this code stays in memory. */
static int refuse_unload(const char *why)
{
	Dl_info self;

	ast_log(LOG_ERROR, "res_outdial can't be unloaded: %s\n", why);
	if (dladdr(&shim, &self)) {
		dlopen(self.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
	}
	return -1;
}

static int unload_module(void)
{
	shim.closing = 1;
	if (end_what_lives()) {
		shim.closing = 0;
		return refuse_unload("calls or agents don't end");
	}
	unregister_all();
	if (end_what_lives()) {
		return refuse_unload("an agent has just come");
	}
	watch_stop();
	if (outdial_stop(shim.engine, OUTDIAL_STOP_TIMEOUT_MS) == OUTDIAL_E_TIMEOUT) {
		return refuse_unload("the engine does not stop. Restart Asterisk");
	}
	ast_unregister_atexit(seal_at_exit);
	registries_free();
	outdial_free(shim.engine);
	shim.engine = NULL;
	return 0;
}

AST_MODULE_INFO(ASTERISK_GPL_KEY, AST_MODFLAG_LOAD_ORDER, "outdial: outbound dialer",
	.support_level = AST_MODULE_SUPPORT_EXTENDED,
	.load = load_module,
	.unload = unload_module,
	.reload = reload_module,
	.load_pri = AST_MODPRI_APP_DEPEND,
	.requires = "bridge_holding",
	.optional_modules = "bridge_simple,chan_pjsip,pbx_config",
);
