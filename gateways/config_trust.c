/* config_trust.c - whose documents and tokens are believed: the section
 * `trust:`, entry by entry, then what must hold between them. */
#include "gateways/config_sections.h"

#include "attest/attest.h"
#include "gateways/key_sets.h"

static const struct config_choice audience_choices[] = {
	{ "required", 0, false }, { "optional", 1, false }, { 0 }
};

/* To a bool, which is no int: is it the second of two choices? */
static void
read_second(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	bool *is_second = to;
	int choice = 0;

	config_read_choice(r, f, value, &choice);
	*is_second = choice == 1;
}

static const struct config_choice trust_kinds[] = { { "avow", 0, false },
	{ "token", 6, false }, { "ec2-signature", 1, false },
	{ "ec2-rsa2048", 2, false }, { "ec2-pkcs7", 3, false },
	{ "azure", 4, false }, { "gcp", 5, false }, { 0 } };
static const struct config_choice purposes[] = { { "document", 0, false },
	{ "token", 1, false }, { "policy", 2, true }, { "report", 3, true },
	{ 0 } };

/* In which forms documents of our own are taken. */
static void
read_forms(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	unsigned *forms = to;
	enum attest_form form;
	size_t n;
	struct str *items =
	    config_list(r, f, value, YAML_LIST, sizeof *items, &n);

	for (size_t i = 0; i < n; i++) {
		items[i] = config_text(r, &value->items[i]);
		if (attest_form_of(items[i], &form))
			*forms |= 1u << form;
		else
			config_fail(r, ERR_CONFIG_VALUE, value->items[i].at,
			    "a form is `detached`, `embedded`, `jws` or `cms`, "
			    "found `%.*s`",
			    STR_ARG(items[i]));
	}
}

static const struct config_choice current_choices[] = { { "service", 1, false },
	{ 0 } };
static const struct config_choice weak_choices[] = { { "false", 0, false },
	{ "true", 1, false }, { 0 } };

static const struct config_choice address_choices[] = {
	{ "attested", 0, false }, { "any", 1, false }, { 0 }
};

#define ENROL(member, key, reader, ...)                                        \
	CONFIG_FIELD(struct config_trust, member, key, reader, __VA_ARGS__)
static const struct config_field enrol_fields[] = {
	ENROL(enrol_controller, "controller", config_read_text,
	    .is_required = true),
	ENROL(enrol_any_address, "address", read_second,
	    .choices = address_choices),
};

static void
read_enrol(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct config_seen seen;

	(void)f;
	(void)config_read_map(
	    r, value, enrol_fields, ARRAY_LEN(enrol_fields), to, &seen);
}

#define TRUST(member, key, reader, ...)                                        \
	CONFIG_FIELD(struct config_trust, member, key, reader, __VA_ARGS__)
enum {
	T_KIND,
	T_ISSUER,
	T_PREFIX,
	T_LEASE,
	T_PURPOSE,
	T_WEAK,
	T_FORMS,
	T_CURRENT,
	T_CA
};
static const struct config_field trust_fields[] = {
	[T_KIND] = TRUST(kind, "kind", config_read_kind, .is_required = true,
	    .choices = trust_kinds),
	[T_ISSUER] = TRUST(issuer, "issuer", config_read_text, 0),
	[T_PREFIX] = TRUST(prefix, "prefix", config_read_text, 0),
	[T_LEASE] = TRUST(max_lease_s, "maxLease", config_read_lease, 0),
	[T_PURPOSE] =
	    TRUST(purpose, "purpose", config_read_choice, .choices = purposes),
	[T_WEAK] = TRUST(is_weak, "weak", read_second, .choices = weak_choices),
	[T_FORMS] = TRUST(forms, "forms", read_forms, 0),
	[T_CURRENT] = TRUST(
	    is_current, "current", read_second, .choices = current_choices),
	[T_CA] = TRUST(ca, "ca", config_read_text, 0),
	TRUST(keys, "keys", config_read_text, .is_required = true),
	TRUST(certificates, "certificates", config_read_text, 0),
	TRUST(signers, "signers", config_read_strings, 0),
	TRUST(owners, "owners", config_read_strings, 0),
	TRUST(regions, "regions", config_read_strings, 0),
	TRUST(images, "images", config_read_strings, 0),
	TRUST(audience_optional, "audience", read_second,
	    .choices = audience_choices),
	TRUST(trust_domain, "trustDomain", config_read_text, 0),
	{ .name = "enrol", .read = read_enrol },
	{ .name = "instances" }, /* of a later version */
};

static void
check_keys(struct config_reader *r, const struct config_trust *t,
    const struct config_seen *seen)
{
	bool is_set =
	    str_eq(t->kind, STR("token")) || str_eq(t->kind, STR("gcp"));
	bool is_url = key_sets_is_url(t->keys);

	if (!is_url && t->keys.n > 0 && memmem(t->keys.p, t->keys.n, "://", 3))
		config_fail(r, ERR_CONFIG_VALUE, t->at,
		    "keys are a file, a folder, or "
		    "`https://HOST[:PORT]/PATH`, found `%.*s`",
		    STR_ARG(t->keys));
	if (is_url && !is_set)
		config_fail(r, ERR_CONFIG_VALUE, t->at,
		    "keys by URL are for kinds `token` and `gcp`");
	if (seen->at[T_CA].line && !is_url)
		config_fail(r, ERR_CONFIG_VALUE, seen->at[T_CA],
		    "`ca` is for keys that are asked for by URL");
}

