/*
 * outdial: the engine's C interface. docs/ABI.md tells how to use it.
 *
 * Generated from ffi/ by cbindgen; don't edit. After a change:
 *   OUTDIAL_WRITE_HEADER=1 cargo build -p outdial
 */

#ifndef OUTDIAL_H
#define OUTDIAL_H

#include <stddef.h>
#include <stdint.h>

typedef struct outdial_engine outdial_engine_t;
typedef struct outdial_event outdial_event_t;
typedef struct outdial_originate outdial_originate_t;
typedef struct outdial_ring outdial_ring_t;
typedef struct outdial_notice outdial_notice_t;
typedef struct outdial_disposition outdial_disposition_t;
typedef struct outdial_host_load outdial_host_load_t;
typedef struct outdial_host outdial_host_t;
typedef struct outdial_settings outdial_settings_t;
typedef struct outdial_stats outdial_stats_t;

/**
 * Major version of this ABI. Differs: the library refuses the host.
 */
#define OUTDIAL_ABI_MAJOR 1

/**
 * Minor version of this ABI. Grows when something is appended.
 */
#define OUTDIAL_ABI_MINOR 4

/**
 * Success.
 */
#define OUTDIAL_OK 0

/**
 * An argument is NULL, too long or malformed.
 */
#define OUTDIAL_E_ARGUMENT 1

/**
 * The host was built for another major version, or its struct is too small.
 */
#define OUTDIAL_E_ABI 2

/**
 * The queue is full, or the host's pool is: the event or originate was not taken.
 */
#define OUTDIAL_E_FULL 3

/**
 * A panic was caught earlier; the engine does nothing more until the PBX restarts.
 */
#define OUTDIAL_E_POISONED 4

/**
 * A file or socket could not be used; the message says which and why.
 */
#define OUTDIAL_E_IO 5

/**
 * Not possible in the engine's present state (started twice, stopped, never started).
 */
#define OUTDIAL_E_STATE 6

/**
 * No answer within the time allowed.
 */
#define OUTDIAL_E_TIMEOUT 7

/**
 * The thing named does not exist.
 */
#define OUTDIAL_E_NOT_FOUND 8

/**
 * A PIN is wrong.
 */
#define OUTDIAL_E_DENIED 9

/**
 * There were too many wrong PINs; this one was not looked at.
 */
#define OUTDIAL_E_LOCKED 10

/**
 * The carrier has taken the call (SIP 100). Id: leg.
 */
#define OUTDIAL_EVENT_LEG_PROCEEDING 1

/**
 * The callee's phone rings (SIP 180). Id: leg.
 */
#define OUTDIAL_EVENT_LEG_RINGING 2

/**
 * Media before the answer (SIP 183). Id: leg.
 */
#define OUTDIAL_EVENT_LEG_EARLY_MEDIA 3

/**
 * Answered. Id: leg; `value`: 1 if OUTDIAL_EVENT_LEG_READY follows within milliseconds (the
 * engine then need not wake up twice), else 0.
 */
#define OUTDIAL_EVENT_LEG_ANSWERED 4

/**
 * The dialplan reached OutdialConnect; the channel waits in its own bridge. Id: leg;
 * `value`: one of OUTDIAL_VERDICT_.
 */
#define OUTDIAL_EVENT_LEG_READY 5

/**
 * Customer and agent are in one bridge. Id: leg; `other`: session.
 */
#define OUTDIAL_EVENT_LEG_BRIDGED 6

/**
 * The agent could not be brought to the customer. Id: leg; `other`: session.
 */
#define OUTDIAL_EVENT_LEG_CONNECT_FAILED 7

/**
 * A message has ended. Id: leg; `value`: 1 if it was played to its end, else 0.
 */
#define OUTDIAL_EVENT_LEG_PLAYED 8

/**
 * The call went on in the dialplan, as `release` asked. Id: leg.
 */
#define OUTDIAL_EVENT_LEG_RELEASED 9

/**
 * Terminal: the channel is destroyed, or never came to be. Exactly once for each leg that
 * `originate` accepted. Id: leg; `sip_status` and `q850` of the final response, 0 where there
 * is none; `value`: 1 if the PBX itself refused the call, else 0.
 */
#define OUTDIAL_EVENT_LEG_ENDED 10

/**
 * The callee began to speak. Id: leg. Only hosts that listen for it post it.
 */
#define OUTDIAL_EVENT_LEG_GREETING_BEGAN 11

/**
 * The callee's first words are over. Id: leg; `value`: for so many ms already. Only hosts that listen
 * for it post it.
 */
#define OUTDIAL_EVENT_LEG_GREETING_ENDED 12

/**
 * The customer goes on without the agent who was in his bridge: in the dialplan behind
 * OutdialConnect, or with somebody else to whom the call was transferred. Id: leg.
 */
#define OUTDIAL_EVENT_LEG_LEFT 13

/**
 * OutdialAgent was entered. Id: session; `other`: the agent's name; `value`: 1 if `outdial_check_pin`
 * has found his PIN right, else 0. An agent who has one is dismissed without it.
 */
#define OUTDIAL_EVENT_SESSION_ENTERED 20

/**
 * The agent's channel waits inside its holding bridge; again after each call. For a phone that
 * `ring` has rung the first one is the answer. Id: session.
 */
#define OUTDIAL_EVENT_SESSION_WAITING 21

