/* trust.c - trust entries: read, checked against one another, and numbered.
 * Each entry is checked whole before it joins: an entry that fails leaves the
 * trust as it was. True of every trust: a key serves one entry, so one issuer
 * and one purpose; no two entries can name the same principal, because at most
 * one has no prefix, all others end in `/` (which no instance id has), and none
 * begins another; a cloud's entry names whose instances it means, unless its
 * maker waived that for a look at one document.
 * The version is SHA-256 over all that decides: kinds, issuers, prefixes, pins,
 * leases, and the keys' thumbprints, in order. */
#include "attest/trust.h"

#include <openssl/err.h>

#include "attest/jwk.h"
#include "attest/kind.h"
#include "attest/pki.h"
#include "attest/sig.h"
#include "attest/trust_kind.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/limits.h"

struct attest_trust {
	struct arena *arena; /* of everything below */
	struct trust_entry *entries;
	size_t n, cap;
	char version[65];
};

/* ---- keys -----------------------------------------------------------------
 */

static bool
is_all(struct str s, char from, char to)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < from || s.p[i] > to)
			return false;
	return s.n > 0;
}

/* As `us-gov-west-1`: words of letters, two at least, and a number. */
static bool
is_region(struct str s)
{
	size_t words = 0, at = 0, end;

	while ((end = str_find(s, '-', at)) < s.n) {
		if (!is_all(str_sub(s, at, end), 'a', 'z'))
			return false;
		words++;
		at = end + 1;
	}
	return words >= 2 && is_all(str_sub(s, at, s.n), '0', '9');
}

/* The region that a file of keys is named after, up to the first dot:
 * REGION.pem, REGION.rsa2048.pem; empty when it is named otherwise. */
static struct str
region_of_file(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct str name = str_of(slash ? slash + 1 : path);

	name = str_sub(name, 0, str_find(name, '.', 0));
	return is_region(name) ? name : STR("");
}

struct loading {
	struct attest_trust *trust;
	const struct trust_kind *kind;
	struct trust_entry *entry;
	struct span at;
	bool written_out; /* the keys are one file, named itself */
};

static bool
refuse(const struct loading *l, struct error *reterr, const char *why)
{
	return error_set(reterr, ERR_CONFIG_TRUST, l->at, "%s", why);
}

static struct trust_key *
find_key(const struct trust_entry *e, struct str thumbprint)
{
	for (size_t i = 0; i < e->n_keys; i++)
		if (str_eq(keys_thumbprint(&e->keys[i].public), thumbprint))
			return &e->keys[i];
	return NULL;
}

/* A key that several regions share speaks for each of them. */
static bool
add_region(const struct loading *l, struct trust_key *key, struct str region,
    struct error *reterr)
{
	struct trust_pins *pins = &key->regions;
	struct str *items;

	if (region.n == 0 || (pins->n > 0 && trust_pins_allow(pins, region)))
		return true;
	items = ARENA_ARRAY(l->trust->arena, pins->n + 1, struct str);
	if (!items)
		return error_nomem(reterr);
	for (size_t i = 0; i < pins->n; i++)
		items[i] = pins->items[i];
	items[pins->n] = str_dup(l->trust->arena, region);
	if (!items[pins->n].p)
		return error_nomem(reterr);
	*pins = (struct trust_pins){ items, pins->n + 1 };
	return true;
}

/* Takes the key in any case; one that is there already only adds its region. */
static bool
add_key(const struct loading *l, struct keys_public *public, const char *file,
    struct error *reterr)
{
	struct trust_entry *e = l->entry;
	struct trust_key *key = find_key(e, keys_thumbprint(public));

	if (key) {
		keys_public_fini(public);
	} else if (ARENA_PUSH_ROOM(
		       l->trust->arena, e->keys, e->n_keys, e->cap_keys)) {
		key = &e->keys[e->n_keys++];
		*key = (struct trust_key){ .public = *public,
			.valid_from = INT64_MIN,
			.valid_until = INT64_MAX };
		sig_prepare(l->trust->arena, &key->public);
	} else {
		keys_public_fini(public);
		return error_nomem(reterr);
	}
	return !l->kind->has_region ||
	       add_region(l, key, region_of_file(file), reterr);
}

/* All keys of one file; those that the kind does not use are let go, but not
 * when the operator named this very file. */
static bool
add_keys(const struct loading *l, struct keys_public *keys, size_t n,
    const char *file, struct error *reterr)
{
	bool ok = true;

	for (size_t i = 0; i < n; i++) {
		if (ok && l->kind->fits(keys[i].algorithm, l->written_out)) {
			ok = add_key(l, &keys[i], file, reterr);
			continue;
		}
		if (ok && l->written_out)
			ok = error_set(reterr, ERR_KEY_FORM,
			    (struct span){ .file = file },
			    "`%s` holds a key that is not %s", file,
			    l->kind->keys);
		keys_public_fini(&keys[i]);
	}
	return ok;
}

