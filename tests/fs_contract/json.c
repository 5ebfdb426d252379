/*
 * SPDX-License-Identifier: MIT
 *
 * JSON: objects of texts and objects.
 */
#include "host.h"

cJSON *cJSON_CreateObject(void)
{
	return calloc(1, sizeof(cJSON));
}

cJSON *cJSON_CreateString(const char *text)
{
	cJSON *json = cJSON_CreateObject();

	json->valuestring = strdup(text);
	return json;
}

void cJSON_AddItemToObject(cJSON *object, const char *name, cJSON *item)
{
	cJSON **last = &object->child;

	while (*last) {
		last = &(*last)->next;
	}
	*last = item;
	item->string = strdup(name);
}

const char *cJSON_GetObjectCstr(const cJSON *object, const char *name)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, object) {
		if (item->string && !strcasecmp(item->string, name)) {
			return item->valuestring;
		}
	}
	return NULL;
}

void cJSON_Delete(cJSON *json)
{
	while (json) {
		cJSON *next = json->next;

		cJSON_Delete(json->child);
		free(json->valuestring);
		free(json->string);
		free(json);
		json = next;
	}
}

/* There is no mod_callcenter, and no other API of that kind; the answer says so. */
switch_status_t switch_json_api_execute(cJSON *request, switch_core_session_t *session, cJSON **reply)
{
	*reply = cJSON_CreateObject();
	cJSON_AddItemToObject(*reply, "message", cJSON_CreateString("no such command"));
	return SWITCH_STATUS_FALSE;
}