/**
 * Terminal: the channel has left OutdialAgent, or the phone that was rung is on hook again,
 * answered or not. Exactly once for each SESSION_ENTERED that was accepted, and for each `ring`
 * that was. Id: session; `value`: 1 if the PBX itself did not ring the phone, else 0.
 */
#define OUTDIAL_EVENT_SESSION_GONE 22

/**
 * The answer to `probe`. `request`; `value`: 1 if the PBX has the thing, else 0; ms where the probe
 * asks for a time.
 */
#define OUTDIAL_EVENT_PROBED 30

/**
 * AMD did not run.
 */
#define OUTDIAL_VERDICT_NONE 0

/**
 * A person answered.
 */
#define OUTDIAL_VERDICT_HUMAN 1

/**
 * A machine answered.
 */
#define OUTDIAL_VERDICT_MACHINE 2

/**
 * AMD could not tell.
 */
#define OUTDIAL_VERDICT_UNKNOWN 3

/**
 * A service that answers for the callee and asks who calls.
 */
#define OUTDIAL_VERDICT_SCREENING 4

/**
 * `probe` asks for an endpoint: `first` is the technology, `second` the endpoint.
 */
#define OUTDIAL_PROBE_ENDPOINT 1

/**
 * `probe` asks for an extension: `first` is the context, `second` the extension, `number` the
 * priority.
 */
#define OUTDIAL_PROBE_TARGET 2

/**
 * `probe` asks for a sound: `first` is its name.
 */
#define OUTDIAL_PROBE_SOUND 3

/**
 * `probe` asks how long AMD may take before OutdialConnect at an extension, given as for
 * OUTDIAL_PROBE_TARGET. The answer's `value` is in ms, 0 where AMD does not run.
 */
#define OUTDIAL_PROBE_AMD 4

/**
 * `probe` asks the same, counted from the end of the callee's greeting.
 */
#define OUTDIAL_PROBE_AMD_AFTER_GREETING 5

/**
 * `probe` asks for an application of the dialplan: `first` is its name. Since ABI 1.4.
 */
#define OUTDIAL_PROBE_APPLICATION 6

/**
 * `probe` asks how long AMD may take with the arguments in `first`. The answer is as for
 * OUTDIAL_PROBE_AMD. Since ABI 1.4.
 */
#define OUTDIAL_PROBE_AMD_ARGUMENTS 7

/**
 * `probe` asks the same, counted from the end of the callee's greeting. Since ABI 1.4.
 */
#define OUTDIAL_PROBE_AMD_ARGUMENTS_AFTER_GREETING 8

/**
 * Why an agent is logged off: no agent of that name is configured.
 */
#define OUTDIAL_DISMISS_UNKNOWN 1

/**
 * Why an agent is logged off: already logged in on another channel.
 */
#define OUTDIAL_DISMISS_DUPLICATE 2

/**
 * Why an agent is logged off: the engine drains.
 */
#define OUTDIAL_DISMISS_DRAINING 3

/**
 * Why an agent is logged off: by a supervisor, or taken out of the configuration.
 */
#define OUTDIAL_DISMISS_LOGGED_OFF 4

/**
 * Why an agent is logged off: more agents than the engine can hold.
 */
#define OUTDIAL_DISMISS_FULL 5

/**
 * Why a phone that was rung is put on hook: the call that it was rung for is over, or has gone to
 * somebody else. The agent stays logged in.
 */
#define OUTDIAL_DISMISS_ON_HOOK 6

/**
 * Why an agent is logged off: he has a PIN, and it was not checked. Since ABI 1.4.
 */
#define OUTDIAL_DISMISS_PIN_UNCHECKED 7

/**
 * `outdial_agent`: ends the wrap-up before its time.
 */
#define OUTDIAL_AGENT_READY 1

/**
 * `outdial_agent`: takes no calls once the one in hand is over.
 */
#define OUTDIAL_AGENT_PAUSE 2

/**
 * `outdial_agent`: takes calls again.
 */
#define OUTDIAL_AGENT_UNPAUSE 3

/**
 * `outdial_agent`: dials the lead that is looked at.
 */
#define OUTDIAL_AGENT_DIAL 4

/**
 * `outdial_agent`: lets the lead that is looked at pass.
 */
#define OUTDIAL_AGENT_SKIP 5

/**
 * `outdial_agent`: logs off after the call in hand and its wrap-up.
 */
#define OUTDIAL_AGENT_LOG_OFF 6

/**
 * `outdial_agent`: logs off now, and hangs up the call in hand.
 */
#define OUTDIAL_AGENT_LOG_OFF_NOW 7

/**
 * `outdial_agent`: ends the call in hand, and stays.
 */
#define OUTDIAL_AGENT_HANG_UP 8

/**
 * `outdial_dispose`, and `outdial_field` of a live leg: `agent`, `amd`, `attempt`, `attempts`,
 * `caller_id`, `campaign`, `lead`, `leg`, `list`, `number`, `position`, `recording`, `state`,
 * `trunk`, or a column of the lead's own.
 */
#define OUTDIAL_OF_LEG 1

/**
 * `outdial_dispose`, and `outdial_field` of a logged-in agent: `calls`, `logged_in`, `pause`,
 * `paused`, `since`, `state`, `talk`, `wrap_up`; of any agent `pin`: 1 if he has one, else 0.
 */
#define OUTDIAL_OF_AGENT 2

/**
 * `outdial_field` of a campaign: `abandon_rate`, `abandoned`, `agents`, `answered`, `bridged`,
 * `dialing`, `free`, `leads`, `live`, `short_calls`, `state`, `why`.
 */
