/*
 * A PBX played in C: it answers the engine's calls and posts events from its own threads.
 * What a call does is decided by the last digit of the number:
 *   0 busy (486), 1 rings until it is hung up, 2 refused by the PBX at once,
 *   3 congestion (503), 4 ends without a word, else answered.
 * What an agent's phone does, by the last digit of its endpoint:
 *   0 busy, 1 rings until it is dismissed, 2 refused by the PBX at once, else answered.
 */
#ifndef PBX_H
#define PBX_H

#include <stdatomic.h>
#include <stdint.h>

#include "outdial.h"

#define PBX_LOG_BYTES 512

struct pbx;

/* What has happened so far. */
struct pbx_counts {
	atomic_uint originated;
	atomic_uint refused;
	atomic_uint answered;
	atomic_uint bridged;
	atomic_uint ended;
	atomic_uint dismissed;
	atomic_uint rung;
	atomic_uint faults;
	/* Changes of state that were told. */
	atomic_uint told_calls;
	atomic_uint told_agents;
	/* The engine has a campaign, and with it all of its configuration. */
	atomic_uint probed;
	/* The engine refused an event that it must take, or rang a phone that is in use. */
	atomic_uint broken;
};

struct pbx *pbx_new(unsigned int threads);
/* Ends the threads and frees; every call must be over. */
void pbx_free(struct pbx *pbx);
/* The vtable for outdial_new. */
struct outdial_host pbx_host(struct pbx *pbx);
/* From here on events go to this engine. */
void pbx_use(struct pbx *pbx, struct outdial_engine *engine);
struct pbx_counts *pbx_counts(struct pbx *pbx);
/* An agent enters and waits. */
int32_t pbx_agent(struct pbx *pbx, const char *session, const char *agent);
/* He hangs up; soon. */
void pbx_agent_leaves(struct pbx *pbx, const char *session);
/* Calls that are up or ringing. */
unsigned int pbx_live(struct pbx *pbx);
/* Hangs everything up, as a PBX does that shuts down. */
void pbx_hang_up_all(struct pbx *pbx);
/* The pump hangs inside the host while on. */
void pbx_stall(struct pbx *pbx, int on);
/* How long a bridged call lasts. */
void pbx_talk_ms(struct pbx *pbx, unsigned int ms);
/* Posts an event with nothing but an id. */
int32_t pbx_post(struct outdial_engine *engine, uint32_t kind, const char *id, const char *other);

#endif
