/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * What the files of the module share: the one engine, its threads and its settings.
 */
#ifndef OUTDIAL_SHIM_H
#define OUTDIAL_SHIM_H

#include <switch.h>

#include "keys.h"
#include "outdial.h"

/* Longest id of a leg or session, with its NUL. */
#define OUTDIAL_ID_LEN 150
/* Longest name of a sound, with its NUL. */
#define OUTDIAL_SOUND_LEN 256
/* Longest context or extension of the dialplan, with its NUL. */
#define OUTDIAL_PLACE_LEN 80
/* Longest name of a queue, and of a recording, with its NUL. */
#define OUTDIAL_QUEUE_LEN 81
#define OUTDIAL_RECORDING_LEN 256
/* Above this age of the pump's heartbeat nothing is dialed. */
#define OUTDIAL_HEARTBEAT_MAX_MS 2000
/* How long the engine may take to stop. */
#define OUTDIAL_STOP_TIMEOUT_MS 5000
/* Locks that legs and sessions share. */
#define OUTDIAL_LOCKS 64
/* Longest message that the library has for a person. */
#define OUTDIAL_ERROR_LEN 256

#define OUTDIAL_DIGITS "0123456789"
/* What ids, technologies and endpoints are made of: nothing that acts in a dial string. */
#define OUTDIAL_NAME_CHARACTERS OUTDIAL_DIGITS \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.-"

struct pool;

/* The lead's number in events. */
enum event_numbers {
	EVENT_NUMBERS_NO,
	EVENT_NUMBERS_MASKED,
	EVENT_NUMBERS_YES,
};

/* outdial.conf.xml. */
struct shim_config {
	char node[33];
	char socket[256];
	char journal[256];
	/* Where an answered call goes when the engine names no context. */
	char context[OUTDIAL_PLACE_LEN];
	/* Calls in flight, ringing and answered. */
	unsigned int max_calls;
	/* 0: the library's default. */
	uint64_t journal_bytes;
	/* outdial::call_state and outdial::agent_state are fired. */
	int events;
	enum event_numbers event_numbers;
	struct keys keys;
};

/* The module's state. Written by load, reload and shutdown only. */
struct shim {
	struct outdial_engine *engine;
	switch_loadable_module_interface_t *module;
	switch_memory_pool_t *memory;
	switch_mutex_t *locks[OUTDIAL_LOCKS];
	/* Dials: making a channel takes a millisecond or two. */
	struct pool *dials;
	/* Everything else that the engine asks for: never waits behind a dial. */
	struct pool *work;
	/* What agents press: waits for the engine, and for the sidecar. */
	struct pool *desk;
	struct shim_config config;
	/* 'outdial set debug on'. */
	_Atomic int debug;
	/* Set once by on_fault: customers and agents who wait are let go. */
	_Atomic int faulted;
	/* Set while unloading: nothing new is taken. */
	_Atomic int closing;
};

extern struct shim shim;

/* For debug messages; 'outdial set debug on' shows them, whatever the log level is. */
#define shim_debug(...) \
	switch_log_printf(SWITCH_CHANNEL_LOG, shim.debug ? SWITCH_LOG_NOTICE : SWITCH_LOG_DEBUG9, __VA_ARGS__)

/* Reads outdial.conf.xml, and logs what is wrong with it. Non-zero: missing or wrong, and `config` is
 * untouched. */
int config_read(struct shim_config *config);

/* Takes a line of words, without its line end. */
typedef void (*shim_say)(void *data, const char *text);

/* Says what has changed. `fresh` is what was read now; it gets back what can't be changed while the
 * engine runs. */
void config_compare(const struct shim_config *old, struct shim_config *fresh, shim_say say, void *data);

/* Reads outdial.conf.xml again, and says what has changed. Debug is off after it. Non-zero: not applied. */
int shim_reload(shim_say say, void *data);

/* Where an answered call goes when the engine names no context; reload may change it. */
void shim_default_context(char *context, size_t size);

/* Calls in flight that are allowed; reload may change it. */
unsigned int shim_max_calls(void);

/* Keys of agents who log in now; reload may change them. */
void shim_keys(struct keys *keys);

/* Tells the engine. Any thread. Returns OUTDIAL_OK or why the event was not taken. */
int shim_post(uint32_t kind, const char *id, const char *other, int value);

/* As shim_post(), for OUTDIAL_EVENT_LEG_ENDED. */
int shim_post_ended(const char *leg, int refused, int sip_status, int q850);

/* Tells the engine what a probe found. */
int shim_post_probed(uint64_t request, int found);

/* Sets the channel variable outdial_status. */
void shim_status(switch_channel_t *channel, const char *status);

/* Says how a request of the dialplan went: outdial_status, and a warning if it failed. `what` is what it
 * was about, no number; `not_found` the status for OUTDIAL_E_NOT_FOUND; `err` in words, may be empty. */
void shim_result(switch_channel_t *channel, const char *app, const char *what, int res,
	const char *not_found, const char *err);

/* As a hold of the module: while there is one, 'unload mod_outdial' is refused. Non-zero: it is being
 * unloaded. */
int shim_hold(void);
void shim_unhold(void);

/* One of the locks that legs and sessions share, so that none has to be made for each: never take two. */
switch_mutex_t *shim_lock_of(const char *id);

/* `from` into `to`. Non-zero: missing though it is required, or too long. */
int shim_copy(char *to, size_t size, const char *from, int required);
int shim_is_made_of(const char *text, const char *allowed);

/* The vtable that is handed to the engine. */
extern const struct outdial_host shim_host;

/* Lets go whoever waits for a poisoned engine, and cancels what still rings. */
void host_let_go(void);

/* Answers a probe; a job of the work pool. */
void probe_push(uint64_t request, uint32_t what, const char *first, const char *second, uint32_t number);

/* Whether a sound can be played; the name as in the dialplan. */
int probe_sound(const char *name);

/* Whether there is a sound of that name. Opens it, so not where channels are locked. */
int probe_sound(const char *name);

/* Why nothing may be dialed now; NULL: it may. */
const char *dial_refusal(void);

int watch_start(void);
void watch_stop(void);

void agent_register(switch_loadable_module_interface_t **module_interface);
void connect_register(switch_loadable_module_interface_t **module_interface);
void pause_register(switch_loadable_module_interface_t **module_interface);
void inbound_register(switch_loadable_module_interface_t **module_interface);
void lead_register(switch_loadable_module_interface_t **module_interface);
void field_register(switch_loadable_module_interface_t **module_interface);
void monitor_register(switch_loadable_module_interface_t **module_interface);
void api_register(switch_loadable_module_interface_t **module_interface);
void api_unregister(void);

#endif
