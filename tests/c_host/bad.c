/* Versions, sizes and NULLs that must be refused. */
#include <stddef.h>
#include <string.h>

#include "main.h"

static void refused(struct outdial_host *host, const struct outdial_settings *with, int32_t code,
	const char *say, const char *also)
{
	struct outdial_engine *engine = (struct outdial_engine *) 1;
	char err[256] = "";

	CHECK(outdial_new(host, with, &engine, err, sizeof(err)) == code);
	CHECK(engine == (struct outdial_engine *) 1);
	if (!strstr(err, say) || !strstr(err, also)) {
		fprintf(stderr, "\"%s\" and \"%s\" are not both in: %s\n", say, also, err);
		exit(1);
	}
	/* A short buffer is not written beyond its end. */
	memset(err, 'x', sizeof(err));
	CHECK(outdial_new(host, with, &engine, err, 4) == code);
	CHECK(strlen(err) == 3 && err[4] == 'x');
	CHECK(outdial_new(host, with, &engine, NULL, 0) == code);
}

/* What the dialplan has done; there is no sidecar here. */
static void bad_requests(struct outdial_engine *engine)
{
	struct outdial_disposition small = { .struct_size = 8, .code = "sale" };
	struct outdial_disposition said = { .struct_size = sizeof(said) };
	struct outdial_inbound call = { .struct_size = sizeof(call) };
	struct outdial_inbound_leg leg = { .struct_size = sizeof(leg) };
	const char *names[65] = { NULL };
	char err[512] = "";

	CHECK(outdial_dispose(engine, OUTDIAL_OF_LEG, "other-1-1", NULL, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(strstr(err, "no disposition"));
	CHECK(outdial_dispose(engine, OUTDIAL_OF_LEG, "other-1-1", &small, err, sizeof(err)) == OUTDIAL_E_ABI);
	CHECK(outdial_dispose(engine, OUTDIAL_OF_LEG, "other-1-1", &said, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(strstr(err, "the code is missing"));
	said.code = "sale";
	CHECK(outdial_dispose(engine, OUTDIAL_OF_LEG, NULL, &said, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_dispose(engine, OUTDIAL_OF_LEG, "other-1-1", &said, err, sizeof(err)) == OUTDIAL_E_STATE);
	CHECK(outdial_dispose(engine, 9, "a", &said, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_dispose(engine, OUTDIAL_OF_AGENT, "a", &said, NULL, 0) == OUTDIAL_E_IO);
	CHECK(outdial_add(engine, "c", NULL, NULL, NULL, 0, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_add(engine, "c", "+1", NULL, NULL, 1, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_add(engine, "c", "+1", names, names, 65, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_add(engine, "c", "+1", names, names, 1, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(strstr(err, "column's name is missing"));
	CHECK(outdial_add(engine, "c", "+1", NULL, NULL, 0, err, sizeof(err)) == OUTDIAL_E_IO);
	CHECK(outdial_do_not_call(engine, NULL, NULL, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_do_not_call(engine, "1", "\xff", err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_do_not_call(engine, "1", NULL, err, sizeof(err)) == OUTDIAL_E_IO);
	CHECK(outdial_inbound(engine, NULL, &leg, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_inbound(engine, &call, NULL, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_inbound(engine, &call, &leg, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(strstr(err, "number") != NULL);
	call.number = "\xff";
	CHECK(outdial_inbound(engine, &call, &leg, NULL, 0) == OUTDIAL_E_ARGUMENT);
	call.number = "5511990000001";
	CHECK(outdial_inbound(engine, &call, &leg, err, sizeof(err)) == OUTDIAL_E_IO);
	CHECK(leg.attempt == 0 && leg.leg[0] == '\0');
	leg.struct_size = 8;
	CHECK(outdial_inbound(engine, &call, &leg, err, sizeof(err)) == OUTDIAL_E_ABI);
	leg.struct_size = sizeof(leg);
	call.struct_size = 8;
	CHECK(outdial_inbound(engine, &call, &leg, err, sizeof(err)) == OUTDIAL_E_ABI);
	CHECK(outdial_check_pin(engine, NULL, "4711", err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_check_pin(engine, "a", NULL, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_check_pin(engine, "a", "", err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_check_pin(engine, "a", "4711", err, sizeof(err)) == OUTDIAL_E_IO);
}

static void bad_queues(struct outdial_engine *engine)
{
	struct outdial_queue queue = { .struct_size = sizeof(queue), .known = 1 };

	CHECK(outdial_post_queue(NULL, &queue) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_post_queue(engine, NULL) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_post_queue(engine, &queue) == OUTDIAL_E_ARGUMENT);
	queue.queue = "";
	CHECK(outdial_post_queue(engine, &queue) == OUTDIAL_E_ARGUMENT);
	queue.queue = "\xff";
	CHECK(outdial_post_queue(engine, &queue) == OUTDIAL_E_ARGUMENT);
	queue.queue = "nobody asked for it";
	CHECK(outdial_post_queue(engine, &queue) == OUTDIAL_OK);
	queue.struct_size = 8;
	CHECK(outdial_post_queue(engine, &queue) == OUTDIAL_E_ABI);
}

void bad(void)
{
	struct pbx *pbx = pbx_new(1);
	struct outdial_host host = pbx_host(pbx);
	struct outdial_settings other = settings;
	struct { struct outdial_host host; char later[64]; } newer = { .host = host };
	struct outdial_event event = { .struct_size = sizeof(event), .kind = 9999, .id = "x" };
	struct outdial_stats stats = { .struct_size = 4 };
	struct outdial_engine *engine = NULL, *second = NULL;
	char err[512] = "", buf[32];

	host.abi_version = (OUTDIAL_ABI_MAJOR + 1) << 16;
	snprintf(buf, sizeof(buf), "speaks %d.%d", OUTDIAL_ABI_MAJOR, OUTDIAL_ABI_MINOR);
	refused(&host, &settings, OUTDIAL_E_ABI, "built for 2.0", buf);
	host = pbx_host(pbx);
	host.struct_size = offsetof(struct outdial_host, ring) - 8;
	snprintf(buf, sizeof(buf), "%zu bytes", offsetof(struct outdial_host, ring) - 8);
	refused(&host, &settings, OUTDIAL_E_ABI, buf, "needs 104");
	host = pbx_host(pbx);
	host.ring = NULL;
	refused(&host, &settings, OUTDIAL_E_ABI, "ring", "NULL");
	host = pbx_host(pbx);
	host.play = NULL;
	refused(&host, &settings, OUTDIAL_E_ABI, "play", "NULL");
	host = pbx_host(pbx);
	refused(NULL, &settings, OUTDIAL_E_ABI, "vtable", "NULL");
	refused(&host, NULL, OUTDIAL_E_ARGUMENT, "settings", "NULL");
	other.struct_size = 8;
	refused(&host, &other, OUTDIAL_E_ABI, "8 bytes", "needs");
	other = settings;
	other.node = "a-b";
	refused(&host, &other, OUTDIAL_E_ARGUMENT, "node", "allowed");
	other.node = NULL;
	refused(&host, &other, OUTDIAL_E_ARGUMENT, "node", "missing");
	other = settings;
	other.test_host = 2;
	refused(&host, &other, OUTDIAL_E_ARGUMENT, "test_host = 2", "0 or 1");
	other.struct_size = offsetof(struct outdial_settings, test_host) - 8;
	refused(&host, &other, OUTDIAL_E_ABI, "bytes", "needs");
	/* What stands behind the end of ABI 1.0's struct is not looked at. */
	other.struct_size = offsetof(struct outdial_settings, test_host);
	other.journal = "relative";
	refused(&host, &other, OUTDIAL_E_ARGUMENT, "journal", "begin with /");
	other = settings;
	other.journal = "relative";
	refused(&host, &other, OUTDIAL_E_ARGUMENT, "journal", "begin with /");
	other.journal = "/proc/none/journal";
	refused(&host, &other, OUTDIAL_E_IO, "/proc/none/journal", "");
	CHECK(outdial_new(&host, &settings, NULL, NULL, 0) == OUTDIAL_E_ARGUMENT);

	/* Hosts of earlier minor versions, which end before what was appended: accepted. */
	host = pbx_host(pbx);
	host.abi_version = OUTDIAL_ABI_MAJOR << 16;
	host.struct_size = offsetof(struct outdial_host, ring);
	CHECK(outdial_new(&host, &settings, &engine, err, sizeof(err)) == OUTDIAL_OK);
	outdial_free(engine);
	host.abi_version = OUTDIAL_ABI_MAJOR << 16 | 1;
	host.struct_size = offsetof(struct outdial_host, notice);
	CHECK(outdial_new(&host, &settings, &engine, err, sizeof(err)) == OUTDIAL_OK);
	CHECK(outdial_watch(engine, OUTDIAL_WATCH_CALLS) == OUTDIAL_E_ABI);
	CHECK(outdial_watch(engine, 0) == OUTDIAL_OK);
	outdial_free(engine);

	/* A host of a later minor version: accepted. */
	host = pbx_host(pbx);
	newer.host.abi_version = OUTDIAL_ABI_MAJOR << 16 | 7;
	newer.host.struct_size = sizeof(newer);
	CHECK(outdial_new(&newer.host, &settings, &engine, err, sizeof(err)) == OUTDIAL_OK);
	pbx_use(pbx, engine);
	CHECK(outdial_new(&host, &settings, &second, err, sizeof(err)) == OUTDIAL_E_IO);
	CHECK(strstr(err, "in use by process"));
	CHECK(outdial_post(engine, &event) == OUTDIAL_E_STATE);
	CHECK(outdial_drain(engine, 1) == OUTDIAL_E_STATE);
	CHECK(outdial_heartbeat_age_ms(engine) == UINT64_MAX);
	CHECK(outdial_start(engine) == OUTDIAL_OK);

	CHECK(outdial_post(engine, NULL) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_post(engine, &event) == OUTDIAL_E_ARGUMENT);
	event.struct_size = 8;
	CHECK(outdial_post(engine, &event) == OUTDIAL_E_ABI);
	CHECK(pbx_post(engine, OUTDIAL_EVENT_LEG_RINGING, "other-1-1", NULL) == OUTDIAL_E_NOT_FOUND);
	CHECK(pbx_post(engine, OUTDIAL_EVENT_LEG_ENDED, NULL, NULL) == OUTDIAL_E_ARGUMENT);
	CHECK(pbx_post(engine, OUTDIAL_EVENT_SESSION_GONE, "never", NULL) == OUTDIAL_E_NOT_FOUND);
	CHECK(pbx_post(engine, OUTDIAL_EVENT_LEG_MEMBER, "other-1-1", NULL) == OUTDIAL_E_NOT_FOUND);
	bad_queues(engine);
	CHECK(pbx_post(engine, OUTDIAL_EVENT_SESSION_ENTERED, "s", "") == OUTDIAL_E_ARGUMENT);
	CHECK(pbx_post(engine, OUTDIAL_EVENT_SESSION_ENTERED, "s", "\xff") == OUTDIAL_E_ARGUMENT);
	CHECK(stats_of(engine).stray >= 5);
	CHECK(outdial_stats(engine, NULL) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_stats(engine, &stats) == OUTDIAL_E_ABI);
	stats.struct_size = 8;
	stats.draining = 77;
	CHECK(outdial_stats(engine, &stats) == OUTDIAL_OK && stats.draining == 77);
	CHECK(outdial_cli(engine, NULL, NULL, NULL) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_agent(engine, NULL, OUTDIAL_AGENT_PAUSE, NULL, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(strstr(err, "agent's name"));
	CHECK(outdial_agent(engine, "a", 99, NULL, err, sizeof(err)) == OUTDIAL_E_ARGUMENT);
	CHECK(strstr(err, "no action 99"));
	CHECK(outdial_agent(engine, "a", OUTDIAL_AGENT_PAUSE, "\xff", NULL, 0) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_agent(engine, "a", OUTDIAL_AGENT_PAUSE, NULL, err, sizeof(err)) == OUTDIAL_E_NOT_FOUND);
	CHECK(strstr(err, "no agent of that name"));
	CHECK(outdial_field(engine, OUTDIAL_OF_CAMPAIGN, "none", "live", buf, sizeof(buf)) == OUTDIAL_E_NOT_FOUND);
	CHECK(outdial_field(engine, OUTDIAL_OF_CAMPAIGN, "none", "nonsense", buf, sizeof(buf)) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_field(engine, OUTDIAL_OF_LEG, "other-1-1", "lead", buf, sizeof(buf)) == OUTDIAL_E_NOT_FOUND);
	CHECK(outdial_field(engine, 9, "a", "state", buf, sizeof(buf)) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_field(engine, OUTDIAL_OF_AGENT, "a", "state", NULL, 0) == OUTDIAL_E_ARGUMENT);
	bad_requests(engine);
	CHECK(outdial_cli_complete(engine, "show s", 0, buf, sizeof(buf)) == OUTDIAL_OK);
	CHECK(!strcmp(buf, "status"));
	CHECK(outdial_cli_complete(engine, "show s", 1, buf, sizeof(buf)) == OUTDIAL_E_NOT_FOUND);
	CHECK(outdial_cli_complete(engine, "show s", 0, buf, 3) == OUTDIAL_E_NOT_FOUND);
	other = settings;
	other.node = "another";
	CHECK(outdial_reload(engine, &other, err, sizeof(err)) == OUTDIAL_E_STATE);
	CHECK(strstr(err, "new engine"));
	CHECK(outdial_reload(engine, &settings, err, sizeof(err)) == OUTDIAL_OK);

	CHECK(outdial_start(NULL) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_stop(NULL, 0) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_seal(NULL) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_drain(NULL, 0) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_watch(NULL, 0) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_watch(engine, 1 << 10) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_post(NULL, &event) == OUTDIAL_E_ARGUMENT);
	CHECK(outdial_heartbeat_age_ms(NULL) == UINT64_MAX);
	CHECK(outdial_abi_version() == (OUTDIAL_ABI_MAJOR << 16 | OUTDIAL_ABI_MINOR));
	CHECK(strlen(outdial_version()) > 0 && strlen(outdial_strerror(12345)) > 0);
	outdial_free(NULL);
	CHECK(outdial_seal(engine) == OUTDIAL_OK);
	CHECK(outdial_stop(engine, STOP_MS) == OUTDIAL_OK);
	outdial_free(engine);
	pbx_free(pbx);
}