#define OUTDIAL_OF_CAMPAIGN 3

/**
 * `notice` tells of an attempt.
 */
#define OUTDIAL_NOTICE_CALL 1

/**
 * `notice` tells of an agent.
 */
#define OUTDIAL_NOTICE_AGENT 2

/**
 * `outdial_watch`: attempts.
 */
#define OUTDIAL_WATCH_CALLS 1

/**
 * `outdial_watch`: agents.
 */
#define OUTDIAL_WATCH_AGENTS 2

/**
 * Log level: for developers.
 */
#define OUTDIAL_LOG_DEBUG 10

/**
 * Log level: ordinary.
 */
#define OUTDIAL_LOG_INFO 20

/**
 * Log level: something to look at.
 */
#define OUTDIAL_LOG_WARN 30

/**
 * Log level: something is broken.
 */
#define OUTDIAL_LOG_ERROR 40

/**
 * An engine. Opaque; made by `outdial_new`, ended by `outdial_free`.
 */
struct outdial_engine;

/**
 * What to dial. Valid during the call of `originate` only.
 */
struct outdial_originate {
    /**
     * sizeof(struct outdial_originate) of the library's build.
     */
    uint32_t struct_size;
    /**
     * The host gives up after this long without an answer. The engine's own deadlines are
     * earlier.
     */
    uint32_t timeout_ms;
    /**
     * The channel's unique id.
     */
    const char *leg;
    /**
     * Channel technology, `PJSIP` for example.
     */
    const char *tech;
    /**
     * The trunk's endpoint.
     */
    const char *endpoint;
    /**
     * Digits only.
     */
    const char *number;
    /**
     * Digits only.
     */
    const char *caller_id;
    /**
     * The campaign's name, for the channel's account code.
     */
    const char *account;
    /**
     * Where the answered call enters the dialplan.
     */
    const char *context;
    /**
     * See `context`.
     */
    const char *exten;
    /**
     * See `context`; from 1.
     */
    uint32_t priority;
    /**
     * The attempt's number in the database. Since ABI 1.2.
     */
    uint64_t attempt;
    /**
     * The lead's number in the database, 0 for a test call. Since ABI 1.2.
     */
    uint64_t lead;
    /**
     * 1: once an agent is there the call is recorded, by the name that `outdial_field` gives as
     * `recording`. Since ABI 1.3.
     */
    uint32_t record;
    /**
     * The call is not ready before AMD has told who answered, with these arguments (as `AMD()` takes
     * them; empty: the PBX's own settings), unless it has run in the dialplan. NULL: it is not asked
     * for. Since ABI 1.4.
     */
    const char *amd;
};

/**
 * How busy the host's pool is.
 */
struct outdial_host_load {
    /**
     * sizeof(struct outdial_host_load) of the library's build.
     */
    uint32_t struct_size;
    /**
     * Jobs waiting for a thread.
     */
    uint32_t waiting;
    /**
     * Jobs being worked on.
     */
    uint32_t running;
    /**
     * How long the oldest waiting job has waited, in ms.
     */
    uint32_t oldest_ms;
};

/**
 * Which agent's phone to ring. Valid during the call of `ring` only.
 */
struct outdial_ring {
    /**
     * sizeof(struct outdial_ring) of the library's build.
     */
    uint32_t struct_size;
    /**
     * The host gives up after this long without an answer. The engine's own deadline is earlier.
     */
    uint32_t timeout_ms;
    /**
     * The channel's unique id: `ring-<epoch>-<n>`, unique over nodes and lives.
     */
    const char *session;
    /**
     * The agent's name.
     */
    const char *agent;
    /**
     * Channel technology, `PJSIP` for example.
     */
    const char *tech;
    /**
     * The phone's endpoint.
     */
    const char *endpoint;
    /**
     * What the phone shows: digits only, never the customer's.
     */
    const char *caller_id;
    /**
     * The campaign's name, for the channel's account code and the phone's display.
     */
    const char *account;
};

/**
 * A change of state. Valid during the call of `notice` only. A text that has nothing to say is
 * empty, never NULL.
 */
struct outdial_notice {
    /**
     * sizeof(struct outdial_notice) of the library's build.
     */
    uint32_t struct_size;
    /**
     * One of OUTDIAL_NOTICE_.
     */
    uint32_t kind;
    /**
     * Of a call: the attempt's number in the database.
     */
    uint64_t attempt;
    /**
     * Of a call: the lead's number in the database.
     */
    uint64_t lead;
    /**
     * The leg's id: of a call the current or last one, of an agent that of the call in hand.
     */
    const char *leg;
    /**
     * Of an agent: the channel's unique id.
     */
    const char *session;
    /**
     * The campaign's name; of an agent that of the call in hand, or of the last one.
     */
    const char *campaign;
    /**
     * Of a call: the trunk's name.
     */
    const char *trunk;
    /**
     * Of a call: the number as the lead has it.
     */
    const char *number;
    /**
     * The agent's name; of a call that of who was chosen for it.
     */
    const char *agent;
    /**
     * The state before, by the name that `outdial_field` gives it.
     */
    const char *old_state;
    /**
     * The state now. For an attempt that is over: its outcome.
     */
    const char *state;
    /**
     * Of an agent: the pause code.
     */
    const char *pause;
    /**
     * Of a call that is over: why, in a few words.
     */
    const char *reason;
    /**
     * Of a call: 1 if it is over, else 0.
     */
    uint32_t over;
    /**
     * Of a call that is over: SIP status of the final response, 0 for none.
     */
    int32_t sip_status;
    /**
     * Of a call that is over: Q.850 cause, 0 for none.
     */
    int32_t q850;
};