static bool
read_file(const struct loading *l, const char *file, struct error *reterr)
{
	struct arena *a = arena_new(0);
	struct keys_public *keys;
	struct str text;
	size_t n;
	bool ok = a != NULL || error_nomem(reterr);

	ok = ok && file_read(a, file, LIMIT_KEY_FILE_BYTES, &text, reterr) &&
	     (l->kind->has_key_sets
		     ? jwk_read_file(a, file, text, &keys, &n, reterr)
		     : keys_public_read(a, file, text, &keys, &n, reterr)) &&
	     add_keys(l, keys, n, file, reterr) &&
	     (!l->kind->is_chain ||
		 chain_add(&l->entry->chain, file, text, reterr));
	arena_free(a);
	return ok;
}

/* ---- keys by certificates -------------------------------------------------
 */

static bool
read_certificates(const struct loading *l, struct pki *p, const char *path,
    bool is_anchor, struct error *reterr)
{
	const char *const *files;
	struct arena *a = arena_new(0);
	struct str text;
	size_t n = 0;
	bool ok = a ? file_list(l->trust->arena, path, trust_pem_suffixes,
			  &files, &n, reterr)
		    : error_nomem(reterr);

	for (size_t i = 0; ok && i < n; i++)
		ok = file_read(
			 a, files[i], LIMIT_KEY_FILE_BYTES, &text, reterr) &&
		     pki_add(p, files[i], text, is_anchor, reterr);
	arena_free(a);
	return ok;
}

/* Takes the keys in any case. Two certificates of one key: the time is both's.
 */
static bool
add_signers(const struct loading *l, struct pki_key *keys, size_t n,
    struct error *reterr)
{
	bool ok = true;

	for (size_t i = 0; i < n; i++) {
		struct trust_key *key;
		char id[KEYS_THUMBPRINT + 1];

		memcpy(id, keys[i].public.thumbprint, sizeof id);
		if (!ok) {
			keys_public_fini(&keys[i].public);
			continue;
		}
		ok = add_key(l, &keys[i].public, "", reterr);
		key = ok ? find_key(l->entry, str_of(id)) : NULL;
		if (key && key->valid_from < keys[i].valid_from)
			key->valid_from = keys[i].valid_from;
		if (key && key->valid_until > keys[i].valid_until)
			key->valid_until = keys[i].valid_until;
	}
	return ok;
}

static bool
read_signers(const struct loading *l, const struct attest_trust_entry *entry,
    struct error *reterr)
{
	struct pki *p = pki_new();
	struct pki_key *keys = NULL;
	size_t n = 0;
	bool ok;

	ok = p ? read_certificates(l, p, entry->keys, true, reterr) &&
		     read_certificates(
			 l, p, entry->certificates, false, reterr) &&
		     pki_keys(p, l->trust->arena, entry->signers,
			 entry->n_signers, &keys, &n, reterr)
	       : error_nomem(reterr);
	pki_free(p);
	/* Certificates have no lines; the entry has. */
	if (!ok && reterr && !reterr->at.file)
		reterr->at = l->at;
	return ok && add_signers(l, keys, n, reterr);
}

static bool
check_any(const struct loading *l, const char *path, struct error *reterr)
{
	return l->entry->n_keys > 0 ||
	       error_set(reterr, ERR_CONFIG_TRUST, l->at,
		   "no key for kind `%s` in `%s`, which wants %s",
		   l->kind->name.p, path, l->kind->keys);
}

static bool
read_key_set(const struct loading *l, const struct attest_trust_entry *entry,
    struct error *reterr)
{
	struct arena *a = arena_new(0);
	struct keys_public *keys;
	size_t n;
	bool ok = a != NULL || error_nomem(reterr);

	ok = ok &&
	     jwk_read_set(a, entry->keys, entry->key_set, &keys, &n, reterr) &&
	     add_keys(l, keys, n, entry->keys, reterr) &&
	     check_any(l, entry->keys, reterr);
	arena_free(a);
	return ok;
}

static bool
read_keys(struct loading *l, const char *path, struct error *reterr)
{
	const char *const *files;
	size_t n;

	/* File names stay: errors and their places borrow them. */
	if (!file_list(
		l->trust->arena, path, l->kind->suffixes, &files, &n, reterr))
		return false;
	l->written_out = n == 1 && strcmp(files[0], path) == 0;
	for (size_t i = 0; i < n; i++)
		if (!read_file(l, files[i], reterr))
			return false;
	return check_any(l, path, reterr);
}

