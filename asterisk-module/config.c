/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief outdial.conf. Campaigns and trunks are not in it: they live in PostgreSQL.
 */

#include "shim.h"

#include "asterisk/cli.h"
#include "asterisk/config.h"
#include "asterisk/paths.h"

static const char config_file[] = "outdial.conf";

/*! \brief Most calls in flight that can be configured. */
#define MAX_CALLS_LIMIT 20000

static int set_text(const struct ast_variable *var, char *to, size_t size)
{
	if (ast_strlen_zero(var->value) || strlen(var->value) >= size) {
		ast_log(LOG_ERROR, "%s, line %d: '%s' is empty or longer than %zu characters\n",
			config_file, var->lineno, var->name, size - 1);
		return -1;
	}
	ast_copy_string(to, var->value, size);
	return 0;
}

static int set_number(const struct ast_variable *var, uint64_t lowest, uint64_t highest,
	uint64_t *to)
{
	char *end = NULL;
	unsigned long long value;

	errno = 0;
	value = strtoull(var->value, &end, 10);
	if (errno || end == var->value || *end || *var->value == '-' || value < lowest
		|| value > highest) {
		ast_log(LOG_ERROR, "%s, line %d: '%s' is a number from %llu to %llu, not '%s'\n",
			config_file, var->lineno, var->name, (unsigned long long) lowest,
			(unsigned long long) highest, var->value);
		return -1;
	}
	*to = value;
	return 0;
}

/*! \brief Legs are named after the node, so its name is restricted. */
static int set_node(const struct ast_variable *var, struct shim_config *config)
{
	if (set_text(var, config->node, sizeof(config->node))) {
		return -1;
	}
	if (config->node[strspn(config->node,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.")]) {
		ast_log(LOG_ERROR, "%s, line %d: 'node' is made of A-Z a-z 0-9 _ and ., not '%s'\n",
			config_file, var->lineno, config->node);
		return -1;
	}
	return 0;
}

static int set_yes_or_no(const struct ast_variable *var, int *to)
{
	if (!ast_true(var->value) && !ast_false(var->value)) {
		ast_log(LOG_ERROR, "%s, line %d: '%s' is yes or no, not '%s'\n", config_file, var->lineno,
			var->name, var->value);
		return -1;
	}
	*to = ast_true(var->value);
	return 0;
}

static const char *const ami_numbers_words[] = {
	[AMI_NUMBERS_NO] = "no",
	[AMI_NUMBERS_MASKED] = "masked",
	[AMI_NUMBERS_YES] = "yes",
};

static int set_ami_numbers(const struct ast_variable *var, struct shim_config *config)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(ami_numbers_words); i++) {
		if (!strcasecmp(var->value, ami_numbers_words[i])) {
			config->ami_numbers = i;
			return 0;
		}
	}
	ast_log(LOG_ERROR, "%s, line %d: '%s' is no, masked or yes, not '%s'\n", config_file,
		var->lineno, var->name, var->value);
	return -1;
}

static int set_key(const struct ast_variable *var, struct shim_config *config)
{
	uint64_t number = 0;

	if (!strcasecmp(var->name, "node")) {
		return set_node(var, config);
	}
	if (!strcasecmp(var->name, "socket")) {
		return set_text(var, config->socket, sizeof(config->socket));
	}
	if (!strcasecmp(var->name, "journal")) {
		return set_text(var, config->journal, sizeof(config->journal));
	}
	if (!strcasecmp(var->name, "journal_bytes")) {
		return set_number(var, 1 << 20, (uint64_t) 1 << 40, &config->journal_bytes);
	}
	if (!strcasecmp(var->name, "context")) {
		return set_text(var, config->context, sizeof(config->context));
	}
	if (!strcasecmp(var->name, "max_calls")) {
		if (set_number(var, 1, MAX_CALLS_LIMIT, &number)) {
			return -1;
		}
		config->max_calls = number;
		return 0;
	}
	if (!strcasecmp(var->name, "ami_events")) {
		return set_yes_or_no(var, &config->ami_events);
	}
	if (!strcasecmp(var->name, "ami_numbers")) {
		return set_ami_numbers(var, config);
	}
	ast_log(LOG_ERROR, "%s, line %d: unknown key '%s'. Known: node, socket, journal, "
		"journal_bytes, context, max_calls, ami_events, ami_numbers\n", config_file, var->lineno,
		var->name);
	return -1;
}