/**
 * What the engine asks of the host.
 *
 * Thread: every function is called from the engine's pump thread only, one at a time, between
 * `outdial_start` and the return of `outdial_stop`; `log` and `on_fault` also from the engine's
 * other threads, and from the thread that calls `outdial_new`.
 * Each one enqueues and returns: it must not wait, dial, take a channel lock or call back into
 * the library, except for `outdial_post`.
 * Lifetime: `outdial_new` copies the struct; what `ctx` points at outlives `outdial_stop`.
 * No function may be NULL but `notice` and `leave_message`. A struct of ABI 1.0 ends before `ring`, one
 * of 1.1 before `notice`, one of 1.2 before `leave_message`: such a host is never asked for these.
 */
struct outdial_host {
    /**
     * OUTDIAL_ABI_MAJOR << 16 | OUTDIAL_ABI_MINOR of the host's build.
     */
    uint32_t abi_version;
    /**
     * sizeof(struct outdial_host) of the host's build.
     */
    uint32_t struct_size;
    /**
     * Passed to every function.
     */
    void *ctx;
    /**
     * Dials. OUTDIAL_OK: accepted, and exactly one OUTDIAL_EVENT_LEG_ENDED will follow.
     * Anything else: refused, and nothing follows.
     */
    int32_t (*originate)(void *ctx, const struct outdial_originate *request);
    /**
     * Brings the agent to the customer. OUTDIAL_EVENT_LEG_BRIDGED or _CONNECT_FAILED follows.
     */
    void (*connect)(void *ctx, const char *leg, const char *session);
    /**
     * Plays a sound to a customer who waits or talks. OUTDIAL_EVENT_LEG_PLAYED follows.
     */
    void (*play)(void *ctx, const char *leg, const char *sound);
    /**
     * Lets a customer go on in the dialplan: at the place given, or behind OutdialConnect where
     * `context` is NULL. OUTDIAL_EVENT_LEG_RELEASED follows.
     */
    void (*release)(void *ctx,
                    const char *leg,
                    const char *context,
                    const char *exten,
                    uint32_t priority);
    /**
     * Ends a leg, ringing or answered. OUTDIAL_EVENT_LEG_ENDED follows. A leg that the host does
     * not know: nothing happens.
     */
    void (*hangup)(void *ctx, const char *leg, uint32_t q850);
    /**
     * Lets an agent's channel go: logs him off, or puts a phone that was rung on hook; `why` is one
     * of OUTDIAL_DISMISS_. OUTDIAL_EVENT_SESSION_GONE follows.
     */
    void (*dismiss)(void *ctx, const char *session, uint32_t why);
    /**
     * Asks whether the PBX has a thing; `what` is one of OUTDIAL_PROBE_.
     * OUTDIAL_EVENT_PROBED with the same `request` follows.
     */
    void (*probe)(void *ctx,
                  uint64_t request,
                  uint32_t what,
                  const char *first,
                  const char *second,
                  uint32_t number);
    /**
     * Calls `visit` for each leg and each session that the host's own registry holds, during the
     * call. `session` is 1 for a session, 0 for a leg. Must not scan the PBX's channels.
     */
    void (*visit_live)(void *ctx,
                       void (*visit)(void *visitor, const char *id, int32_t session),
                       void *visitor);
    /**
     * Fills `load`.
     */
    void (*load)(void *ctx, struct outdial_host_load *load);
    /**
     * A line for the PBX's log. No number or name is in it above OUTDIAL_LOG_DEBUG.
     */
    void (*log)(void *ctx, uint32_t level, const char *text);
    /**
     * The engine is poisoned: a panic was caught. It has stopped dialing; live calls are the
     * host's to finish. Called once.
     */
    void (*on_fault)(void *ctx, const char *text);
    /**
     * Rings an agent's phone. OUTDIAL_OK: accepted, and exactly one OUTDIAL_EVENT_SESSION_GONE
     * will follow; when it is answered, OUTDIAL_EVENT_SESSION_WAITING before that, and from then
     * on the session is like one of OutdialAgent's. `dismiss` ends it, ringing or answered.
     * Anything else: refused, and nothing follows.
     */
    int32_t (*ring)(void *ctx, const struct outdial_ring *request);
    /**
     * A state changed that `outdial_watch` has asked for. In order; nothing depends on it. Since
     * ABI 1.2; NULL: `outdial_watch` is refused.
     */
    void (*notice)(void *ctx, const struct outdial_notice *notice);
    /**
     * Leaves a message on a machine: as `play`, but begins when the machine records, which is after
     * its beep, or after a silence where it has none. The host gives up on one that never comes to
     * that: OUTDIAL_EVENT_LEG_PLAYED with 0. Since ABI 1.3; NULL: `play` is called.
     */
    void (*leave_message)(void *ctx, const char *leg, const char *sound);
};

/**
 * Settings of `outdial_new`.
 */
