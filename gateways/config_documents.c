/* config_documents.c - how the document service is told how long documents
 * live, which claims are delicate, and which a service needs. */
#include "attest/documents.h"
#include "base/limits.h"
#include "gateways/config_sections.h"

#define LEVEL_MOST 100u

static bool
is_claim(struct config_reader *r, const struct yaml *at, struct str name)
{
	if (documents_claim_is_known(name))
		return true;
	if (name.n > 0)
		error_hint(config_fail(r, ERR_CONFIG_VALUE, at->at,
			       "there is no claim `%.*s`", STR_ARG(name)),
		    "as documents have them: `imageId`, `os.version`, "
		    "`applications.NAME`, `custom.NAME`");
	return false;
}

static void
read_levels(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct config_documents *d = to;
	size_t n;
	struct config_level *all =
	    config_list(r, f, value, YAML_MAP, sizeof *all, &n);

	for (size_t i = 0; i < n; i++) {
		const struct yaml *name = &value->items[2 * i];
		struct str text = config_text(r, &value->items[2 * i + 1]);
		uint64_t level = 0;

		all[i].claim = config_text(r, name);
		(void)is_claim(r, name, all[i].claim);
		if (text.n && !str_to_u64(text, LEVEL_MOST, &level))
			config_fail(r, ERR_CONFIG_VALUE, name->at,
			    "expected a level of 0 to %u, found `%.*s`",
			    LEVEL_MOST, STR_ARG(text));
		all[i].level = (int64_t)level;
	}
	d->levels = all;
	d->n_levels = n;
}

/* ---- profiles: a list of claims, or a map of more -------------------------
 */

struct profile {
	struct config_strings claims;
	int is_unbound;
	int64_t lifetime_s; /* 0: not given */
};
static const struct config_choice bindings[] = { { "true", 0, false },
	{ "false", 1, false }, { NULL, 0, false } };
enum { P_CLAIMS, P_LIFETIME, P_BIND };
static const struct config_field profile_fields[] = {
	[P_CLAIMS] = CONFIG_FIELD(struct profile, claims, "claims",
	    config_read_strings, .is_required = true, .may_be_empty = true),
	[P_LIFETIME] = CONFIG_FIELD(
	    struct profile, lifetime_s, "lifetime", config_read_lease, 0),
	[P_BIND] = CONFIG_FIELD(struct profile, is_unbound, "bind",
	    config_read_choice, .choices = bindings),
};

/* What is bound to no key is a bearer secret: it is short-lived, and told of.
 */
static void
read_profile_map(struct config_reader *r, const struct yaml *value,
    struct config_profile *ret)
{
	struct profile p = { 0 };
	struct config_seen seen;

	if (!config_read_map(
		r, value, profile_fields, ARRAY_LEN(profile_fields), &p, &seen))
		return;
	ret->claims = p.claims;
	if (!p.is_unbound) {
		if (p.lifetime_s)
			config_fail(r, ERR_CONFIG_KEY, seen.at[P_LIFETIME],
			    "`lifetime` of a profile goes with `bind: false`");
		return;
	}
	ret->unbound_s =
	    p.lifetime_s ? p.lifetime_s : LIMIT_DOCUMENT_UNBOUND_USUAL_S;
	if (ret->unbound_s > LIMIT_DOCUMENT_UNBOUND_S)
		config_fail(r, ERR_CONFIG_VALUE, seen.at[P_LIFETIME],
		    "a document that is bound to no key lives at most %dm",
		    LIMIT_DOCUMENT_UNBOUND_S / 60);
	config_warn(r, seen.at[P_BIND],
	    "documents of the profile `%.*s` are bound to no key: whoever "
	    "reads one can show it, from its instance's address",
	    STR_ARG(ret->name));
}

static void
read_profiles(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	const struct config_field list = { .name = "profiles",
		.may_be_empty = true };
	struct config_documents *d = to;
	size_t n;
	struct config_profile *all =
	    config_list(r, f, value, YAML_MAP, sizeof *all, &n);

	for (size_t i = 0; i < n; i++) {
		const struct yaml *claims = &value->items[2 * i + 1];

		all[i].name = config_text(r, &value->items[2 * i]);
		if (claims->kind == YAML_MAP)
			read_profile_map(r, claims, &all[i]);
		else
			config_read_strings(r, &list, claims, &all[i].claims);
		for (size_t k = 0; k < all[i].claims.n; k++)
			(void)is_claim(r, claims, all[i].claims.items[k]);
	}
	d->profiles = all;
	d->n_profiles = n;
}

static void
read_life(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	int64_t s = 0;

	config_read_lease(r, f, value, &s);
	if (s > LIMIT_DOCUMENT_LIFE_S)
		config_fail(r, ERR_CONFIG_VALUE, value->at,
		    "a document lives at most %dh",
		    LIMIT_DOCUMENT_LIFE_S / 3600);
	memcpy(to, &s, sizeof s);
}

static const struct config_choice forms[] = { { "detached", ATTEST_DETACHED,
						  false },
	{ "embedded", ATTEST_EMBEDDED, false }, { "jws", ATTEST_JWS, false },
	{ "cms", ATTEST_CMS, false }, { NULL, 0, false } };

#define DOCUMENTS(member, key, reader)                                         \
	CONFIG_FIELD(struct config_documents, member, key, reader, 0)
static const struct config_field fields[] = {
	DOCUMENTS(lifetime_s, "lifetime", read_life),
	DOCUMENTS(lifetime_most_s, "maxLifetime", read_life),
	{ .name = "form",
	    .read = config_read_choice,
	    .offset = offsetof(struct config_documents, form),
	    .choices = forms },
	/* Two members each: the whole object. */
	{ .name = "levels", .read = read_levels },
	{ .name = "profiles", .read = read_profiles },
};

void
config_read_documents(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct config_documents *d = to;
	struct config_seen seen;

	(void)f;
	d->at = value->at;
	(void)config_read_map(r, value, fields, ARRAY_LEN(fields), d, &seen);
}

void
config_check_documents(struct config_reader *r, struct config_service *s)
{
	struct config_documents *d = &s->documents;

	if (d->at.line && d->keys.n == 0)
		config_fail(r, ERR_CONFIG_KEY, d->at,
		    "`documents` without `documentKeys`, which sign them");
	if (d->keys.n && str_eq(d->keys, s->keys))
		config_fail(r, ERR_CONFIG_VALUE, s->at,
		    "`documentKeys` and `keys` are one folder: a key has one "
		    "purpose");
	if (d->lifetime_s == CONFIG_LEASE_NOT_GIVEN)
		d->lifetime_s = d->lifetime_most_s && d->lifetime_most_s < 3600
				    ? d->lifetime_most_s
				    : 3600;
	if (d->lifetime_most_s == CONFIG_LEASE_NOT_GIVEN)
		d->lifetime_most_s = LIMIT_DOCUMENT_LIFE_S;
	if (d->lifetime_s > d->lifetime_most_s)
		config_fail(r, ERR_CONFIG_VALUE, d->at,
		    "`lifetime` is longer than `maxLifetime`");
}
