/* schema_kit.h - rows of schemas that are refused, with what is said and where, for the tests of both syntaxes. */
#ifndef TESTS_SCHEMA_KIT_H
#define TESTS_SCHEMA_KIT_H

#include "policy/schema.h"
#include "tests/lib/run.h"

struct schema_bad {
	struct str text;
	enum err_code code;
	uint32_t line, col, len;
	const char *msg, *hint;
};

static inline void
schema_refuses(enum schema_syntax syntax, const struct schema_bad *bad)
{
	struct errors errors = { 0 };
	const struct error *e = &errors.e[0];
	struct schema *s = schema_new("s", bad->text, syntax, &errors);

	ck_assert_msg(s == NULL, "read: %s", bad->text.p);
	ck_assert_uint_gt(errors.n, 0);
	ck_assert_str_eq(e->msg, bad->msg);
	ck_assert_str_eq(e->hint, bad->hint);
	ck_assert_int_eq(e->code, bad->code);
	ck_assert_uint_eq(e->at.line, bad->line);
	ck_assert_uint_eq(e->at.col, bad->col);
	ck_assert_uint_eq(e->at.len, bad->len);
}

static inline void
schema_reads(enum schema_syntax syntax, struct str text)
{
	struct errors errors = { 0 };
	struct schema *s = schema_new("s", text, syntax, &errors);

	ck_assert_msg(s != NULL, "%s: %s", text.p, errors.e[0].msg);
	ck_assert_uint_eq(errors.n, 0);
	schema_free(s);
}

#endif