struct outdial_settings {
    /**
     * sizeof(struct outdial_settings) of the host's build.
     */
    uint32_t struct_size;
    /**
     * Legs of this node are named `<node>-...`: 1 to 32 of A-Z a-z 0-9 _ . (no `-`).
     */
    const char *node;
    /**
     * Path of the sidecar's socket.
     */
    const char *socket;
    /**
     * Folder of the journal; made if missing. One engine at a time.
     */
    const char *journal;
    /**
     * The PBX and its version, for `outdial doctor`.
     */
    const char *pbx;
    /**
     * The journal grows to this many bytes; then nothing more is dialed until the sidecar has
     * acknowledged. 0: 256 MiB.
     */
    uint64_t journal_bytes;
    /**
     * 1: calls that this host places reach nobody, as those of a simulated PBX. It is handed test
     * campaigns only. 0, or a struct of ABI 1.0, which ends before: a real PBX, which never is.
     */
    uint32_t test_host;
};

/**
 * What the host tells the engine. Unused texts are NULL, unused numbers 0.
 */
struct outdial_event {
    /**
     * sizeof(struct outdial_event) of the host's build.
     */
    uint32_t struct_size;
    /**
     * One of OUTDIAL_EVENT_.
     */
    uint32_t kind;
    /**
     * Leg or session, as the kind says.
     */
    const char *id;
    /**
     * Session or agent's name, as the kind says.
     */
    const char *other;
    /**
     * As in `probe`.
     */
    uint64_t request;
    /**
     * As the kind says.
     */
    int32_t value;
    /**
     * SIP status of the final response, 0 for none.
     */
    int32_t sip_status;
    /**
     * Q.850 cause, 0 for none.
     */
    int32_t q850;
};

/**
 * What came of a call.
 */
struct outdial_disposition {
    /**
     * sizeof(struct outdial_disposition) of the host's build.
     */
    uint32_t struct_size;
    /**
     * 1: the callback is for the same agent; 0: for anybody.
     */
    uint32_t callback_personal;
    /**
     * One of the operator's codes.
     */
    const char *code;
    /**
     * When to call back, for codes that are a callback: `2026-12-01T15:00`, the lead's own time,
     * with an offset, or `+2h`, from now. NULL or empty: no callback.
     */
    const char *callback_at;
    /**
     * What the agent wrote down; NULL or empty: nothing.
     */
    const char *note;
};

/**
 * Counters of an engine.
 */
struct outdial_stats {
    /**
     * sizeof(struct outdial_stats) of the host's build; set by the caller.
     */
    uint32_t struct_size;
    /**
     * 1 after a caught panic.
     */
    uint32_t poisoned;
    /**
     * 1 while draining.
     */
    uint32_t draining;
    /**
     * 1 while the sidecar is connected.
     */
    uint32_t linked;
    /**
     * Attempts live.
     */
    uint64_t live_attempts;
    /**
     * Agents' channels: those who called in, and phones that ring or talk.
     */
    uint64_t sessions;
    /**
     * Legs that the host accepted.
     */
    uint64_t legs;
    /**
     * Events taken.
     */
    uint64_t posted;
    /**
     * Events refused because the queue was full.
     */
    uint64_t refused;
    /**
     * Events that named no known leg or session, or made no sense there.
     */
    uint64_t stray;
    /**
     * Age of the pump's last turn, in ms: above 2000 the host must not originate.
     */
    uint64_t heartbeat_age_ms;
    /**
     * From an event's post to the commands that it caused: median, in microseconds.
     */
    uint64_t event_to_command_p50_us;
    /**
     * As above: 99th percentile.
     */
    uint64_t event_to_command_p99_us;
};

/**
 * Takes a line of output, without its line end. `text` is valid during the call only.
 */
typedef void (*outdial_write_fn)(void *data, const char *text);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The ABI version that this library speaks: OUTDIAL_ABI_MAJOR << 16 | OUTDIAL_ABI_MINOR.
 *
 * Thread: any.
 */
uint32_t outdial_abi_version(void);

/**
 * The version of this library, `0.1.0` for example.
 *
 * Thread: any. Ownership: the library's; valid as long as the process lives.
 */
const char *outdial_version(void);

/**
 * What a code of OUTDIAL_OK or OUTDIAL_E_ means, in English.
 *
 * Thread: any. Ownership: the library's; valid as long as the process lives. Never NULL.
 */
const char *outdial_strerror(int32_t code);

/**
 * Makes an engine: checks the host, locks and reads the journal, and records what a crash left
 * unfinished. Dials nothing and starts no thread.
 *
 * Thread: any; may wait for the disk. `log` of the host may be called before it returns.
 * Ownership: `host`, `settings` and their texts stay the caller's; what is needed is copied.
 * `*out` is written on success only, and is the caller's until `outdial_free`.
 * `err` (`err_len` bytes, may be NULL) gets a message for the operator when the call fails, cut
 * to fit and ended by NUL.
 * Returns OUTDIAL_OK; OUTDIAL_E_ABI when the host was built for another major version or a
 * struct is too small; OUTDIAL_E_ARGUMENT for a bad setting; OUTDIAL_E_IO when the journal can't
 * be used. NULL for `host`, `settings` or `out`: refused.
 *
 * Required:
 * The pointers are NULL or valid; `err` has room for `err_len` bytes.
 */
int32_t outdial_new(const struct outdial_host *host,
                    const struct outdial_settings *settings,
                    struct outdial_engine **out,
                    char *err,
                    size_t err_len);

/**
 * Starts the engine's threads. From here on the host's functions are called and events are taken.
 *
 * Thread: any, without channel locks.
 * Returns OUTDIAL_OK; OUTDIAL_E_STATE when it was started before; OUTDIAL_E_IO when no thread
 * could be started; OUTDIAL_E_POISONED. NULL: OUTDIAL_E_ARGUMENT.
 *
 * Required:
 * `engine` is NULL or from `outdial_new` and not freed.
 */
