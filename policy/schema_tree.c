/* schema_tree.c - what the two readers of schemas share: messages, names,
 * attributes that stand twice. */
#include "policy/schema_tree.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/lex.h"

#define SHOWN_BYTES 80u

struct error *
schema_refuse(struct schema_reader *r, enum err_code code, struct tree_place at,
    const char *fmt, ...)
{
	char msg[sizeof((struct error *)0)->msg];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof msg, fmt, ap);
	va_end(ap);
	r->failed = true;
	/* What is not there may be so for want of memory. */
	if (r->no_memory)
		return NULL;
	return errors_add(r->errors, code,
	    source_span(&r->source, at.off, at.len), "%s", msg);
}

bool
schema_nomem(struct schema_reader *r)
{
	r->failed = r->no_memory = true;
	return false;
}

struct str
schema_shown(struct str text)
{
	if (text.n <= SHOWN_BYTES)
		return text;
	text.n = SHOWN_BYTES;
	while (text.n > 0 && ((unsigned char)text.p[text.n] & 0xc0) == 0x80)
		text.n--;
	return text;
}

bool
schema_check_declared(struct schema_reader *r, struct str name,
    struct tree_place at, const char *what)
{
	enum keyword word = lex_keyword(name);
	struct str shown = schema_shown(name);

	if (!lex_is_identifier(name)) {
		(void)schema_refuse(r, ERR_SCHEMA_SHAPE, at,
		    "expected the name of %s, found `%.*s`", what,
		    STR_ARG(shown));
		return false;
	}
	if (!lex_is_reserved(word) && word != KW_CEDAR)
		return true;
	(void)schema_refuse(r, ERR_NAME_RESERVED, at,
	    "expected the name of %s, found the reserved word `%.*s`", what,
	    STR_ARG(shown));
	return false;
}

/* --- attributes that stand twice ------------------------------------------ */

static int
by_name(const void *a, const void *b)
{
	const struct tree_attribute *const *x = a, *const *y = b;
	int order = str_cmp((*x)->name.name, (*y)->name.name);

	return order ? order : (*x > *y) - (*x < *y);
}

/* Take out those that are marked by a name of NULL. */
static void
take_out(struct tree_attributes *list)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		if (list->items[i].name.name.p)
			list->items[n++] = list->items[i];
	list->n = n;
}

bool
schema_drop_repeats(struct schema_reader *r, struct tree_attributes *list)
{
	struct tree_attribute **sorted;
	bool repeats = false;

	if (list->n < 2)
		return true;
	sorted = ARENA_ARRAY(r->arena, list->n, struct tree_attribute *);
	if (!sorted)
		return schema_nomem(r);
	for (size_t i = 0; i < list->n; i++)
		sorted[i] = &list->items[i];
	qsort(sorted, list->n, sizeof *sorted, by_name);
	for (size_t i = 0; i + 1 < list->n; i++) {
		if (!str_eq(sorted[i]->name.name, sorted[i + 1]->name.name))
			continue;
		sorted[i]->name.name.p = NULL;
		sorted[i]->name.name.n = 0;
		repeats = true;
	}
	if (repeats)
		take_out(list);
	return true;
}
