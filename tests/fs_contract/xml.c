/*
 * SPDX-License-Identifier: MIT
 *
 * XML files: elements and attributes; text and comments are skipped.
 */
#include <ctype.h>

#include "host.h"

static void xml_end(switch_xml_t xml)
{
	while (xml) {
		switch_xml_t next = xml->ordered;

		xml_end(xml->child);
		for (char **attr = xml->attr; attr && *attr; attr++) {
			free(*attr);
		}
		free(xml->attr);
		free(xml->name);
		free(xml);
		xml = next;
	}
}

void switch_xml_free(switch_xml_t xml)
{
	if (xml && xml->parent) {
		BROKEN("an element is freed that is not the root");
	}
	xml_end(xml);
}

/* One attribute; the caller's text is behind it then. 0: there is none. */
static int take_attribute(switch_xml_t xml, char **text)
{
	char *name = *text + strspn(*text, " \t\r\n");
	size_t length = strcspn(name, "= \t\r\n/>");
	char *value;
	char quote;
	unsigned int count = 0;

	*text = name;
	if (!length || name[length] != '=') {
		return 0;
	}
	value = name + length + 1;
	quote = *value++;
	*text = strchr(value, quote);
	if ((quote != '"' && quote != '\'') || !*text) {
		return 0;
	}
	while (xml->attr && xml->attr[count]) {
		count += 2;
	}
	xml->attr = realloc(xml->attr, (count + 3) * sizeof(char *));
	xml->attr[count] = strndup(name, length);
	xml->attr[count + 1] = strndup(value, (size_t) (*text - value));
	xml->attr[count + 2] = NULL;
	++*text;
	return 1;
}

/* At the end of its parent's children, and among those of its own name. */
static void adopt(switch_xml_t parent, switch_xml_t xml)
{
	switch_xml_t same = NULL;
	switch_xml_t *last = &parent->child;

	for (; *last; last = &(*last)->ordered) {
		if (!strcmp((*last)->name, xml->name)) {
			same = *last;
		}
	}
	*last = xml;
	xml->parent = parent;
	if (same) {
		same->next = xml;
	}
}

/* The elements of a text, inside a nameless one. NULL: it is no XML. */
static switch_xml_t parse(char *text)
{
	switch_xml_t document = calloc(1, sizeof(*document));
	switch_xml_t here = document;

	document->name = strdup("");
	while (here && (text = strchr(text, '<'))) {
		text++;
		if (!strncmp(text, "!--", 3)) {
			text = strstr(text, "-->");
		} else if (*text == '?' || *text == '!') {
			text = strchr(text, '>');
		} else if (*text == '/') {
			size_t length = strlen(here->name);

			here = !strncmp(text + 1, here->name, length) && text[1 + length] == '>' ? here->parent : NULL;
		} else {
			switch_xml_t xml = calloc(1, sizeof(*xml));
			size_t length = strcspn(text, " \t\r\n/>");

			xml->name = strndup(text, length);
			text += length;
			adopt(here, xml);
			while (take_attribute(xml, &text)) {
			}
			here = *text == '/' ? here : xml;
		}
		if (!text) {
			here = NULL;
		}
	}
	if (here != document || !document->child) {
		xml_end(document);
		return NULL;
	}
	return document;
}

static switch_xml_t read_file(const char *name)
{
	char path[2 * TEXT_LEN];
	char text[64 * 1024];
	size_t length;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.xml", settings.conf, name);
	file = fopen(path, "r");
	if (!file) {
		return NULL;
	}
	length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length] = '\0';
	return parse(text);
}

switch_xml_t switch_xml_open_cfg(const char *file, switch_xml_t *configuration, switch_event_t *params)
{
	switch_xml_t xml = read_file(file);

	*configuration = xml ? switch_xml_child(xml, "configuration") : NULL;
	if (xml && !*configuration) {
		switch_xml_free(xml);
		return NULL;
	}
	return xml;
}

static switch_xml_t locate(switch_xml_t xml, const char *tag, const char *key, const char *value)
{
	for (xml = xml->child; xml; xml = xml->ordered) {
		switch_xml_t found = NULL;

		if (!strcmp(xml->name, tag) && !strcmp(switch_xml_attr_soft(xml, key), value)) {
			return xml;
		}
		found = locate(xml, tag, key, value);
		if (found) {
			return found;
		}
	}
	return NULL;
}

switch_status_t switch_xml_locate(const char *section, const char *tag, const char *key, const char *value,
	switch_xml_t *root, switch_xml_t *found, switch_event_t *params, switch_bool_t clone)
{
	*root = read_file(section);
	*found = *root ? locate(*root, tag, key, value) : NULL;
	if (*found) {
		return SWITCH_STATUS_SUCCESS;
	}
	switch_xml_free(*root);
	*root = NULL;
	return SWITCH_STATUS_FALSE;
}

switch_xml_t switch_xml_child(switch_xml_t xml, const char *name)
{
	for (xml = xml ? xml->child : NULL; xml && strcmp(xml->name, name); xml = xml->ordered) {
	}
	return xml;
}

const char *switch_xml_attr(switch_xml_t xml, const char *name)
{
	for (char **attr = xml ? xml->attr : NULL; attr && *attr; attr += 2) {
		if (!strcmp(*attr, name)) {
			return attr[1];
		}
	}
	return NULL;
}

const char *switch_xml_attr_soft(switch_xml_t xml, const char *name)
{
	return switch_str_nil(switch_xml_attr(xml, name));
}

/* Files are read at each look. */
switch_status_t switch_xml_reload(const char **error)
{
	*error = "";
	return SWITCH_STATUS_SUCCESS;
}