int32_t outdial_start(const struct outdial_engine *engine);

/**
 * Stops dialing and logs agents off as they come free (`on` not 0), or goes on (0). Calls that
 * are up go on. `outdial_stats` shows when none is left.
 *
 * Thread: any. Does not wait.
 * Returns OUTDIAL_OK; OUTDIAL_E_STATE when the engine does not run; OUTDIAL_E_FULL when the pump
 * is overloaded (try again); OUTDIAL_E_POISONED. NULL: OUTDIAL_E_ARGUMENT.
 *
 * Required:
 * `engine` is NULL or from `outdial_new` and not freed.
 */
int32_t outdial_drain(const struct outdial_engine *engine, int32_t on);

/**
 * Ends the engine's threads: works off the events that were taken, writes the journal, gives the
 * sidecar a moment to acknowledge. Takes no event any more. Hangs nothing up: drain first, or
 * what is up now counts as lost with the node when the next engine reads the journal.
 *
 * Thread: any, without channel locks; waits up to `timeout_ms`.
 * Returns OUTDIAL_OK when the threads have ended, or none was started; OUTDIAL_E_TIMEOUT when
 * they have not: call again. Works on a poisoned engine too. NULL: OUTDIAL_E_ARGUMENT.
 *
 * Required:
 * `engine` is NULL or from `outdial_new` and not freed.
 */
int32_t outdial_stop(const struct outdial_engine *engine, uint32_t timeout_ms);

/**
 * Ends an engine. Stop it first: one whose threads still run is left in memory, because they use
 * it.
 *
 * Thread: any; no other call for this engine is under way or follows.
 * Ownership: takes the engine. NULL: nothing happens.
 *
 * Required:
 * `engine` is NULL or from `outdial_new` and not freed.
 */
void outdial_free(struct outdial_engine *engine);

/**
 * For the exit handler of a process that ends without `outdial_stop`: nothing more is dialed,
 * the journal is written, synced and closed. Calls that are up count as lost with the node.
 *
 * Thread: any; waits for the disk, 2 s at most. Starts nothing, so it may run while other
 * threads still do.
 * Returns OUTDIAL_OK, also when there was nothing to close; OUTDIAL_E_TIMEOUT when the disk did
 * not answer in time. NULL: OUTDIAL_E_ARGUMENT.
 *
 * Required:
 * `engine` is NULL or from `outdial_new` and not freed.
 */
int32_t outdial_seal(const struct outdial_engine *engine);

/**
 * Takes over changed settings. The path of the socket can change, and a reload connects anew;
 * any other change needs a new engine and is refused.
 *
 * Thread: any. Does not wait.
 * Ownership: `settings` and its texts stay the caller's. `err` as in `outdial_new`.
 * Returns OUTDIAL_OK; OUTDIAL_E_STATE when a new engine is needed or this one does not run;
 * OUTDIAL_E_ARGUMENT or OUTDIAL_E_ABI for bad settings; OUTDIAL_E_FULL; OUTDIAL_E_POISONED.
 * NULL for `engine` or `settings`: OUTDIAL_E_ARGUMENT.
 *
 * Required:
 * The pointers are NULL or valid; `err` has room for `err_len` bytes.
 */
int32_t outdial_reload(const struct outdial_engine *engine,
                       const struct outdial_settings *settings,
                       char *err,
                       size_t err_len);

/**
 * Tells the engine what happened.
 *
 * Thread: any, with channel locks held. Never blocks, never calls back.
 * Ownership: `event` and its texts stay the caller's; they are copied.
 * Returns OUTDIAL_OK when the event was taken; OUTDIAL_E_FULL when the queue is full (never for
 * OUTDIAL_EVENT_LEG_ENDED of an accepted leg, nor for OUTDIAL_EVENT_SESSION_GONE of an accepted
 * session); OUTDIAL_E_NOT_FOUND for a leg or session that is not this engine's or has ended (but
 * OUTDIAL_EVENT_LEG_CONNECT_FAILED is taken after its leg's end as long as the session lives);
 * OUTDIAL_E_ARGUMENT when a text or number is malformed; OUTDIAL_E_ABI when the struct is too
 * small; OUTDIAL_E_STATE before `outdial_start` and after `outdial_stop`; OUTDIAL_E_POISONED
 * after a caught panic. NULL: OUTDIAL_E_ARGUMENT.
 *
 * Required:
 * `engine` is NULL or from `outdial_new` and not freed; `event` is NULL or valid.
 */
int32_t outdial_post(const struct outdial_engine *engine, const struct outdial_event *event);

/**
 * Does something for an agent: `action` is one of OUTDIAL_AGENT_. `code` is the pause code, NULL
 * or empty for none; other actions don't look at it.
 *
 * Thread: any, without channel locks. Waits for the engine, up to 2 s.
 * Ownership: `agent`, `code` and `err` stay the caller's. `err` (`err_len` bytes, may be NULL) gets
 * a message for a person when the call fails, cut to fit and ended by NUL.
 * Returns OUTDIAL_OK; OUTDIAL_E_NOT_FOUND when no agent has this name; OUTDIAL_E_STATE when the
 * agent can't do that now (not logged in, for example), or the engine does not run;
 * OUTDIAL_E_TIMEOUT; OUTDIAL_E_ARGUMENT for an unknown action or a malformed text;
 * OUTDIAL_E_POISONED. NULL for `engine` or `agent`: OUTDIAL_E_ARGUMENT.
 *
 * Required:
 * `engine` is NULL or from `outdial_new` and not freed; the texts are NULL or end in NUL; `err` is
 * NULL or has room for `err_len` bytes.
 */
