/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief What the files of the module share: the one engine, its pools and its settings.
 */

#ifndef OUTDIAL_SHIM_H
#define OUTDIAL_SHIM_H

#include "compat.h"
#include "keys.h"
#include "pool.h"

/*! \brief Longest id of a leg or session, with its NUL; Asterisk's own bound on unique ids. */
#define OUTDIAL_ID_LEN 150
/*! \brief Longest name of a sound, with its NUL. */
#define OUTDIAL_SOUND_LEN 256
/*! \brief Threads that connect, play, hang up and probe. */
#define OUTDIAL_WORK_THREADS 4
/*! \brief Jobs that may wait for such a thread. */
#define OUTDIAL_WORK_WAITING 65536
/*! \brief Threads that do what agents' keys say; they may wait for the sidecar. */
#define OUTDIAL_DESK_THREADS 4
/*! \brief Keys that may wait for such a thread. */
#define OUTDIAL_DESK_WAITING 1024
/*! \brief Above this age of the pump's heartbeat nothing is dialed. */
#define OUTDIAL_HEARTBEAT_MAX_MS 2000
/*! \brief How long the engine may take to stop. */
#define OUTDIAL_STOP_TIMEOUT_MS 5000

struct session;

/*! \brief Whether AMI events show the lead's number. */
enum ami_numbers {
	AMI_NUMBERS_NO = 0,
	/*! \brief All but the last digits are stars. */
	AMI_NUMBERS_MASKED,
	AMI_NUMBERS_YES,
};

/*! \brief outdial.conf. */
struct shim_config {
	char node[33];
	char socket[256];
	char journal[256];
	/*! \brief Where an answered call goes when the engine names no context. */
	char context[AST_MAX_CONTEXT];
	/*! \brief Calls in flight, ringing and answered; one thread each. */
	unsigned int max_calls;
	/*! \brief 0: the library's default. */
	uint64_t journal_bytes;
	/*! \brief Keys of agents, for those who log in from now on. */
	struct keys keys;
	/*! \brief Changes of state become AMI events. */
	int ami_events;
	enum ami_numbers ami_numbers;
};

/*! \brief The module's state. Written by load, reload and unload only. */
struct shim {
	struct outdial_engine *engine;
	/*! \brief One thread for each call in flight. */
	struct pool *calls;
	/*! \brief Connects, plays, hangs up, probes: never waits behind a call. */
	struct pool *work;
	/*! \brief What agents' keys say. */
	struct pool *desk;
	struct shim_config config;
	/*! \brief The node's name; it never changes while the module is loaded. */
	char node[33];
	/*! \brief 'outdial set debug on'. */
	volatile int debug;
	/*! \brief Set once by on_fault: customers and agents who wait are let go. */
	volatile int faulted;
	/*! \brief Set while unloading: nothing new is taken. */
	volatile int closing;
};

extern struct shim shim;

/*!
 * \brief Read outdial.conf.
 *
 * Logs what is wrong with it.
 *
 * \retval 0 \a config is filled
 * \retval -1 missing or wrong; \a config is untouched
 */
int config_read(struct shim_config *config);

/*! \brief Takes a line of words, without its line end. */
typedef void (*shim_say)(void *data, const char *text);

/*!
 * \brief Say what has changed.
 *
 * \param fresh what was read now; gets back what can't be changed while the engine runs
 */
void config_compare(const struct shim_config *old, struct shim_config *fresh, shim_say say,
	void *data);

/*! \brief Read outdial.conf again, and say what has changed. Debug is off after it. Non-zero: not applied. */
int shim_reload(shim_say say, void *data);

/*! \brief For debug messages; 'outdial set debug on' shows them, as 'core set debug 1' does. */
#define shim_debug(...) \
	do { \
		if (shim.debug) { \
			ast_log(LOG_DEBUG, __VA_ARGS__); \
		} else { \
			ast_debug(1, __VA_ARGS__); \
		} \
	} while (0)

/*! \brief A debug line about an event and the engine's answer. */
void trace_event(const struct outdial_event *event, int res);

/*! \brief Where an answered call goes when the engine names no context; reload may change it. */
void shim_default_context(char *context, size_t size);

/*! \brief Give a session the keys that are configured; reload may change them. */
void shim_keys(struct session *session);

/*!
 * \brief Tell the engine.
 *
 * Any thread, channel locks may be held.
 *
 * \return OUTDIAL_OK or why the event was not taken
 */
int shim_post(uint32_t kind, const char *id, const char *other, int value);

/*! \brief As shim_post(), for OUTDIAL_EVENT_LEG_ENDED. */
int shim_post_ended(const char *leg, int refused, int sip_status, int q850);

/*! \brief Tell the engine what a probe found. */
int shim_post_probed(uint64_t request, int found);

/*! \brief Set the channel variable OUTDIAL_STATUS. */
void shim_status(struct ast_channel *chan, const char *status);

/*!
 * \brief Say how a request of the dialplan went: OUTDIAL_STATUS, and a warning if it failed.
 *
 * \param what what it was about; no number
 * \param res OUTDIAL_OK or why not
 * \param not_found the status for OUTDIAL_E_NOT_FOUND
 * \param err in words; may be empty
 */
void shim_result(struct ast_channel *chan, const char *app, const char *what, int res,
	const char *not_found, const char *err);

/*! \brief The vtable that is handed to the engine. */
extern const struct outdial_host shim_host;

/*! \brief Let go whoever waits for a poisoned engine, and cancel what still rings. */
void host_let_go(void);

/*! \brief Answer a probe; a job of the work pool. */
void probe_push(uint64_t request, uint32_t what, const char *first, const char *second,
	uint32_t number);

int connect_register(void);
void connect_unregister(void);
int inbound_register(void);
void inbound_unregister(void);
int agent_register(void);
void agent_unregister(void);
int pause_register(void);
void pause_unregister(void);
int lead_register(void);
void lead_unregister(void);
int monitor_register(void);
void monitor_unregister(void);
int functions_register(void);
void functions_unregister(void);
int cli_register(void);
void cli_unregister(void);
int watch_start(void);
void watch_stop(void);

#endif /* OUTDIAL_SHIM_H */
