#include "gateways/yaml.h"

#include <libfyaml.h>

struct reader {
	struct arena *a;
	const char *file;
	struct errors *errors;
	bool failed;
};

static struct error *
fail(struct reader *r, struct span at, const char *what)
{
	r->failed = true;
	return errors_add(r->errors, ERR_CONFIG_SYNTAX, at, "%s", what);
}

static void
fail_memory(struct reader *r)
{
	struct error err = { 0 };

	r->failed = true;
	error_nomem(&err);
	errors_take(r->errors, &err);
}

/* The library counts from 0, and from inside of quotes. */
static struct span
place(const struct reader *r, struct fy_node *node, struct span otherwise)
{
	struct fy_token *token = fy_node_get_scalar_token(node);
	const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;
	enum fy_node_style style = fy_node_get_style(node);
	bool is_quoted =
	    style == FYNS_SINGLE_QUOTED || style == FYNS_DOUBLE_QUOTED;
	size_t n = fy_node_get_scalar_utf8_length(node);

	if (!mark || mark->line < 0 || mark->column < 0)
		return otherwise;
	return (struct span){ .file = r->file,
		.line = (uint32_t)mark->line + 1,
		.col = (uint32_t)mark->column + (is_quoted ? 0 : 1),
		.len =
		    n > 0 && n < 200 ? (uint32_t)n + (is_quoted ? 2 : 0) : 1 };
}

static void read_node(struct reader *r, struct fy_node *node,
    struct span parent, struct yaml *to);

static bool
is_null_text(struct str s)
{
	return s.n == 0 || str_eq(s, STR("~")) || str_eq(s, STR("null"));
}

static void
read_scalar(
    struct reader *r, struct fy_node *node, struct span parent, struct yaml *to)
{
	size_t n = 0;
	const char *p = fy_node_get_scalar(node, &n);
	struct str text = { p ? p : "", p ? n : 0 };

	to->at = place(r, node, parent);
	if (fy_node_get_style(node) == FYNS_PLAIN && is_null_text(text))
		return;
	to->kind = YAML_TEXT;
	to->text = str_dup(r->a, text);
	if (!to->text.p)
		fail_memory(r);
}

static bool
make_items(struct reader *r, struct yaml *to, int n)
{
	to->n = n > 0 ? (size_t)n : 0;
	to->items = ARENA_ARRAY(r->a, 2 * to->n, struct yaml);
	if (to->items || to->n == 0)
		return true;
	to->n = 0;
	fail_memory(r);
	return false;
}

static void
read_list(struct reader *r, struct fy_node *node, struct yaml *to)
{
	struct fy_node *item;
	void *prev = NULL;
	size_t i = 0;

	to->kind = YAML_LIST;
	if (!make_items(r, to, fy_node_sequence_item_count(node)))
		return;
	while (
	    i < to->n && (item = fy_node_sequence_iterate(node, &prev)) != NULL)
		read_node(r, item, to->at, &to->items[i++]);
	to->n = i;
}

static void
check_key(struct reader *r, const struct yaml *map, size_t i)
{
	const struct yaml *key = &map->items[2 * i];
	struct error *e;

	if (key->kind != YAML_TEXT) {
		fail(r, key->at, "a key must be text");
		return;
	}
	if (str_eq(key->text, STR("<<")))
		fail(r, key->at, "merge keys are not taken");
	for (size_t k = 0; k < i; k++)
		if (str_eq(map->items[2 * k].text, key->text)) {
			r->failed = true;
			e = errors_add(r->errors, ERR_CONFIG_KEY, key->at,
			    "`%.*s` stands twice", STR_ARG(key->text));
			error_hint(e, "the first is in line %u",
			    map->items[2 * k].at.line);
			return;
		}
}

static void
read_map(struct reader *r, struct fy_node *node, struct yaml *to)
{
	struct fy_node_pair *pair;
	void *prev = NULL;
	size_t i = 0;

	to->kind = YAML_MAP;
	if (!make_items(r, to, fy_node_mapping_item_count(node)))
		return;
	while (i < to->n &&
	       (pair = fy_node_mapping_iterate(node, &prev)) != NULL) {
		struct yaml *key = &to->items[2 * i];

		read_node(r, fy_node_pair_key(pair), to->at, key);
		read_node(r, fy_node_pair_value(pair), key->at, key + 1);
		check_key(r, to, i++);
	}
	to->n = i;
}