static void
check_trust_entry(struct config_reader *r, const struct config_trust *t,
    const struct config_seen *seen)
{
	bool is_token = str_eq(t->kind, STR("token"));
	bool is_avow = is_token || str_eq(t->kind, STR("avow"));

	if (t->kind.n == 0)
		return;
	check_keys(r, t, seen);
	if (is_avow && t->issuer.n == 0)
		config_fail(r, ERR_CONFIG_KEY, t->at,
		    "trust of kind `%.*s` needs `issuer`", STR_ARG(t->kind));
	if (seen->at[T_PURPOSE].line && is_token != (t->purpose == 1))
		config_fail(r, ERR_CONFIG_VALUE, seen->at[T_PURPOSE],
		    "keys of kind `%.*s` have purpose `%s`, and no other",
		    STR_ARG(t->kind), is_token ? "token" : "document");
	if (seen->at[T_FORMS].line && !str_eq(t->kind, STR("avow")))
		config_fail(r, ERR_CONFIG_VALUE, seen->at[T_FORMS],
		    "only documents of kind `avow` have `forms`");
	if ((is_token || str_eq(t->kind, STR("gcp"))) && t->audience_optional)
		config_fail(r, ERR_CONFIG_VALUE, t->at,
		    "a token always is for one audience");
	if (!is_avow && t->owners.n == 0)
		error_hint(config_fail(r, ERR_CONFIG_TRUST, t->at,
			       "trust of kind `%.*s` needs `owners`",
			       STR_ARG(t->kind)),
		    "a genuine signature only says that it is some customer's");
	if (!is_avow && !str_eq(t->kind, STR("azure")) &&
	    !str_eq(t->kind, STR("gcp")) &&
	    t->max_lease_s == CONFIG_LEASE_NOT_GIVEN)
		error_hint(config_fail(r, ERR_CONFIG_TRUST, t->at,
			       "trust of kind `%.*s` needs `maxLease`",
			       STR_ARG(t->kind)),
		    "its documents never expire; write `none` if that is "
		    "meant");
	if (t->is_current && (is_token || !is_avow))
		config_fail(r, ERR_CONFIG_VALUE, seen->at[T_CURRENT],
		    "`current` is for kind `avow`, whose documents the "
		    "document service supersedes");
	if (t->is_weak && !str_eq(t->kind, STR("ec2-pkcs7")))
		config_fail(r, ERR_CONFIG_TRUST, seen->at[T_WEAK],
		    "only `ec2-pkcs7` can be weak");
	if (t->prefix.n && t->prefix.p[t->prefix.n - 1] != '/')
		config_fail(r, ERR_CONFIG_TRUST, seen->at[T_PREFIX],
		    "a prefix ends in `/`, found `%.*s`", STR_ARG(t->prefix));
}

/* No two entries speak for the same principal. */
static void
check_prefixes(
    struct config_reader *r, const struct config_trust *all, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t k = 0; k < i; k++) {
			struct str a = all[k].prefix, b = all[i].prefix;
			bool both = a.n > 0 && b.n > 0;

			if (a.n + b.n == 0)
				config_fail(r, ERR_CONFIG_TRUST, all[i].at,
				    "this entry and that of line %u both have "
				    "no prefix; one at most may",
				    all[k].at.line);
			if (both &&
			    (str_has_prefix(a, b) || str_has_prefix(b, a)))
				config_fail(r, ERR_CONFIG_TRUST, all[i].at,
				    "prefix `%.*s` and that of line %u, "
				    "`%.*s`: one begins the other",
				    STR_ARG(b), all[k].at.line, STR_ARG(a));
		}
}

void
config_read_trust(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct config *c = to;
	struct config_seen seen;
	size_t n;
	struct config_trust *all =
	    config_list(r, f, value, YAML_LIST, sizeof *all, &n);

	for (size_t i = 0; i < n; i++) {
		all[i].at = value->items[i].at;
		if (config_read_map(r, &value->items[i], trust_fields,
			ARRAY_LEN(trust_fields), &all[i], &seen))
			check_trust_entry(r, &all[i], &seen);
	}
	check_prefixes(r, all, n);
	c->trust = all;
	c->n_trust = n;
}

/* The token service trusts clouds, and to enrol; gates enrol nobody. */
void
config_check_enrol(struct config_reader *r, const struct config *c)
{
	for (size_t i = 0; i < c->n_trust; i++) {
		const struct config_trust *t = &c->trust[i];
		bool is_cloud = !str_eq(t->kind, STR("avow")) &&
				!str_eq(t->kind, STR("token"));

		if (c->service.is_given && t->kind.n > 0 &&
		    (!is_cloud || t->enrol_controller.n == 0))
			config_fail(r, ERR_CONFIG_TRUST, t->at,
			    "the token service trusts clouds alone, to enrol: "
			    "expected a cloud's kind and `enrol: {controller: "
			    "NAME}`");
		if (!c->service.is_given && t->enrol_controller.n > 0)
			config_fail(r, ERR_CONFIG_TRUST, t->at,
			    "`enrol` belongs to the token service");
	}
}
