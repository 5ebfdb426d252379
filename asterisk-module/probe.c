/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief Probes: does this PBX have the endpoint, the extension, the sound? How long may AMD() take?
 */

#include "shim.h"

#include "asterisk/astobj2.h"
#include "asterisk/config.h"
#include "asterisk/devicestate.h"
#include "asterisk/endpoints.h"
#include "asterisk/file.h"
#include "asterisk/options.h"
#include "asterisk/pbx.h"

/*! \brief Priorities that are looked at for AMD(), from where an answered call enters. */
#define AMD_PRIORITIES 100

/*! \brief A setting of AMD(): its place among the arguments, its key in amd.conf, and what it is
 * without either. */
struct amd_setting {
	unsigned int place;
	const char *key;
	int otherwise;
};

static const struct amd_setting amd_total = { 3, "total_analysis_time", 5000, };
static const struct amd_setting amd_after = { 2, "after_greeting_silence", 800, };

struct probe {
	uint64_t request;
	uint32_t what;
	uint32_t number;
	char first[OUTDIAL_SOUND_LEN];
	char second[OUTDIAL_SOUND_LEN];
};

/*!
 * \brief Is there such an endpoint?
 *
 * Channel drivers that have endpoints (PJSIP, IAX2) list each configured one with the core, also
 * while it can't be reached. Of other technologies only the device state may tell.
 */
static int has_endpoint(const char *tech, const char *name)
{
	char id[2 * OUTDIAL_SOUND_LEN];
	struct ast_endpoint *endpoint;

	if (!ast_get_channel_tech(tech)) {
		return 0;
	}
	if (!strcasecmp(tech, "Local")) {
		return ast_context_find(name) != NULL;
	}
	snprintf(id, sizeof(id), "%s/%s", tech, name);
	endpoint = ast_endpoint_find_by_id(id);
	if (endpoint) {
		ao2_ref(endpoint, -1);
		return 1;
	}
	return strcasecmp(tech, "PJSIP") && ast_device_state(id) != AST_DEVICE_INVALID;
}

/*! \brief The arguments of the first AMD() from a priority on, before OutdialConnect. Non-zero: there
 * is none. Where the dialplan jumps is not followed. */
static int amd_arguments(const char *context, const char *exten, int priority, char *data, size_t size)
{
	struct ast_exten *step;
	const char *app;
	int res = -1;
	int n;

	ast_rdlock_contexts();
	for (n = priority; n < priority + AMD_PRIORITIES; n++) {
		struct pbx_find_info find = { .stacklen = 0, };

		step = pbx_find_extension(NULL, NULL, &find, context, exten, n, NULL, "", E_MATCH);
		app = step ? S_OR(ast_get_extension_app(step), "") : NULL;
		if (!app || !strcasecmp(app, "OutdialConnect")) {
			break;
		}
		if (!strcasecmp(app, "AMD")) {
			ast_copy_string(data, S_OR((char *) ast_get_extension_app_data(step), ""), size);
			res = 0;
			break;
		}
	}
	ast_unlock_contexts();
	return res;
}

/*! \brief A setting of AMD() that has these arguments, in ms. */
static int amd_setting(const struct amd_setting *setting, char *data)
{
	struct ast_flags flags = { 0, };
	struct ast_config *config;
	unsigned int place;
	char *argument = NULL;
	int ms = setting->otherwise;

	for (place = 0; place <= setting->place; place++) {
		argument = strsep(&data, ",");
	}
	if (argument && sscanf(argument, "%30d", &ms) == 1) {
		return ms;
	}
	config = ast_config_load("amd.conf", flags);
	if (config && config != CONFIG_STATUS_FILEINVALID) {
		const char *value = ast_variable_retrieve(config, "general", setting->key);

		if (!value || sscanf(value, "%30d", &ms) != 1) {
			ms = setting->otherwise;
		}
		ast_config_destroy(config);
	}
	return ms;
}

/*! \brief The same, with arguments that a campaign has. */
static int amd_time_with(const struct probe *probe, const struct amd_setting *setting)
{
	char data[OUTDIAL_SOUND_LEN];

	ast_copy_string(data, probe->first, sizeof(data));
	return MAX(0, amd_setting(setting, data));
}

/*! \brief How long AMD() may take where an answered call enters, in ms; 0: it does not run. */
static int amd_time(const struct probe *probe, const struct amd_setting *setting)
{
	char data[AST_MAX_APP * 4];

	if (amd_arguments(probe->first, probe->second, MAX(1, (int) probe->number), data, sizeof(data))) {
		return 0;
	}
	return MAX(0, amd_setting(setting, data));
}

/*! \brief The answer: 0, or 1, or ms. */
static int probe_look(const struct probe *probe)
{
	switch (probe->what) {
	case OUTDIAL_PROBE_ENDPOINT:
		return has_endpoint(probe->first, probe->second);
	case OUTDIAL_PROBE_TARGET:
		return ast_exists_extension(NULL, probe->first, probe->second,
			MAX(1, (int) probe->number), NULL) != 0;
	case OUTDIAL_PROBE_SOUND:
		return ast_fileexists(probe->first, NULL, ast_defaultlanguage) > 0;
	case OUTDIAL_PROBE_AMD:
		return amd_time(probe, &amd_total);
	case OUTDIAL_PROBE_AMD_AFTER_GREETING:
		return amd_time(probe, &amd_after);
	case OUTDIAL_PROBE_APPLICATION:
		return pbx_findapp(probe->first) != NULL;
	case OUTDIAL_PROBE_AMD_ARGUMENTS:
		return amd_time_with(probe, &amd_total);
	case OUTDIAL_PROBE_AMD_ARGUMENTS_AFTER_GREETING:
		return amd_time_with(probe, &amd_after);
	default:
		ast_log(LOG_WARNING, "The engine asks for a thing of unknown kind %u\n", probe->what);
		return 0;
	}
}

static void probe_run(void *data)
{
	struct probe *probe = data;

	shim_post_probed(probe->request, probe_look(probe));
	ast_free(probe);
}

void probe_push(uint64_t request, uint32_t what, const char *first, const char *second,
	uint32_t number)
{
	struct probe *probe = ast_calloc(1, sizeof(*probe));

	if (probe) {
		probe->request = request;
		probe->what = what;
		probe->number = number;
		ast_copy_string(probe->first, S_OR(first, ""), sizeof(probe->first));
		ast_copy_string(probe->second, S_OR(second, ""), sizeof(probe->second));
		if (!pool_push(shim.work, probe_run, probe)) {
			return;
		}
		ast_free(probe);
	}
	shim_post_probed(request, 0);
}