/* `parent` is where an empty thing is said to be. */
static void
read_node(
    struct reader *r, struct fy_node *node, struct span parent, struct yaml *to)
{
	size_t n;

	*to = (struct yaml){ .at = parent };
	if (!node)
		return;
	if (fy_node_is_alias(node)) {
		fail(r, place(r, node, parent), "aliases are not taken");
		return;
	}
	if (fy_node_get_anchor(node))
		fail(r, place(r, node, parent), "anchors are not taken");
	if (fy_node_get_tag(node, &n))
		fail(r, place(r, node, parent), "tags are not taken");
	if (fy_node_is_scalar(node))
		read_scalar(r, node, parent, to);
	else if (fy_node_is_mapping(node))
		read_map(r, node, to);
	else
		read_list(r, node, to);
	if (to->kind != YAML_TEXT && to->n > 0)
		to->at = to->items[0].at;
}

static void
take_messages(struct reader *r, struct fy_diag *diag)
{
	struct fy_diag_error *e;
	struct span at = { .file = r->file };
	void *prev = NULL;
	bool any = false;

	while ((e = fy_diag_errors_iterate(diag, &prev)) != NULL) {
		at.line = e->line > 0 ? (uint32_t)e->line : 1;
		at.col = e->column > 0 ? (uint32_t)e->column : 1;
		at.len = 1;
		fail(r, at, e->msg ? e->msg : "this is no YAML");
		any = true;
	}
	at = (struct span){ .file = r->file, .line = 1, .col = 1, .len = 1 };
	if (!any)
		fail(r, at, "this is no YAML, or there is nothing in it");
}

static void
read_text(struct reader *r, struct fy_parser *parser, struct fy_diag *diag,
    struct str text, struct yaml *ret)
{
	struct span start = { .file = r->file, .line = 1, .col = 1, .len = 1 };
	struct fy_document *first, *second;

	if (fy_parser_set_string(parser, text.p, text.n) != 0) {
		fail_memory(r);
		return;
	}
	first = fy_parse_load_document(parser);
	if (!first || fy_diag_got_error(diag)) {
		take_messages(r, diag);
		if (first)
			fy_parse_document_destroy(parser, first);
		return;
	}
	read_node(r, fy_document_root(first), start, ret);
	fy_parse_document_destroy(parser, first);
	second = fy_parse_load_document(parser);
	if (fy_diag_got_error(diag))
		take_messages(r, diag);
	else if (second)
		fail(r, start, "there must be one YAML document, not more");
	if (second)
		fy_parse_document_destroy(parser, second);
}

/* Before the library: it says little about such bytes. */
static bool
check_bytes(struct reader *r, struct str text)
{
	struct span at = { .file = r->file, .line = 1, .col = 1, .len = 1 };
	bool is_utf8 = str_is_utf8(text);
	uint32_t point;
	size_t n;

	for (size_t i = 0; i < text.n; i += n) {
		n = str_utf8_next(text, i, &point);
		if (n == 0 && !is_utf8) {
			fail(r, at, "the file is not UTF-8");
			return false;
		}
		if (n == 0 || point == 0) {
			fail(r, at, "the file has a NUL byte");
			return false;
		}
		at.col++;
		if (point == '\n') {
			at.line++;
			at.col = 1;
		}
	}
	return true;
}

bool
yaml_parse(struct arena *a, const char *file, struct str text, struct yaml *ret,
    struct errors *reterr)
{
	struct reader r = { .a = a, .file = file, .errors = reterr };
	struct fy_diag_cfg how;
	struct fy_parse_cfg cfg = { .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG |
					     FYPCF_ALLOW_DUPLICATE_KEYS };
	struct fy_parser *parser;

	if (!check_bytes(&r, text))
		return false;
	fy_diag_cfg_default(&how);
	how.fp = NULL;
	cfg.diag = fy_diag_create(&how);
	if (!cfg.diag) {
		fail_memory(&r);
		return false;
	}
	fy_diag_set_collect_errors(cfg.diag, true);
	parser = fy_parser_create(&cfg);
	if (parser) {
		read_text(&r, parser, cfg.diag, text, ret);
		fy_parser_destroy(parser);
	} else
		fail_memory(&r);
	fy_diag_destroy(cfg.diag);
	return !r.failed;
}