int32_t outdial_agent(const struct outdial_engine *engine,
                      const char *agent,
                      uint32_t action,
                      const char *code,
                      char *err,
                      size_t err_len);

/**
 * Says what came of a call. `of` is OUTDIAL_OF_LEG with the id of a live leg, or OUTDIAL_OF_AGENT
 * with the name of an agent: the call that he has in hand or wraps up, else his last one. A wrap-up
 * ends with it.
 *
 * Thread: any, without channel locks. Waits for the engine, up to 2 s, and for the sidecar, up to
 * 5 s.
 * Ownership: everything stays the caller's. `err` (`err_len` bytes, may be NULL) gets a message for
 * a person when the call fails, cut to fit and ended by NUL.
 * Returns OUTDIAL_OK; OUTDIAL_E_NOT_FOUND when the sidecar refused: there is no such disposition,
 * agent or call, or the callback's time is none; OUTDIAL_E_STATE for a leg that is not a lead's or
 * has ended, and when the engine does not run; OUTDIAL_E_IO when the sidecar is not connected;
 * OUTDIAL_E_TIMEOUT: it may have been done; OUTDIAL_E_FULL; OUTDIAL_E_ARGUMENT; OUTDIAL_E_ABI;
 * OUTDIAL_E_POISONED. NULL for `engine`, `name`, `said` or its code: OUTDIAL_E_ARGUMENT.
 *
 * Required:
 * `engine` is NULL or from `outdial_new` and not freed; `said` is NULL or valid; the texts are NULL
 * or end in NUL; `err` is NULL or has room for `err_len` bytes.
 */
int32_t outdial_dispose(const struct outdial_engine *engine,
                        uint32_t of,
                        const char *name,
                        const struct outdial_disposition *said,
                        char *err,
                        size_t err_len);

/**
 * Adds a lead to a campaign. `number` is written as people write it: with `+`, or as the column
 * `country` says. `names` and `values` have `count` columns: those that an import knows
 * (`time_zone`, `priority`, `owner_agent`, `skill`, further numbers as `phone2`), `list` (default
 * `added`), `country` (BR for example), and the lead's own. A number that is in the campaign
 * already is refused.
 *
 * Thread: any, without channel locks. Waits for the sidecar, up to 5 s.
 * Ownership: as for `outdial_dispose`.
 * Returns OUTDIAL_OK: the lead is in the database; OUTDIAL_E_NOT_FOUND when the sidecar refused,
 * `err` says why; else as `outdial_dispose`. NULL for `engine`, `campaign`, `number`, or for an
 * array whose `count` is not 0: OUTDIAL_E_ARGUMENT.
 *
 * Required:
 * `engine` is NULL or from `outdial_new` and not freed; `names` and `values` are NULL or have
 * `count` texts; the texts are NULL or end in NUL; `err` is NULL or has room for `err_len` bytes.
 */
int32_t outdial_add(const struct outdial_engine *engine,
                    const char *campaign,
                    const char *number,
                    const char *const *names,
                    const char *const *values,
                    size_t count,
                    char *err,
                    size_t err_len);

/**
 * Puts a number on the do-not-call list: for `campaign`, or for all where it is NULL or empty.
 * Whoever holds a lead with it gives it back within seconds, and calls that ring are cancelled.
 *
 * Thread: any, without channel locks. Waits for the sidecar, up to 5 s.
 * Ownership: as for `outdial_dispose`.
 * Returns OUTDIAL_OK, also if it was on the list before; else as `outdial_dispose`. NULL for
 * `engine` or `number`: OUTDIAL_E_ARGUMENT.
 *
 * Required:
 * As `outdial_dispose`.
 */
int32_t outdial_do_not_call(const struct outdial_engine *engine,
                            const char *number,
                            const char *campaign,
                            char *err,
                            size_t err_len);

/**
 * Whether `pin` is the PIN of the agent called `agent`. Wrong ones are counted over all channels and
 * nodes; too many in a row lock the agent for some minutes. `outdial_field` says who has a PIN. Who
 * has said the right one is let in by OUTDIAL_EVENT_SESSION_ENTERED with a `value` of 1.
 *
 * Thread: any, without channel locks. Waits for the sidecar, up to 5 s.
 * Ownership: as for `outdial_dispose`. The PIN is neither kept nor logged.
 * Returns OUTDIAL_OK: it is; OUTDIAL_E_DENIED: it is not, or the agent has none; OUTDIAL_E_LOCKED: it
 * was not looked at; OUTDIAL_E_IO when the sidecar is not connected or PostgreSQL not reachable;
 * else as `outdial_dispose`. NULL or an empty text for `agent` or `pin`: OUTDIAL_E_ARGUMENT. Since
 * ABI 1.4.
 *
 * Required:
 * As `outdial_dispose`.
 */
int32_t outdial_check_pin(const struct outdial_engine *engine,
                          const char *agent,
                          const char *pin,
                          char *err,
                          size_t err_len);

