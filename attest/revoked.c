/* revoked.c - the lists of what may no longer be believed.
 * Lines `KIND ID` or rows of the store in, a sorted list a kind out. A line
 * that could never match anything is an error, not a comment: who revokes must
 * know that it took. A list may be two others together: the file's and the
 * store's.
 * Look-up: O(log n). */
#include "attest/revoked.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "attest/doc.h"
#include "attest/keys.h"
#include "base/limits.h"

struct list {
	struct str *items;
	size_t n, cap;
};

struct attest_revoked {
	atomic_uint refs;
	struct arena *arena;             /* of everything below */
	struct attest_revoked *parts[2]; /* revoked as well; NULL: none */
	int64_t floor_unix_s;
	struct list lists[ATTEST_LISTS];
};

static bool
is_principal(struct str s)
{
	size_t slash = s.n;

	while (slash > 0 && s.p[slash - 1] != '/')
		slash--;
	for (size_t i = 0; i < slash; i++)
		if ((unsigned char)s.p[i] <= ' ' ||
		    (unsigned char)s.p[i] >= 0x7f)
			return false;
	return attest_instance_id_is_valid(str_sub(s, slash, s.n));
}

/* A word as others make ids of: no spaces, nothing that is not seen. */
static bool
is_word(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' ||
		    (unsigned char)s.p[i] >= 0x7f || s.p[i] == '#')
			return false;
	return s.n > 0 && s.n <= LIMIT_REVOCABLE_ID;
}

static const struct {
	struct str word;
	bool (*is_valid)(struct str);
	const char *want;
} kinds[ATTEST_REVOCABLES] = {
	[ATTEST_DOCUMENT] = { STR_INIT("document"), doc_id_is_valid,
	    "32 lower-case hex digits" },
	[ATTEST_INSTANCE] = { STR_INIT("instance"), is_principal,
	    "an instance id with its prefix" },
	[ATTEST_KEY] = { STR_INIT("key"), keys_thumbprint_is_valid,
	    "an RFC 7638 thumbprint (43 characters)" },
	[ATTEST_CREDENTIAL] = { STR_INIT("credential"), is_word,
	    "the credential's id" },
	[ATTEST_TOKEN] = { STR_INIT("token"), is_word, "the token's `jti`" },
	[ATTEST_ACCOUNT] = { STR_INIT("account"), is_word,
	    "the account's name" },
};

struct str
attest_revocable_name(enum attest_revocable kind)
{
	return kinds[kind].word;
}

bool
attest_revocable_of(struct str name, enum attest_revocable *ret)
{
	for (size_t i = 0; i < ATTEST_REVOCABLES; i++)
		if (str_eq(kinds[i].word, name)) {
			*ret = (enum attest_revocable)i;
			return true;
		}
	return false;
}

bool
attest_revocable_check(enum attest_revocable kind, struct str id,
    struct span at, struct error *reterr)
{
	return kinds[kind].is_valid(id) ||
	       error_set(reterr, ERR_CONFIG_VALUE, at,
		   "`%s` wants %s after it, and nothing more",
		   kinds[kind].word.p, kinds[kind].want);
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of `line` from *at; empty at its end. */
static struct str
next_word(struct str line, size_t *at)
{
	size_t from;

	while (*at < line.n && is_space(line.p[*at]))
		++*at;
	from = *at;
	while (*at < line.n && !is_space(line.p[*at]))
		++*at;
	return str_sub(line, from, *at);
}

struct attest_revoked *
attest_revoked_new(int64_t floor_unix_s)
{
	struct arena *a = arena_new(0);
	struct attest_revoked *r =
	    a ? ARENA_NEW(a, struct attest_revoked) : NULL;

	if (!r) {
		arena_free(a);
		return NULL;
	}
	r->arena = a;
	atomic_init(&r->refs, 1);
	r->floor_unix_s = floor_unix_s;
	return r;
}

bool
attest_revoked_add(struct attest_revoked *r, enum attest_revocable kind,
    struct str id, struct error *reterr)
{
	struct list *l = &r->lists[kind];
	struct str copy = str_dup(r->arena, id);