/*! \brief Without a key: this. */
static void set_defaults(struct shim_config *config)
{
	char host[256] = "";
	char *c;

	memset(config, 0, sizeof(*config));
	gethostname(host, sizeof(host) - 1);
	ast_copy_string(config->node, S_OR(host, "pbx"), sizeof(config->node));
	for (c = config->node; *c; c++) {
		if (*c == '-') {
			*c = '_';
		}
	}
	ast_copy_string(config->socket, "/run/outdial/link.sock", sizeof(config->socket));
	snprintf(config->journal, sizeof(config->journal), "%s/outdial", ast_config_AST_VAR_DIR);
	ast_copy_string(config->context, "outdial", sizeof(config->context));
	config->max_calls = 500;
}

static int read_category(struct ast_config *file, const char *category, struct shim_config *config)
{
	struct ast_variable *var;

	int keys = !strcasecmp(category, "keys");

	if (!keys && strcasecmp(category, "general")) {
		ast_log(LOG_ERROR, "%s: unknown section [%s]; there are [general] and [keys]\n",
			config_file, category);
		return -1;
	}
	for (var = ast_variable_browse(file, category); var; var = var->next) {
		if (keys ? keys_set(&config->keys, var) : set_key(var, config)) {
			return -1;
		}
	}
	return 0;
}

int config_read(struct shim_config *config)
{
	struct ast_flags flags = { 0, };
	struct ast_config *file = ast_config_load(config_file, flags);
	struct shim_config fresh;
	char *category = NULL;
	int res = 0;

	if (file == CONFIG_STATUS_FILEINVALID) {
		ast_log(LOG_ERROR, "%s/%s can't be parsed\n", ast_config_AST_CONFIG_DIR, config_file);
		return -1;
	}
	if (!file || file == CONFIG_STATUS_FILEMISSING) {
		ast_log(LOG_ERROR, "%s/%s is missing. Make a commented one by "
			"'make -C asterisk-module samples' in outdial's source\n",
			ast_config_AST_CONFIG_DIR, config_file);
		return -1;
	}
	set_defaults(&fresh);
	while (!res && (category = ast_category_browse(file, category))) {
		res = read_category(file, category, &fresh);
	}
	ast_config_destroy(file);
	if (!res) {
		*config = fresh;
	}
	return res;
}

/*! \brief Whom config_compare() talks to. */
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
	snprintf(line, sizeof(line), "%s: was %s, is %s now", key, from, to);
	report->say(report->data, line);
}

/*! \brief A key that a running engine can't change. */
static void kept(struct report *report, const char *key, const char *from, char *to, size_t size)
{
	char line[700];

	if (!strcmp(from, to)) {
		return;
	}
	report->changes++;
	snprintf(line, sizeof(line), "%s: stays %s; %s needs a restart of Asterisk, or 'outdial drain', "
		"'module unload' and 'module load'", key, from, to);
	report->say(report->data, line);
	ast_copy_string(to, from, size);
}

static const char *number_text(char *text, size_t size, uint64_t number)
{
	snprintf(text, size, "%llu", (unsigned long long) number);
	return text;
}

void config_compare(const struct shim_config *old, struct shim_config *fresh, shim_say say,
	void *data)
{
	struct report report = { .say = say, .data = data, };
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
	changed(&report, "ami_events", AST_CLI_YESNO(old->ami_events), AST_CLI_YESNO(fresh->ami_events));
	changed(&report, "ami_numbers", ami_numbers_words[old->ami_numbers],
		ami_numbers_words[fresh->ami_numbers]);
	if (memcmp(&old->keys, &fresh->keys, sizeof(old->keys))) {
		report.changes++;
		say(data, "[keys]: changed, for agents who log in from now on");
	}
	if (!report.changes) {
		say(data, "outdial.conf says what it said before");
	}
}
