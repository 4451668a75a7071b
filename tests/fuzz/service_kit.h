/* service_kit.h - a token service for fuzz targets: started once, over a store in memory and keys in a folder that goes with the process, at a noon that stays; no
 * cloud is trusted. */
#ifndef FUZZ_SERVICE_KIT_H
#define FUZZ_SERVICE_KIT_H

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "gateways/service_private.h"
#include "gateways/state.h"
#include "tests/fuzz/fuzz.h"

#define NOON 1772366400

static struct service *service;
static struct service_listener front;

static int64_t
kit_noon(void *ctx)
{
	(void)ctx;
	return NOON * INT64_C(1000);
}

static char kit_folder[] = "/tmp/fuzz-service-XXXXXX";

static void
kit_clean_up(void)
{
	char command[128];

	snprintf(command, sizeof command, "rm -rf %s", kit_folder);
	(void)!system(command);
}

static const char *
kit_file(struct arena *a, const char *name)
{
	return str_printf(a, "%s/%s", kit_folder, name).p;
}

/* The secret and both rings. */
static void
kit_keys(struct arena *a, struct config_service *c, struct error *err)
{
	const char *secret = kit_file(a, "secret"), *keys = kit_file(a, "keys");
	const char *documents = kit_file(a, "documents");
	struct str file;

	must(sts_secret_create(secret, (struct prove_random){ 0 }, err));
	must(token_ring_rotate(a, keys, KEY_P256, NOON, 0, true, &file, err));
	must(token_ring_rotate(
	    a, documents, KEY_ED25519, NOON, 0, true, &file, err));
	c->secret = str_of(secret);
	c->keys = str_of(keys);
	c->documents.keys = str_of(documents);
}

/* Into `service` and `front`; what it lends lives until the process ends. */
static void
kit_start(void)
{
	static const struct clock clock = { kit_noon, NULL, 0 };
	static struct gateways_state state;
	static struct config config;
	static struct arena *kept;
	struct error err = { 0 };

	json_setup();
	log_threshold(LOG_ERROR);
	kept = arena_new(0);
	must(kept && mkdtemp(kit_folder) && atexit(kit_clean_up) == 0);
	config.store = STR("sqlite::memory:");
	config.service = (struct config_service){ .is_given = true,
		.url = STR("https://sts.example"),
		.issuer = STR("acme"),
		.documents = { .lifetime_s = 3600, .lifetime_most_s = 86400 },
		.token_lifetime_s = 300 };
	kit_keys(kept, &config.service, &err);
	service = service_new(
	    &config, &clock, store_open(config.store, &err), &err);
	must(service != NULL && service_keys_open(service, &err));
	atomic_init(&state.refs, 1);
	state.config = &config;
	state.trust = attest_trust_new();
	must(state.trust != NULL);
	service->state = &state;
	front.service = service;
}

#endif
