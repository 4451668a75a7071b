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
