/* revoked.c - the list of what may no longer be believed.
 * Lines `document ID`, `instance PREFIXID`, `key THUMBPRINT` in, three sorted
 * lists out. A line that could never match anything is an error, not a comment:
 * who revokes must know that it took. Look-up: O(log n). */
#include "attest/revoked.h"

#include "attest/doc.h"
#include "attest/keys.h"

enum sort { SORT_DOCUMENT, SORT_INSTANCE, SORT_KEY, SORTS };

struct list {
	struct str *items;
	size_t n, cap;
};

struct attest_revoked {
	struct arena *arena; /* of everything below */
	struct list lists[SORTS];
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

static const struct {
	struct str word;
	bool (*is_valid)(struct str);
	const char *want;
} sorts[SORTS] = {
	[SORT_DOCUMENT] = { STR_INIT("document"), doc_id_is_valid,
	    "32 lower-case hex digits" },
	[SORT_INSTANCE] = { STR_INIT("instance"), is_principal,
	    "an instance id with its prefix" },
	[SORT_KEY] = { STR_INIT("key"), keys_thumbprint_is_valid,
	    "an RFC 7638 thumbprint (43 characters)" },
};

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

static void
add(struct attest_revoked *r, enum sort sort, struct str value,
    struct errors *reterr)
{
	struct list *l = &r->lists[sort];
	struct str copy = str_dup(r->arena, value);

	if (!copy.p || !ARENA_PUSH_ROOM(r->arena, l->items, l->n, l->cap))
		(void)errors_add(reterr, ERR_LIMIT_MEMORY, SPAN_NONE,
		    "memory ran out, or a limit on it was reached");
	else
		l->items[l->n++] = copy;
}

static void
parse_line(struct attest_revoked *r, struct span at, struct str line,
    struct errors *reterr)
{
	size_t end = str_find(line, '#', 0), pos = 0, sort = 0;
	struct str word, value, more;

	line = str_sub(line, 0, end);
	word = next_word(line, &pos);
	at.col = (uint32_t)(pos - word.n) + 1;
	at.len = (uint32_t)word.n;
	value = next_word(line, &pos);
	more = next_word(line, &pos);
	if (word.n == 0)
		return;
	while (sort < SORTS && !str_eq(sorts[sort].word, word))
		sort++;
	if (sort == SORTS)
		(void)errors_add(reterr, ERR_CONFIG_VALUE, at,
		    "expected `document ID`, `instance PREFIXID` or `key "
		    "THUMBPRINT`");
	else if (more.n > 0 || !sorts[sort].is_valid(value))
		(void)errors_add(reterr, ERR_CONFIG_VALUE, at,
		    "`%s` wants %s after it, and nothing more",
		    sorts[sort].word.p, sorts[sort].want);
	else
		add(r, (enum sort)sort, value, reterr);
}

static int
by_bytes(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

struct attest_revoked *
attest_revoked_parse(const char *file, struct str text, struct errors *reterr)
{
	struct arena *a = arena_new(0);
	struct attest_revoked *r =
	    a ? ARENA_NEW(a, struct attest_revoked) : NULL;
	struct span at = { .file = file };
	size_t errors_before = reterr->n + reterr->dropped;

	if (!r) {
		arena_free(a);
		(void)errors_add(
		    reterr, ERR_LIMIT_MEMORY, SPAN_NONE, "memory ran out");
		return NULL;
	}
	r->arena = a;
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
	for (size_t i = 0; i < SORTS; i++)
		if (r->lists[i].n)
			qsort(r->lists[i].items, r->lists[i].n,
			    sizeof *r->lists[i].items, by_bytes);
	return r;
}

void
attest_revoked_free(struct attest_revoked *r)
{
	if (r)
		arena_free(r->arena);
}

static bool
has(const struct attest_revoked *r, enum sort sort, struct str value)
{
	return r && r->lists[sort].n > 0 &&
	       bsearch(&value, r->lists[sort].items, r->lists[sort].n,
		   sizeof value, by_bytes) != NULL;
}

bool
revoked_has_document(const struct attest_revoked *r, struct str id)
{
	return has(r, SORT_DOCUMENT, id);
}

bool
revoked_has_key(const struct attest_revoked *r, struct str thumbprint)
{
	return has(r, SORT_KEY, thumbprint);
}

/* The two parts against a whole, without making the whole. */
static int
compare_parts(struct str whole, struct str prefix, struct str subject)
{
	int c = str_cmp(str_sub(whole, 0, prefix.n), prefix);

	return c ? c : str_cmp(str_sub(whole, prefix.n, whole.n), subject);
}

bool
revoked_has_instance(
    const struct attest_revoked *r, struct str prefix, struct str subject)
{
	const struct list *l = r ? &r->lists[SORT_INSTANCE] : NULL;
	size_t low = 0, high = l ? l->n : 0;

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
