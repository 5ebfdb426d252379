/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief Probes: does this PBX have the endpoint, the extension, the sound?
 */

#include "shim.h"

#include "asterisk/astobj2.h"
#include "asterisk/devicestate.h"
#include "asterisk/endpoints.h"
#include "asterisk/file.h"
#include "asterisk/options.h"
#include "asterisk/pbx.h"

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
