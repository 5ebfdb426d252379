/*
 * SPDX-License-Identifier: MIT
 *
 * Listens between the module and the engine, by the library's own names: the program comes before a
 * library in the search for a symbol. Keeps book of legs and sessions: each that was accepted has one end,
 * nothing is told of it afterwards, and what is told comes in an order that can be.
 */
#include <dlfcn.h>

#include "host.h"
#include "outdial.h"

#define BOOK 4096
/* Longest id, with its NUL. */
#define ID_LEN 160

enum { OF_LEG = 1, OF_SESSION };

/* Not under ThreadSanitizer: the book's lock would put threads in order that the module leaves without. */
#ifdef __SANITIZE_THREAD__
#define KEEPS_BOOK 0
#else
#define KEEPS_BOOK 1
#endif

struct line {
	char id[ID_LEN];
	int of;
	unsigned int answered:1;
	unsigned int ready:1;
	unsigned int waits:1;
};

static struct {
	pthread_mutex_t lock;
	struct line lines[BOOK];
	unsigned int count;
	atomic_uint legs;
	unsigned int ended;
	struct outdial_engine *engine;
	/* The module's own. */
	struct outdial_host host;
} book = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* The library's function of that name. */
static void *real(const char *name)
{
	void *library = dlopen("liboutdial.so." OUTDIAL_VERSION, RTLD_NOW | RTLD_NOLOAD);
	void *function = library ? dlsym(library, name) : NULL;

	if (!function) {
		BROKEN("%s is not in liboutdial.so." OUTDIAL_VERSION, name);
	}
	dlclose(library);
	return function;
}

static struct line *find(const char *id, int of)
{
	for (unsigned int i = 0; i < book.count; i++) {
		if (book.lines[i].of == of && !strcmp(book.lines[i].id, switch_str_nil(id))) {
			return &book.lines[i];
		}
	}
	return NULL;
}

static void begin(const char *id, int of)
{
	if (of == OF_LEG) {
		atomic_fetch_add_explicit(&book.legs, 1, memory_order_relaxed);
	}
	if (!KEEPS_BOOK) {
		return;
	}
	pthread_mutex_lock(&book.lock);
	if (find(id, of) || book.count == BOOK || strlen(id) >= sizeof(book.lines[0].id)) {
		BROKEN("%s begins again, or too many live", id);
	}
	memset(&book.lines[book.count], 0, sizeof(book.lines[0]));
	strcpy(book.lines[book.count].id, id);
	book.lines[book.count++].of = of;
	pthread_mutex_unlock(&book.lock);
}

/* With the lock held. */
static void strike(struct line *line)
{
	*line = book.lines[--book.count];
}

/* What was refused has never been. */
static void undo(const char *id, int of)
{
	struct line *line;

	if (of == OF_LEG) {
		atomic_fetch_sub_explicit(&book.legs, 1, memory_order_relaxed);
	}
	if (!KEEPS_BOOK) {
		return;
	}
	pthread_mutex_lock(&book.lock);
	line = find(id, of);
	if (!line) {
		BROKEN("%s was refused, and something was told of it", id);
	}
	strike(line);
	pthread_mutex_unlock(&book.lock);
}

/* One of a leg's; its line is there. */
static void enter_leg(struct line *line, const struct outdial_event *event)
{
	switch (event->kind) {
	case OUTDIAL_EVENT_LEG_ANSWERED:
		if (line->answered) {
			BROKEN("%s is answered again", event->id);
		}
		line->answered = 1;
		break;
	case OUTDIAL_EVENT_LEG_READY:
		if (!line->answered || line->ready) {
			BROKEN("%s is ready again, or was not answered", event->id);
		}
		line->ready = 1;
		break;
	case OUTDIAL_EVENT_LEG_BRIDGED:
		if (!find(event->other, OF_SESSION)) {
			BROKEN("%s is bridged with a session that is not", event->id);
		}
		find(event->other, OF_SESSION)->waits = 0;
		/* fall through */
	case OUTDIAL_EVENT_LEG_PLAYED:
	case OUTDIAL_EVENT_LEG_RELEASED:
	case OUTDIAL_EVENT_LEG_LEFT:
	case OUTDIAL_EVENT_LEG_MEMBER:
	case OUTDIAL_EVENT_LEG_UNQUEUED:
		if (!line->ready) {
			BROKEN("event %u of %s, which is not ready", event->kind, event->id);
		}
		break;
	case OUTDIAL_EVENT_LEG_ENDED:
		book.ended++;
		strike(line);
		break;
	}
}

