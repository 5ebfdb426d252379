/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * Whether FreeSWITCH has what a campaign needs; asked before it dials.
 */
#include "pool.h"
#include "queue.h"

struct probe {
	uint64_t request;
	uint32_t what;
	uint32_t number;
	char first[OUTDIAL_SOUND_LEN];
	char second[OUTDIAL_SOUND_LEN];
};

/* Whether an API says something that does not begin as its error does. */
static int api_knows(const char *api, const char *arguments, const char *error)
{
	switch_stream_handle_t stream = { 0 };
	int res;

	SWITCH_STANDARD_STREAM(stream);
	res = switch_api_execute(api, arguments, NULL, &stream) == SWITCH_STATUS_SUCCESS && !zstr((char *) stream.data)
		&& !switch_stristr(error, (char *) stream.data);
	switch_safe_free(stream.data);
	return res;
}

static int has_context(const char *context)
{
	switch_xml_t root = NULL;
	switch_xml_t found = NULL;
	int res = switch_xml_locate("dialplan", "context", "name", context, &root, &found, NULL, SWITCH_FALSE)
		== SWITCH_STATUS_SUCCESS;

	if (root) {
		switch_xml_free(root);
	}
	return res;
}

/* A configured gateway counts also while it is down. */
static int has_endpoint(const char *tech, const char *name)
{
	switch_endpoint_interface_t *endpoint = switch_loadable_module_get_endpoint_interface(tech);
	char arguments[OUTDIAL_SOUND_LEN + 32];

	if (!endpoint) {
		return 0;
	}
	UNPROTECT_INTERFACE(endpoint);
	if (!strcasecmp(tech, "sofia")) {
		switch_snprintf(arguments, sizeof(arguments), "status gateway %s", name);
		return api_knows("sofia", arguments, "Invalid Gateway");
	}
	return strcasecmp(tech, "loopback") || has_context(name);
}

/* Whether an extension of the XML dialplan takes the number, as far as that can be told without a call. */
static int takes(switch_xml_t extension, const char *exten)
{
	switch_xml_t condition;

	for (condition = switch_xml_child(extension, "condition"); condition; condition = condition->next) {
		const char *field = switch_xml_attr(condition, "field");
		const char *expression = switch_xml_attr(condition, "expression");
		switch_regex_t *regex = NULL;
		int ovector[30];

		if (zstr(field) || strcmp(field, "destination_number") || zstr(expression)) {
			continue;
		}
		if (!switch_regex_perform(exten, expression, &regex, ovector, sizeof(ovector) / sizeof(ovector[0]))) {
			switch_regex_safe_free(regex);
			return 0;
		}
		switch_regex_safe_free(regex);
	}
	return 1;
}

static int has_target(const char *context, const char *exten, uint32_t priority)
{
	switch_xml_t root = NULL;
	switch_xml_t found = NULL;
	switch_xml_t extension;
	int res = 0;

	if (priority > 1) {
		/* There is nothing of that kind. */
		return 0;
	}
	if (switch_xml_locate("dialplan", "context", "name", context, &root, &found, NULL, SWITCH_FALSE)
			== SWITCH_STATUS_SUCCESS) {
		for (extension = switch_xml_child(found, "extension"); extension && !res; extension = extension->next) {
			res = takes(extension, exten);
		}
	}
	if (root) {
		switch_xml_free(root);
	}
	return res;
}

int probe_sound(const char *name)
{
	switch_file_handle_t file = { 0 };
	char path[1024];
	char *prefix = NULL;
	/* What plays it looks for a WAV file, unless the name says otherwise. */
	const char *extension = strstr(name, "://") || strchr(name, '.') ? "" : ".wav";
	int res;

	if (strstr(name, "://") || *name == '/') {
		switch_snprintf(path, sizeof(path), "%s%s", name, extension);
	} else {
		prefix = switch_core_get_variable_dup("sound_prefix");
		switch_snprintf(path, sizeof(path), "%s/%s%s", switch_str_nil(prefix), name, extension);
	}
	res = switch_core_file_open(&file, path, 1, 8000, SWITCH_FILE_FLAG_READ | SWITCH_FILE_DATA_SHORT, NULL)
		== SWITCH_STATUS_SUCCESS;
	if (res) {
		switch_core_file_close(&file);
	}
	switch_safe_free(prefix);
	return res;
}

static int has_application(const char *name)
{
	switch_application_interface_t *app;

	if (!strcasecmp(name, "AMD")) {
		/* What operators add under that name has arguments and a verdict of its own, and outdial_connect does
		 * not run it: the dialplan does, and leaves its word in outdial_amd. */
		return 0;
	}
	app = switch_loadable_module_get_application_interface(name);

	UNPROTECT_INTERFACE(app);
	return app != NULL;
}

/* The answer: 0, or 1, or ms. */
static int probe_look(const struct probe *probe)
{
	switch (probe->what) {
	case OUTDIAL_PROBE_ENDPOINT:
		return has_endpoint(probe->first, probe->second);
	case OUTDIAL_PROBE_TARGET:
		return has_target(probe->first, probe->second, probe->number);
	case OUTDIAL_PROBE_SOUND:
		return probe_sound(probe->first);
	case OUTDIAL_PROBE_APPLICATION:
		return has_application(probe->first);
	case OUTDIAL_PROBE_QUEUE:
		return queue_exists(probe->first);
	case OUTDIAL_PROBE_AMD:
	case OUTDIAL_PROBE_AMD_AFTER_GREETING:
	case OUTDIAL_PROBE_AMD_ARGUMENTS:
	case OUTDIAL_PROBE_AMD_ARGUMENTS_AFTER_GREETING:
		/* Not in FreeSWITCH's tree; how long an operator's module takes, only he knows. */
		return 0;
	default:
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_WARNING, "The engine asks for a thing of unknown kind %u\n",
			probe->what);
		return 0;
	}
}

static void probe_run(void *data)
{
	struct probe *probe = data;

	shim_post_probed(probe->request, probe_look(probe));
	free(probe);
}

void probe_push(uint64_t request, uint32_t what, const char *first, const char *second, uint32_t number)
{
	struct probe *probe = calloc(1, sizeof(*probe));

	if (probe) {
		probe->request = request;
		probe->what = what;
		probe->number = number;
		if (!shim_copy(probe->first, sizeof(probe->first), first, 0)
			&& !shim_copy(probe->second, sizeof(probe->second), second, 0)
			&& !pool_push(shim.work, probe_run, probe)) {
			return;
		}
		free(probe);
	}
	shim_post_probed(request, 0);
}