	if (!copy.p || !ARENA_PUSH_ROOM(r->arena, l->items, l->n, l->cap))
		return error_nomem(reterr);
	l->items[l->n++] = copy;
	return true;
}

void
attest_revoked_ready(struct attest_revoked *r)
{
	for (size_t i = 0; i < ATTEST_LISTS; i++)
		if (r->lists[i].n)
			qsort(r->lists[i].items, r->lists[i].n,
			    sizeof *r->lists[i].items, str_compare);
}

struct attest_revoked *
attest_revoked_ref(struct attest_revoked *r)
{
	atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
	return r;
}

void
attest_revoked_free(struct attest_revoked *r)
{
	if (!r ||
	    atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
		return;
	attest_revoked_free(r->parts[0]);
	attest_revoked_free(r->parts[1]);
	arena_free(r->arena);
}

struct attest_revoked *
attest_revoked_join(struct attest_revoked *a, struct attest_revoked *b)
{
	struct attest_revoked *r = attest_revoked_new(0);

	if (r) {
		r->parts[0] = a ? attest_revoked_ref(a) : NULL;
		r->parts[1] = b ? attest_revoked_ref(b) : NULL;
	}
	return r;
}

static void
parse_line(struct attest_revoked *r, struct span at, struct str line,
    struct errors *reterr)
{
	size_t end = str_find(line, '#', 0), pos = 0;
	enum attest_revocable kind;
	struct str word, value, more;
	struct error err = { 0 };

	line = str_sub(line, 0, end);
	word = next_word(line, &pos);
	at.col = (uint32_t)(pos - word.n) + 1;
	at.len = (uint32_t)word.n;
	value = next_word(line, &pos);
	more = next_word(line, &pos);
	if (word.n == 0)
		return;
	if (!attest_revocable_of(word, &kind))
		(void)errors_add(reterr, ERR_CONFIG_VALUE, at,
		    "expected `document ID`, `instance PREFIXID`, `key "
		    "THUMBPRINT`, or an id after `credential`, `token` or "
		    "`account`");
	else if (!attest_revocable_check(
		     kind, more.n ? STR("") : value, at, &err) ||
		 !attest_revoked_add(r, kind, value, &err))
		(void)errors_take(reterr, &err);
}

struct attest_revoked *
attest_revoked_parse(const char *file, struct str text, struct errors *reterr)
{
	struct attest_revoked *r = attest_revoked_new(0);
	struct span at = { .file = file };
	size_t errors_before = reterr->n + reterr->dropped;

	if (!r) {
		(void)errors_add(
		    reterr, ERR_LIMIT_MEMORY, SPAN_NONE, "memory ran out");
		return NULL;
	}
	for (size_t from = 0; from < text.n;) {
		size_t end = str_find(text, '\n', from);

		at.line++;
		parse_line(r, at, str_sub(text, from, end), reterr);
		from = end + 1;
	}
	if (reterr->n + reterr->dropped != errors_before) {
		attest_revoked_free(r);
		return NULL;
	}
	attest_revoked_ready(r);
	return r;
}

bool
attest_revoked_has(
    const struct attest_revoked *r, enum attest_revocable kind, struct str id)
{
	const struct list *l = r ? &r->lists[kind] : NULL;

	if (!r)
		return false;
	return (l->n > 0 && bsearch(&id, l->items, l->n, sizeof id,
				str_compare) != NULL) ||
	       attest_revoked_has(r->parts[0], kind, id) ||
	       attest_revoked_has(r->parts[1], kind, id);
}

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t
attest_revoked_floor(const struct attest_revoked *r)
{
	if (!r)
		return 0;
	return later(r->floor_unix_s, later(attest_revoked_floor(r->parts[0]),
					  attest_revoked_floor(r->parts[1])));
}

size_t
attest_revoked_count(const struct attest_revoked *r)
{
	size_t n = 0;

	if (!r)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(r->lists); i++)
		n += r->lists[i].n;
	return n + attest_revoked_count(r->parts[0]) +
	       attest_revoked_count(r->parts[1]);
}

bool
revoked_is_before_floor(const struct attest_revoked *r, int64_t issued_at)
{
	return issued_at < attest_revoked_floor(r);
}

bool
revoked_has_document(const struct attest_revoked *r, struct str id)
{
	return attest_revoked_has(r, ATTEST_DOCUMENT, id);
}

bool
revoked_has_key(const struct attest_revoked *r, struct str thumbprint)
{
	return attest_revoked_has(r, ATTEST_KEY, thumbprint);
}

/* The two parts against a whole, without making the whole. */
static int
compare_parts(struct str whole, struct str prefix, struct str subject)
{
	int c = str_cmp(str_sub(whole, 0, prefix.n), prefix);

	return c ? c : str_cmp(str_sub(whole, prefix.n, whole.n), subject);
}

static bool
has_instance(const struct list *l, struct str prefix, struct str subject)
{
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = compare_parts(l->items[mid], prefix, subject);

		if (c == 0)
			return true;
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

bool
revoked_has_instance(
    const struct attest_revoked *r, struct str prefix, struct str subject)
{
	return r &&
	       (has_instance(&r->lists[ATTEST_INSTANCE], prefix, subject) ||
		   revoked_has_instance(r->parts[0], prefix, subject) ||
		   revoked_has_instance(r->parts[1], prefix, subject));
}