/* One of a session's. */
static void enter_session(struct line *line, const struct outdial_event *event)
{
	if (event->kind == OUTDIAL_EVENT_SESSION_GONE) {
		strike(line);
		return;
	}
	if (line->waits) {
		BROKEN("%s waits, and is said to wait again", event->id);
	}
	line->waits = 1;
}

/* The agent's affair, and the customer may be gone. */
static void enter_failed(const struct outdial_event *event)
{
	struct line *line;

	pthread_mutex_lock(&book.lock);
	line = find(event->other, OF_SESSION);
	if (line) {
		line->waits = 0;
	}
	pthread_mutex_unlock(&book.lock);
}

static void enter(const struct outdial_event *event)
{
	int of = event->kind < OUTDIAL_EVENT_SESSION_ENTERED ? OF_LEG : OF_SESSION;
	struct line *line;

	if (!KEEPS_BOOK || event->kind == OUTDIAL_EVENT_PROBED) {
		return;
	}
	if (event->kind == OUTDIAL_EVENT_LEG_CONNECT_FAILED) {
		enter_failed(event);
		return;
	}
	if (event->kind == OUTDIAL_EVENT_SESSION_ENTERED) {
		begin(event->id, OF_SESSION);
		return;
	}
	pthread_mutex_lock(&book.lock);
	line = find(event->id, of);
	if (!line) {
		BROKEN("event %u of %s, which is not, or has ended", event->kind, switch_str_nil(event->id));
	}
	if (of == OF_LEG) {
		enter_leg(line, event);
	} else {
		enter_session(line, event);
	}
	pthread_mutex_unlock(&book.lock);
}

int32_t outdial_post(const struct outdial_engine *engine, const struct outdial_event *event)
{
	int32_t (*post)(const struct outdial_engine *, const struct outdial_event *) = real("outdial_post");
	int32_t res;

	enter(event);
	res = post(engine, event);
	if (event->kind == OUTDIAL_EVENT_SESSION_ENTERED && res != OUTDIAL_OK) {
		undo(event->id, OF_SESSION);
	}
	return res;
}

static int32_t originate(void *ctx, const struct outdial_originate *request)
{
	char id[sizeof(book.lines[0].id)];
	int32_t res;

	switch_copy_string(id, request->leg, sizeof(id));
	begin(id, OF_LEG);
	res = book.host.originate(ctx, request);
	if (res != OUTDIAL_OK) {
		undo(id, OF_LEG);
	}
	return res;
}

static int32_t ring(void *ctx, const struct outdial_ring *request)
{
	char id[sizeof(book.lines[0].id)];
	int32_t res;

	switch_copy_string(id, request->session, sizeof(id));
	begin(id, OF_SESSION);
	res = book.host.ring(ctx, request);
	if (res != OUTDIAL_OK) {
		undo(id, OF_SESSION);
	}
	return res;
}

int32_t outdial_new(const struct outdial_host *host, const struct outdial_settings *how, struct outdial_engine **engine,
	char *error, size_t size)
{
	int32_t (*new)(const struct outdial_host *, const struct outdial_settings *, struct outdial_engine **, char *, size_t)
		= real("outdial_new");
	struct outdial_host between = *host;
	int32_t res;

	book.host = *host;
	between.originate = originate;
	between.ring = host->ring ? ring : NULL;
	res = new(&between, how, engine, error, size);
	book.engine = res == OUTDIAL_OK ? *engine : NULL;
	return res;
}

void outdial_free(struct outdial_engine *engine)
{
	void (*end)(struct outdial_engine *) = real("outdial_free");

	pthread_mutex_lock(&book.lock);
	if (KEEPS_BOOK && (book.count || book.legs != book.ended)) {
		BROKEN("the engine goes while %s lives; %u legs, %u ends", book.count ? book.lines[0].id : "nothing",
			book.legs, book.ended);
	}
	book.engine = NULL;
	pthread_mutex_unlock(&book.lock);
	end(engine);
}

int abi_fault(unsigned int place)
{
	int32_t (*fault)(const struct outdial_engine *, uint32_t) = real("outdial_fault");

	return book.engine ? fault(book.engine, place) : -1;
}

unsigned int abi_legs(void)
{
	return atomic_load_explicit(&book.legs, memory_order_relaxed);
}
