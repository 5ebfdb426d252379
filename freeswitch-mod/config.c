/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * outdial.conf.xml. Campaigns and trunks are not in it: they live in PostgreSQL.
 */
#include "shim.h"

static const char config_file[] = "outdial.conf";

/* Most calls in flight that can be configured. */
#define MAX_CALLS_LIMIT 20000

static int set_text(const char *name, const char *value, char *to, size_t size)
{
	if (zstr(value) || strlen(value) >= size) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_ERROR, "%s: '%s' is empty or longer than %d characters\n",
			config_file, name, (int) size - 1);
		return -1;
	}
	switch_copy_string(to, value, size);
	return 0;
}

static int set_number(const char *name, const char *value, uint64_t lowest, uint64_t highest, uint64_t *to)
{
	char *end = NULL;
	unsigned long long number;

	errno = 0;
	number = strtoull(value, &end, 10);
	if (errno || end == value || *end || *value == '-' || number < lowest || number > highest) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_ERROR, "%s: '%s' is a number from %llu to %llu, not '%s'\n",
			config_file, name, (unsigned long long) lowest, (unsigned long long) highest, value);
		return -1;
	}
	*to = number;
	return 0;
}

/* Legs are named after the node, so its name is restricted. */
static int set_node(const char *value, struct shim_config *config)
{
	if (set_text("node", value, config->node, sizeof(config->node))) {
		return -1;
	}
	if (!shim_is_made_of(config->node, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.")) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_ERROR, "%s: 'node' is made of A-Z a-z 0-9 _ and ., not '%s'\n",
			config_file, config->node);
		return -1;
	}
	return 0;
}

static int set_switch(const char *name, const char *value, int *to)
{
	if (!switch_true(value) && !switch_false(value)) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_ERROR, "%s: '%s' is yes or no, not '%s'\n", config_file, name,
			value);
		return -1;
	}
	*to = switch_true(value) ? 1 : 0;
	return 0;
}

static const char *event_numbers_name(enum event_numbers numbers)
{
	switch (numbers) {
	case EVENT_NUMBERS_NO:
		return "no";
	case EVENT_NUMBERS_MASKED:
		return "masked";
	case EVENT_NUMBERS_YES:
		return "yes";
	}
	return "";
}

static int set_event_numbers(const char *value, enum event_numbers *to)
{
	enum event_numbers each;

	for (each = EVENT_NUMBERS_NO; each <= EVENT_NUMBERS_YES; each++) {
		if (!strcasecmp(value, event_numbers_name(each))) {
			*to = each;
			return 0;
		}
	}
	switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_ERROR, "%s: 'event_numbers' is no, masked or yes, not '%s'\n",
		config_file, value);
	return -1;
}

static int set_param(const char *name, const char *value, struct shim_config *config)
{
	uint64_t number = 0;

	if (!strcasecmp(name, "node")) {
		return set_node(value, config);
	}
	if (!strcasecmp(name, "socket")) {
		return set_text(name, value, config->socket, sizeof(config->socket));
	}
	if (!strcasecmp(name, "journal")) {
		return set_text(name, value, config->journal, sizeof(config->journal));
	}
	if (!strcasecmp(name, "journal_bytes")) {
		return set_number(name, value, 1 << 20, (uint64_t) 1 << 40, &config->journal_bytes);
	}
	if (!strcasecmp(name, "context")) {
		return set_text(name, value, config->context, sizeof(config->context));
	}
	if (!strcasecmp(name, "max_calls")) {
		if (set_number(name, value, 1, MAX_CALLS_LIMIT, &number)) {
			return -1;
		}
		config->max_calls = (unsigned int) number;
		return 0;
	}
	if (!strcasecmp(name, "events")) {
		return set_switch(name, value, &config->events);
	}
	if (!strcasecmp(name, "event_numbers")) {
		return set_event_numbers(value, &config->event_numbers);
	}
	switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_ERROR, "%s: unknown param '%s'. Known: node, socket, journal, "
		"journal_bytes, context, max_calls, events, event_numbers\n", config_file, name);
	return -1;
}