static bool
read_all(struct loading *l, const struct attest_trust_entry *entry,
    struct error *reterr)
{
	if (entry->n_signers > 0)
		return read_signers(l, entry, reterr);
	return entry->key_set.n > 0 ? read_key_set(l, entry, reterr)
				    : read_keys(l, entry->keys, reterr);
}

/* ---- the entry, copied ------------------------------------------------------
 */

static bool
copy(const struct loading *l, struct str s, struct str *ret,
    struct error *reterr)
{
	*ret = str_dup(l->trust->arena, s);
	return ret->p || error_nomem(reterr);
}

static bool
copy_pins(const struct loading *l, const struct str *pins, size_t n,
    struct trust_pins *ret, struct error *reterr)
{
	struct str *items = ARENA_ARRAY(l->trust->arena, n, struct str);

	if (!items)
		return error_nomem(reterr);
	for (size_t i = 0; i < n; i++)
		if (!copy(l, pins[i], &items[i], reterr))
			return false;
	*ret = (struct trust_pins){ items, n };
	return true;
}

static bool
copy_entry(const struct loading *l, const struct attest_trust_entry *entry,
    struct error *reterr)
{
	struct trust_entry *e = l->entry;

	e->kind = l->kind->name;
	e->max_lease_s = entry->max_lease_s;
	e->fresh_until_s = entry->fresh_until_s;
	e->forms = entry->forms ? entry->forms : 1u << ATTEST_DETACHED;
	e->is_current = str_eq(e->kind, STR(KIND_AVOW)) && entry->is_current;
	/* A token always is for one. */
	e->audience_required = str_eq(e->kind, STR(KIND_TOKEN)) ||
			       str_eq(e->kind, STR(KIND_GCP)) ||
			       (!l->kind->is_cloud && entry->audience_required);
	return copy(l, l->kind->is_cloud ? l->kind->issuer : entry->issuer,
		   &e->issuer, reterr) &&
	       copy(l, entry->prefix, &e->prefix, reterr) &&
	       copy(l, entry->trust_domain, &e->trust_domain, reterr) &&
	       copy_pins(
		   l, entry->owners, entry->n_owners, &e->owners, reterr) &&
	       copy_pins(
		   l, entry->regions, entry->n_regions, &e->regions, reterr) &&
	       copy_pins(l, entry->images, entry->n_images, &e->images, reterr);
}

/* ---- the entry beside the others ------------------------------------------
 */

static bool
check_prefixes(const struct loading *l, const struct trust_entry *other,
    struct error *reterr)
{
	struct str a = l->entry->prefix, b = other->prefix;

	if (a.n == 0 && b.n == 0)
		return refuse(l, reterr,
		    "two trust entries without a prefix would speak for the "
		    "same instances");
	if (a.n > 0 && b.n > 0 &&
	    (str_has_prefix(a, b) || str_has_prefix(b, a)))
		return error_set(reterr, ERR_CONFIG_TRUST, l->at,
		    "prefix `%.*s` overlaps `%.*s` of another trust entry",
		    STR_ARG(a), STR_ARG(b));
	return true;
}

/* As with prefixes: one SPIFFE id, one principal. */
static bool
check_domains(const struct loading *l, const struct trust_entry *other,
    struct error *reterr)
{
	return l->entry->trust_domain.n == 0 ||
	       !str_eq(l->entry->trust_domain, other->trust_domain) ||
	       refuse(l, reterr,
		   "two trust entries of one trust domain would speak for the "
		   "same SPIFFE ids");
}

static bool
check_keys(const struct loading *l, const struct trust_entry *other,
    struct error *reterr)
{
	for (size_t i = 0; i < l->entry->n_keys; i++) {
		struct str id = keys_thumbprint(&l->entry->keys[i].public);

		if (find_key(other, id))
			return error_set(reterr, ERR_CONFIG_TRUST, l->at,
			    "key `%.*s` serves another trust entry already",
			    STR_ARG(id));
	}
	return true;
}

static bool
check_others(const struct loading *l, struct error *reterr)
{
	size_t keys = l->entry->n_keys;

	for (size_t i = 0; i < l->trust->n; i++) {
		const struct trust_entry *other = &l->trust->entries[i];

		if (!check_prefixes(l, other, reterr) ||
		    !check_domains(l, other, reterr) ||
		    !check_keys(l, other, reterr))
			return false;
		if (str_eq(other->kind, l->entry->kind))
			keys += other->n_keys;
	}
	if (keys > l->kind->limit_keys)
		return error_set(reterr, ERR_LIMIT_COUNT, l->at,
		    "%zu keys for kind `%s`, the limit is %zu", keys,
		    l->kind->name.p, l->kind->limit_keys);
	return true;
}