/**
 * Reads one field. `of` is one of OUTDIAL_OF_, `name` the leg's id, or the agent's or campaign's
 * name. docs/ABI.md lists the fields. Times are whole seconds, rates percent. Of a leg, a name that
 * is no field is a column of the lead's own; `lead.` in front means the column in any case, and
 * gives an empty text where the lead has none of that name.
 *
 * Thread: any, without channel locks. Waits for the engine, up to 2 s; for the first column of a
 * leg, also for the sidecar, up to 5 s.
 * Ownership: the texts stay the caller's; `buf` (`len` bytes) is written on success only, cut to
 * fit and ended by NUL. An empty text: there is none now, of a call without an agent for example.
 * Returns OUTDIAL_OK; OUTDIAL_E_NOT_FOUND when there is no such leg, logged-in agent (for `pin`: no such agent) or campaign;
 * OUTDIAL_E_ARGUMENT for an unknown field or subject or a malformed text; OUTDIAL_E_STATE when the
 * engine does not run; OUTDIAL_E_TIMEOUT; OUTDIAL_E_IO, for a column, when the sidecar is not
 * connected or PostgreSQL not reachable; OUTDIAL_E_POISONED. NULL anywhere: OUTDIAL_E_ARGUMENT.
 *
 * Required:
 * `engine` is NULL or from `outdial_new` and not freed; the texts are NULL or end in NUL; `buf` is
 * NULL or has room for `len` bytes.
 */
int32_t outdial_field(const struct outdial_engine *engine,
                      uint32_t of,
                      const char *name,
                      const char *field,
                      char *buf,
                      size_t len);

/**
 * Fills `stats`, as far as its `struct_size` says that there is room.
 *
 * Thread: any. Does not wait.
 * Ownership: `stats` stays the caller's; written on success only, `struct_size` never.
 * Returns OUTDIAL_OK, also on a poisoned engine (`poisoned` is 1 then); OUTDIAL_E_ABI when
 * `struct_size` is below 8. NULL: OUTDIAL_E_ARGUMENT.
 *
 * Required:
 * `engine` is NULL or from `outdial_new` and not freed; `stats` is NULL or has room for its
 * `struct_size`.
 */
int32_t outdial_stats(const struct outdial_engine *engine, struct outdial_stats *stats);

/**
 * Age of the pump's last turn, in ms. Above 2000 the host must not originate. The largest value
 * there is: before the first turn, after a caught panic, and for NULL.
 *
 * Thread: any, also with channel locks held. Takes no lock.
 *
 * Required:
 * `engine` is NULL or from `outdial_new` and not freed.
 */
uint64_t outdial_heartbeat_age_ms(const struct outdial_engine *engine);

/**
 * Says of which changes of state the host wants to be told from now on, by `notice`: OUTDIAL_WATCH_
 * or-ed, 0 for none, as at first. What is not watched costs nothing.
 *
 * Thread: any. Does not wait; also before `outdial_start`.
 * Returns OUTDIAL_OK; OUTDIAL_E_ARGUMENT for an unknown bit; OUTDIAL_E_ABI when the host has no
 * `notice`; OUTDIAL_E_POISONED. NULL: OUTDIAL_E_ARGUMENT.
 *
 * Required:
 * `engine` is NULL or from `outdial_new` and not freed.
 */
int32_t outdial_watch(const struct outdial_engine *engine, uint32_t what);

/**
 * Runs a console command: `line` has the words behind `outdial`, `show status` for example.
 * Output goes to `write`, line by line.
 *
 * Thread: any, without channel locks; `write` is called on the same thread, before the return.
 * Waits up to 2 s for the engine and up to 5 s for the sidecar.
 * Ownership: `line` and `data` stay the caller's.
 * Returns OUTDIAL_OK; OUTDIAL_E_ARGUMENT for words that are no command (the usage is written);
 * OUTDIAL_E_NOT_FOUND when the sidecar refused, a campaign that does not exist for example;
 * OUTDIAL_E_TIMEOUT; OUTDIAL_E_IO when the sidecar is needed and not connected;
 * OUTDIAL_E_STATE when the engine does not run; OUTDIAL_E_FULL; OUTDIAL_E_POISONED. Whatever it
 * is, it is said in words too. NULL for `engine`, `line` or `write`: OUTDIAL_E_ARGUMENT.
 *
 * Required:
 * `engine` is NULL or from `outdial_new` and not freed; `line` is NULL or ends in NUL; `write`
 * may be called with `data`.
 */
int32_t outdial_cli(const struct outdial_engine *engine,
                    const char *line,
                    outdial_write_fn write,
                    void *data);

/**
 * Completes a console command. `line` has the words behind `outdial` as far as typed; the last
 * one is completed, an empty one after a space. Candidate number `n`, from 0, is written to
 * `buf`.
 *
 * Thread: any, without channel locks; waits up to 2 s for the engine where names of campaigns
 * are asked for.
 * Ownership: `line` and `buf` stay the caller's; `buf` is written on success only.
 * Returns OUTDIAL_OK; OUTDIAL_E_NOT_FOUND when there is no such candidate. NULL for `engine`,
 * `line` or `buf`: OUTDIAL_E_ARGUMENT.
 *
 * Required:
 * `engine` is NULL or from `outdial_new` and not freed; `line` is NULL or ends in NUL; `buf` is
 * NULL or has room for `len` bytes.
 */
int32_t outdial_cli_complete(const struct outdial_engine *engine,
                             const char *line,
                             uint32_t n,
                             char *buf,
                             size_t len);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* OUTDIAL_H */