/* Without a param: this. */
static void set_defaults(struct shim_config *config)
{
	char host[256] = "";
	char *c;

	memset(config, 0, sizeof(*config));
	gethostname(host, sizeof(host) - 1);
	switch_copy_string(config->node, zstr(host) ? "pbx" : host, sizeof(config->node));
	for (c = config->node; *c; c++) {
		if (*c == '-') {
			*c = '_';
		}
	}
	switch_copy_string(config->socket, "/run/outdial/link.sock", sizeof(config->socket));
	switch_snprintf(config->journal, sizeof(config->journal), "%s/outdial", SWITCH_GLOBAL_dirs.db_dir);
	switch_copy_string(config->context, "outdial", sizeof(config->context));
	config->max_calls = 500;
}

int config_read(struct shim_config *config)
{
	struct shim_config fresh;
	switch_xml_t cfg = NULL;
	switch_xml_t xml = switch_xml_open_cfg(config_file, &cfg, NULL);
	switch_xml_t settings;
	switch_xml_t param;
	int res = 0;

	if (!xml) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_ERROR, "%s.xml is missing, or can't be parsed. Make a commented "
			"one by 'make -C freeswitch-mod samples' in outdial's source, then 'reloadxml'\n", config_file);
		return -1;
	}
	set_defaults(&fresh);
	settings = switch_xml_child(cfg, "settings");
	for (param = settings ? switch_xml_child(settings, "param") : NULL; param && !res; param = param->next) {
		const char *name = switch_xml_attr_soft(param, "name");

		res = set_param(name, switch_xml_attr_soft(param, "value"), &fresh);
	}
	settings = switch_xml_child(cfg, "keys");
	for (param = settings ? switch_xml_child(settings, "key") : NULL; param && !res; param = param->next) {
		res = keys_set(&fresh.keys, switch_xml_attr_soft(param, "digits"), switch_xml_attr_soft(param, "action"));
	}
	switch_xml_free(xml);
	if (!res) {
		*config = fresh;
	}
	return res;
}

/* Whom config_compare() talks to. */
struct report {
	shim_say say;
	void *data;
	unsigned int changes;
};

static void changed(struct report *report, const char *key, const char *from, const char *to)
{
	char line[700];

	if (!strcmp(from, to)) {
		return;
	}
	report->changes++;
	switch_snprintf(line, sizeof(line), "%s: was %s, is %s now", key, from, to);
	report->say(report->data, line);
}

/* A param that a running engine can't change. */
static void kept(struct report *report, const char *key, const char *from, char *to, size_t size)
{
	char line[700];

	if (!strcmp(from, to)) {
		return;
	}
	report->changes++;
	switch_snprintf(line, sizeof(line), "%s: stays %s; %s needs a restart of FreeSWITCH, or 'outdial drain', "
		"'unload mod_outdial' and 'load mod_outdial'", key, from, to);
	report->say(report->data, line);
	switch_copy_string(to, from, size);
}

static const char *number_text(char *text, size_t size, uint64_t number)
{
	switch_snprintf(text, size, "%llu", (unsigned long long) number);
	return text;
}

void config_compare(const struct shim_config *old, struct shim_config *fresh, shim_say say, void *data)
{
	struct report report = { .say = say, .data = data };
	char before[24];
	char now[24];

	kept(&report, "node", old->node, fresh->node, sizeof(fresh->node));
	kept(&report, "journal", old->journal, fresh->journal, sizeof(fresh->journal));
	number_text(before, sizeof(before), old->journal_bytes);
	number_text(now, sizeof(now), fresh->journal_bytes);
	kept(&report, "journal_bytes", before, now, sizeof(now));
	fresh->journal_bytes = old->journal_bytes;
	changed(&report, "socket", old->socket, fresh->socket);
	changed(&report, "context", old->context, fresh->context);
	changed(&report, "max_calls", number_text(before, sizeof(before), old->max_calls),
		number_text(now, sizeof(now), fresh->max_calls));
	changed(&report, "events", old->events ? "yes" : "no", fresh->events ? "yes" : "no");
	changed(&report, "event_numbers", event_numbers_name(old->event_numbers), event_numbers_name(fresh->event_numbers));
	if (memcmp(&old->keys, &fresh->keys, sizeof(old->keys))) {
		report.changes++;
		say(data, "keys: changed, for agents who log in from now on");
	}
	if (!report.changes) {
		say(data, "outdial.conf.xml says what it said before");
	}
}