/* ---- the version ----------------------------------------------------------
 */

static void
frame(struct buf *b, struct str s)
{
	buf_printf(b, "%zu:", s.n);
	buf_add(b, s);
}

static void
frame_pins(struct buf *b, const struct trust_pins *pins)
{
	buf_printf(b, "%zu[", pins->n);
	for (size_t i = 0; i < pins->n; i++)
		frame(b, pins->items[i]);
}

static void
frame_entry(struct buf *b, const struct trust_entry *e)
{
	frame(b, e->kind);
	frame(b, e->issuer);
	frame(b, e->prefix);
	frame(b, e->trust_domain);
	frame_pins(b, &e->owners);
	frame_pins(b, &e->regions);
	frame_pins(b, &e->images);
	buf_printf(b, "%lld,%d,%d,%u,%zu[", (long long)e->max_lease_s,
	    e->audience_required, e->is_current, e->forms, e->n_keys);
	for (size_t i = 0; i < e->n_keys; i++) {
		frame(b, keys_thumbprint(&e->keys[i].public));
		frame_pins(b, &e->keys[i].regions);
		buf_printf(b, "%lld-%lld,", (long long)e->keys[i].valid_from,
		    (long long)e->keys[i].valid_until);
	}
}

static bool
set_version(struct attest_trust *t, struct error *reterr)
{
	struct buf b = { 0 };
	struct str text;
	uint8_t digest[32];
	bool ok;

	for (size_t i = 0; i < t->n; i++)
		frame_entry(&b, &t->entries[i]);
	text = buf_str(&b);
	ok = buf_ok(&b) && digest_sha256(&text, 1, digest);
	if (ok)
		digest_hex(digest, sizeof digest, t->version);
	buf_free(&b);
	return ok || error_nomem(reterr);
}

/* ---- the door -------------------------------------------------------------
 */

struct attest_trust *
attest_trust_new(void)
{
	struct arena *a = arena_new(0);
	struct attest_trust *t = a ? ARENA_NEW(a, struct attest_trust) : NULL;

	if (!t) {
		arena_free(a);
		return NULL;
	}
	t->arena = a;
	if (set_version(t, NULL))
		return t;
	arena_free(a);
	return NULL;
}

static void
free_keys(struct trust_entry *e)
{
	chain_free(e->chain);
	e->chain = NULL;
	for (size_t i = 0; i < e->n_keys; i++)
		keys_public_fini(&e->keys[i].public);
	e->n_keys = 0;
}

void
attest_trust_free(struct attest_trust *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		free_keys(&t->entries[i]);
	arena_free(t->arena);
}

static bool
join(struct attest_trust *t, const struct trust_entry *e, struct error *reterr)
{
	if (!ARENA_PUSH_ROOM(t->arena, t->entries, t->n, t->cap))
		return error_nomem(reterr);
	t->entries[t->n++] = *e;
	if (set_version(t, reterr))
		return true;
	t->n--;
	return false;
}

bool
attest_trust_add(struct attest_trust *t, const struct attest_trust_entry *entry,
    struct error *reterr)
{
	struct trust_entry e = { 0 };
	struct loading l = { .trust = t,
		.kind = trust_kind_of(entry->kind),
		.entry = &e,
		.at = entry->at };
	bool ok;

	if (!l.kind)
		return refuse(&l, reterr,
		    "kind is `avow`, `token`, `ec2-signature`, `ec2-rsa2048`, "
		    "`ec2-pkcs7`, `azure` or `gcp`; others are not supported "
		    "yet");
	ok = trust_check_entry(l.kind, entry, reterr) &&
	     copy_entry(&l, entry, reterr) && read_all(&l, entry, reterr) &&
	     check_others(&l, reterr) && join(t, &e, reterr);
	if (!ok)
		free_keys(&e);
	ERR_clear_error();
	return ok;
}

struct str
attest_trust_version(const struct attest_trust *t)
{
	return str_of(t->version);
}

bool
attest_trust_has_kind(const struct attest_trust *t, struct str kind)
{
	for (size_t i = 0; i < t->n; i++)
		if (str_eq(t->entries[i].kind, kind))
			return true;
	return false;
}

size_t
trust_count(const struct attest_trust *t)
{
	return t->n;
}

const struct trust_entry *
trust_at(const struct attest_trust *t, size_t i)
{
	return &t->entries[i];
}

bool
trust_pins_allow(const struct trust_pins *pins, struct str value)
{
	for (size_t i = 0; i < pins->n; i++)
		if (str_eq(pins->items[i], value))
			return true;
	return pins->n == 0;
}
