/*
 * SPDX-License-Identifier: MIT
 *
 * What the contract host's files share. The host plays as much of FreeSWITCH as freeswitch-mod needs to
 * run in: it shows that the module compiles, keeps to what it was promised, and leaks nothing. Whether
 * FreeSWITCH itself does what is played here, only the tests on a real one tell.
 *
 * What a call does is decided by the last digit of its number:
 *   0 busy (486), 1 rings until it is hung up, 2 refused by the PBX at once, 3 congestion (503),
 *   4 ends without a word, 9 is answered and stays, else is answered and leaves some time after it has
 *   met somebody.
 * What an agent's phone does, by the last digit of its device:
 *   0 busy, 1 rings until it is dismissed, 2 refused by the PBX at once, else it is answered.
 */
#ifndef FS_CONTRACT_HOST_H
#define FS_CONTRACT_HOST_H

#include <pthread.h>
#include <stdatomic.h>

#include <switch.h>

/* Longest text of a variable, name or path. */
#define TEXT_LEN 512
/* State handlers, and hooks, of one channel at most. */
#define HANDLERS 8
#define KEYS 64
/* One packet. */
#define FRAME_MS 5
#define PACKET_SIZE 80
/* How long a sound is. */
#define SOUND_MS 20

/* The module has broken the contract: says how, and ends the program. */
#define BROKEN(...) do { \
		fprintf(stderr, "contract broken: " __VA_ARGS__); \
		fprintf(stderr, " (%s:%d)\n", __FILE__, __LINE__); \
		abort(); \
	} while (0)

struct contract_event {
	struct header {
		struct header *next;
		char *name;
		char *value;
	} *first;
};

struct contract_channel {
	/* Everything here is under the session's lock, or constant. */
	switch_core_session_t *session;
	switch_channel_state_t state;
	/* The state whose handlers run, or have run. */
	switch_channel_state_t running;
	switch_call_cause_t cause;
	unsigned char flags[256];
	switch_event_t *variables;
	switch_hash_t *privates;
	const switch_state_handler_table_t *handlers[HANDLERS];
	unsigned int handler_count;
	switch_caller_profile_t *profile;
	switch_caller_extension_t *extension;
	switch_dtmf_t keys[KEYS];
	unsigned int key_count;
};

struct contract_session {
	char uuid[TEXT_LEN];
	switch_memory_pool_t *pool;
	switch_endpoint_interface_t *endpoint;
	switch_thread_rwlock_t *rwlock;
	struct contract_channel channel;
	pthread_mutex_t lock;
	/* State, flag or signal has changed. */
	pthread_cond_t changed;
	switch_receive_message_hook_t hooks[HANDLERS];
	unsigned int hook_count;
	int launched;
	int destroyed;
	/* A signal that ends one read of a frame. */
	int broken_off;
	int outbound;
	/* Left by others; the newest. */
	switch_event_t *event;
	switch_codec_t codec;
	switch_codec_implementation_t implementation;
	int16_t packet[PACKET_SIZE / sizeof(int16_t)];
	switch_frame_t frame;
	switch_core_session_t *next;
};

struct application {
	struct application *next;
	const char *name;
	const char *data;
};

struct contract_extension {
	struct application *first;
};

/* What has happened so far. */
struct counts {
	atomic_uint dialed;
	atomic_uint refused;
	atomic_uint answered;
	atomic_uint bridged;
	atomic_uint played;
	atomic_uint destroyed;
	atomic_uint fired;
	/* Packets. */
	atomic_uint read;
	atomic_uint threads;
};
extern struct counts counts;

/* Settings of the host. */
extern struct settings {
	char conf[TEXT_LEN];
	atomic_int ready;
	atomic_int debug;
	atomic_uint talk_ms;
	/* So many channels are hung up by somebody just before their thread is launched. */
	atomic_int cancel;
} settings;

/* memory.c */
void *pool_zeroed(switch_memory_pool_t *pool, size_t size, void (*cleanup)(void *block));
char *pool_copy(switch_memory_pool_t *pool, const char *text);

/* core.c */
int module_load(const char *file, const char **error);
/* `force`: as FreeSWITCH's own end, whoever uses it. */
int module_unload(int force, const char **error);
int module_complete(const char *line, void (*say)(const char *word));

/* event.c */
const char *event_header(switch_event_t *event, const char *name);
void event_set(switch_event_t *event, const char *name, const char *value);
/* Nothing of the module is left. */
void events_check(void);

/* channel.c */
switch_call_cause_t channel_cause(switch_channel_t *channel);
/* With the session's lock held. */
int channel_is_ready(switch_channel_t *channel);
void channel_set_profile(switch_channel_t *channel, switch_caller_profile_t *profile);
/* `${name}` in a text becomes the variable's value; in the session's memory. */
const char *channel_expand(switch_channel_t *channel, const char *text);
void channel_press(switch_channel_t *channel, const char *digits);

/* session.c */
switch_core_session_t *session_new(switch_endpoint_interface_t *endpoint, switch_memory_pool_t *pool, const char *uuid);
switch_status_t session_tell(switch_core_session_t *session, switch_core_session_message_types_t what);
void session_hang_up_all(switch_call_cause_t cause);
unsigned int session_count(void);

/* states.c: runs the channel's states until it is destroyed, in its own thread. */
void session_run(switch_core_session_t *session);
void session_run_handlers(switch_core_session_t *session, switch_channel_state_t state);

/* media.c: what the caller's function says of keys that were pressed. */
switch_status_t media_ask_keys(switch_core_session_t *session, switch_input_callback_function_t callback, void *data,
	uint32_t size);

/* carrier.c */
/* A channel's variable: whom it has dialed. */
extern const char device_variable[];
switch_endpoint_interface_t *carrier_endpoint(const char *name);
void carrier_start(void);
void carrier_stop(void);
/* What FreeSWITCH says to a call to this device; SWITCH_CAUSE_SUCCESS: it is made. */
switch_call_cause_t carrier_takes(const char *device);
/* Somebody was brought to the callee. */
void carrier_met(switch_core_session_t *session);
/* A user calls an extension of a context. */
void carrier_call(const char *uuid, const char *user, const char *context, const char *exten);

/* abi.c */
/* A panic inside the engine, as ffi/fault.rs numbers them. */
int abi_fault(unsigned int place);
/* Legs that were accepted so far. */
unsigned int abi_legs(void);

#endif
