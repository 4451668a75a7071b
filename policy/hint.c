/* hint.c - near words by Damerau and Levenshtein's distance, over short words;
 * and tables of what people write who come from other languages. */
#include "policy/hint.h"

#include <stdio.h>

#define LONGEST 64u
#define SHOWN 40u

static const char *const functions[] = {
#define EXT_FUNCTION(name, text, arity) text,
#include "policy/ops.def"
	NULL
};
static const char *const methods_known[] = {
#define METHOD(name, text, arity) text,
#define EXT_METHOD(name, text, arity) text,
#include "policy/ops.def"
	NULL
};

const char *
hint_found(struct str text, struct token t, char buf[static HINT_FOUND])
{
	struct str s = str_sub(text, t.off, (size_t)t.off + t.len);
	const char *what = "", *more = "";
	size_t n = s.n;

	if (t.kind == TOKEN_END)
		return "the end of the text";
	if (t.kind == TOKEN_STRING)
		what = "the string ";
	if (t.kind == TOKEN_NUMBER)
		what = "the number ";
	if (n > SHOWN) {
		n = SHOWN;
		while (n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
			n--;
		more = "...";
	}
	snprintf(buf, HINT_FOUND, "%s`%.*s%s`", what, (int)n, s.p, more);
	return buf;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Insertions, deletions, exchanges and swaps of neighbours, case ignored. */
static unsigned
distance(struct str a, struct str b)
{
	unsigned rows[3][LONGEST + 1];

	for (unsigned j = 0; j <= b.n; j++)
		rows[0][j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *last = rows[(i + 2) % 3];
		const unsigned *before = rows[(i + 1) % 3];

		row[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			char x = lower(a.p[i - 1]), y = lower(b.p[j - 1]);

			row[j] = least(least(last[j], row[j - 1]) + 1,
			    last[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == lower(b.p[j - 2]) &&
			    y == lower(a.p[i - 2]))
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return rows[a.n % 3][b.n];
}

/* How far `w` is from `word`; LONGEST when too far to be meant. */
static unsigned
far_from(struct str word, struct str w)
{
	unsigned d, allowed = w.n < 4 ? 1 : w.n < 8 ? 2 : 3;

	if (word.n == 0 || word.n > LONGEST || w.n > LONGEST ||
	    w.n > word.n + allowed || word.n > w.n + allowed)
		return LONGEST;
	d = distance(word, w);
	return d <= allowed && d < w.n ? d : LONGEST;
}

const char *
hint_nearest(struct str word, const char *const *words)
{
	const char *best = NULL;
	unsigned best_distance = LONGEST;

	for (; *words; words++) {
		unsigned d = far_from(word, str_of(*words));

		if (d < best_distance) {
			best = *words;
			best_distance = d;
		}
	}
	return best;
}

/* What comes after the last `::`. */
static struct str
last_part(struct str name)
{
	size_t from = name.n;

	while (from > 0 && name.p[from - 1] != ':')
		from--;
	return str_sub(name, from, name.n);
}

const struct str *
hint_nearest_of(struct str word, const struct str *words, size_t n)
{
	const struct str *best = NULL, *same_end = NULL;
	unsigned best_distance = LONGEST;

	for (size_t i = 0; i < n; i++) {
		unsigned d = far_from(word, words[i]);

		if (d < best_distance) {
			best = &words[i];
			best_distance = d;
		}
		if (!same_end && word.n > 0 &&
		    str_eq(last_part(word), last_part(words[i])))
			same_end = &words[i];
	}
	return best ? best : same_end;
}

const char *
hint_operation(struct str word, bool methods)
{
	return hint_nearest(word, methods ? methods_known : functions);
}

bool
hint_is_method(struct str word)
{
	for (const char *const *m = methods_known; *m; m++)
		if (str_eq(word, str_of(*m)))
			return true;
	return false;
}

/* ---- words of other languages ----------------------------------------------
 */

struct foreign {
	const char *word, *hint;
};

/* Case ignored. */
static const char *
find_foreign(struct str word, const struct foreign *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct str w = str_of(rows[i].word);

		if (w.n == word.n && w.n <= LONGEST && distance(word, w) == 0)
			return rows[i].hint;
	}
	return NULL;
}

const char *
hint_effect(struct str word)
{
	static const char *const effects[] = { "permit", "forbid", "deny",
		NULL };
	static const struct foreign rows[] = {
		{ "allow", "permit" },
		{ "allows", "permit" },
		{ "grant", "permit" },
		{ "accept", "permit" },
		{ "block", "forbid" },
		{ "reject", "forbid" },
		{ "refuse", "forbid" },
		{ "disallow", "forbid" },
		{ "prohibit", "forbid" },
	};
	const char *found = find_foreign(word, rows, ARRAY_LEN(rows));

	return found ? found : hint_nearest(word, effects);
}

const char *
hint_clause(struct str word)
{
	static const char *const words[] = { "when", "unless", NULL };
	static const struct foreign rows[] = {
		{ "if", "when" },
		{ "where", "when" },
		{ "while", "when" },
		{ "provided", "when" },
		{ "given", "when" },
		{ "and", "when" },
		{ "condition", "when" },
		{ "except", "unless" },
		{ "but", "unless" },
	};
	const char *found = find_foreign(word, rows, ARRAY_LEN(rows));

	return found ? found : hint_nearest(word, words);
}

bool
hint_is_anyone(struct str word)
{
	static const struct foreign rows[] = { { "any", "" }, { "all", "" },
		{ "anyone", "" }, { "everyone", "" }, { "_", "" } };

	return find_foreign(word, rows, ARRAY_LEN(rows)) != NULL;
}

const char *
hint_beginning(enum token_kind kind)
{
	switch ((int)kind) {
	case TOKEN_LBRACE:
	case TOKEN_LBRACKET:
		return "this looks like JSON; policy text begins `permit "
		       "(principal, action, resource)`";
	case TOKEN_LPAREN:
		return "a policy begins with its effect";
	case TOKEN_MINUS:
		return "comments begin with `//`";
	case TOKEN_WORD:
		return "a policy begins `permit (principal, action, resource)`";
	case TOKEN_END:
		return "annotations stand before a policy";
	case TOKEN_SEMICOLON:
		return "one `;` ends a policy: remove this one";
	case TOKEN_RBRACE:
	case TOKEN_RBRACKET:
	case TOKEN_RPAREN:
		return "this bracket closes nothing";
	default:
		return NULL;
	}
}

const char *
hint_value(struct str word)
{
	static const char *const words[] = { "principal", "action", "resource",
		"context", "true", "false", NULL };

	return hint_nearest(word, words);
}

const char *
hint_foreign_value(struct str word)
{
	static const struct foreign rows[] = {
		{ "not", "did you mean `!`?" },
		{ "null", "there is no null: test with `has`" },
		{ "nil", "there is no null: test with `has`" },
		{ "none", "there is no null: test with `has`" },
		{ "undefined", "there is no null: test with `has`" },
		{ "exists", "test with `has`: `principal has name`" },
		{ "subject", "did you mean `principal`?" },
		{ "user", "did you mean `principal`?" },
		{ "object", "did you mean `resource`?" },
		{ "request", "did you mean `context`?" },
		{ "env", "did you mean `context`?" },
		{ "environment", "did you mean `context`?" },
		{ "now", "time is an input: `context.now`" },
	};

	return find_foreign(word, rows, ARRAY_LEN(rows));
}

const char *
hint_foreign_function(struct str word)
{
	static const struct foreign rows[] = {
		{ "not", "write `!(...)`" },
		{ "now", "time is an input: `context.now`" },
		{ "today", "time is an input: `context.now.toDate()`" },
		{ "date", "did you mean `datetime`?" },
		{ "time", "did you mean `datetime` or `duration`?" },
		{ "timestamp", "did you mean `datetime`?" },
		{ "interval", "did you mean `duration`?" },
		{ "ipaddr", "did you mean `ip`?" },
		{ "inet", "did you mean `ip`?" },
		{ "cidr", "did you mean `ip`?" },
		{ "float", "did you mean `decimal`?" },
		{ "double", "did you mean `decimal`?" },
		{ "number", "did you mean `decimal`?" },
		{ "has", "write `value has name`" },
		{ "exists", "write `value has name`" },
		{ "like", "write `value like \"text*\"`" },
		{ "matches", "write `value matches \"...\"`" },
		{ "regex", "write `value matches \"...\"`" },
		{ "is", "write `value is Type`" },
		{ "in", "write `value in Type::\"id\"`" },
		{ "any", "write `set.containsAny([...])`" },
		{ "all", "write `set.containsAll([...])`" },
		{ "startsWith", "write `value like \"text*\"`" },
		{ "endsWith", "write `value like \"*text\"`" },
	};

	return find_foreign(word, rows, ARRAY_LEN(rows));
}

const char *
hint_foreign_method(struct str word)
{
	static const struct foreign rows[] = {
		{ "startsWith", "write `value like \"text*\"`" },
		{ "hasPrefix", "write `value like \"text*\"`" },
		{ "endsWith", "write `value like \"*text\"`" },
		{ "hasSuffix", "write `value like \"*text\"`" },
		{ "like", "write `value like \"text*\"`" },
		{ "matches", "write `value matches \"...\"`" },
		{ "match", "write `value matches \"...\"`" },
		{ "test", "write `value matches \"...\"`" },
		{ "includes", "did you mean `contains`?" },
		{ "has", "write `value has name`" },
		{ "hasKey", "write `value has name`" },
		{ "hasAttr", "write `value has name`" },
		{ "exists", "write `value has name`" },
		{ "get", "write `value[\"name\"]`, or `getTag` for a tag" },
		{ "equals", "write `a == b`" },
		{ "is", "write `value is Type`" },
		{ "in", "write `value in Type::\"id\"`" },
		{ "tag", "did you mean `getTag`?" },
		{ "before", "write `a < b`" },
		{ "after", "write `a > b`" },
		{ "add", "write `a + b`, for times `a.offset(b)`" },
		{ "contain", "did you mean `contains`?" },
		{ "size", "a set can be tested with `isEmpty()` alone" },
		{ "length", "a set can be tested with `isEmpty()` alone" },
		{ "count", "a set can be tested with `isEmpty()` alone" },
	};

	return find_foreign(word, rows, ARRAY_LEN(rows));
}

static const struct {
	const char *word, *meant;
	enum token_kind kind;
	enum keyword keyword;
} operators[] = {
	{ "and", "&&", TOKEN_AND, KW_NONE },
	{ "or", "||", TOKEN_OR, KW_NONE },
	{ "equals", "==", TOKEN_EQ, KW_NONE },
	{ "eq", "==", TOKEN_EQ, KW_NONE },
	{ "ne", "!=", TOKEN_NE, KW_NONE },
	{ "neq", "!=", TOKEN_NE, KW_NONE },
	{ "lt", "<", TOKEN_LT, KW_NONE },
	{ "le", "<=", TOKEN_LE, KW_NONE },
	{ "lte", "<=", TOKEN_LE, KW_NONE },
	{ "gt", ">", TOKEN_GT, KW_NONE },
	{ "ge", ">=", TOKEN_GE, KW_NONE },
	{ "gte", ">=", TOKEN_GE, KW_NONE },
	{ "in", "in", TOKEN_WORD, KW_IN },
	{ "within", "in", TOKEN_WORD, KW_IN },
	{ "is", "is", TOKEN_WORD, KW_IS },
	{ "isa", "is", TOKEN_WORD, KW_IS },
	{ "instanceof", "is", TOKEN_WORD, KW_IS },
	{ "has", "has", TOKEN_WORD, KW_HAS },
	{ "hass", "has", TOKEN_WORD, KW_HAS },
	{ "hsa", "has", TOKEN_WORD, KW_HAS },
	{ "haz", "has", TOKEN_WORD, KW_HAS },
	{ "like", "like", TOKEN_WORD, KW_LIKE },
	{ "liek", "like", TOKEN_WORD, KW_LIKE },
	{ "lke", "like", TOKEN_WORD, KW_LIKE },
	{ "liike", "like", TOKEN_WORD, KW_LIKE },
	{ "lik", "like", TOKEN_WORD, KW_LIKE },
};

bool
hint_operator(struct str word, struct token *meant, const char **ret_text)
{
	for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
		struct str w = str_of(operators[i].word);

		if (w.n != word.n || distance(word, w) != 0)
			continue;
		meant->kind = operators[i].kind;
		meant->keyword = operators[i].keyword;
		*ret_text = operators[i].meant;
		return true;
	}
	return false;
}
