/* print_part.c - names, entities, literals and patterns as tokens of canonical
 * text. */
#include "policy/print.h"

void
print_quoted(struct printer *p, struct str s)
{
	struct buf b = { 0 };

	buf_byte(&b, '"');
	literal_escape(&b, s, LITERAL_STRING);
	buf_byte(&b, '"');
	if (!buf_ok(&b))
		p->out->failed = true;
	print_str(p, buf_str(&b));
	buf_free(&b);
}

void
print_name(struct printer *p, struct str name)
{
	for (size_t from = 0, to; from <= name.n; from = to + 2) {
		to = str_find(name, ':', from);
		if (from > 0)
			print_text(p, "::");
		print_str(p, str_sub(name, from, to));
	}
}

bool
print_is_plain_field(struct str s)
{
	enum keyword k = lex_keyword(s);

	return lex_is_identifier(s) && !lex_is_reserved(k) && k != KW_CEDAR;
}

static void
print_path_part(struct buf *b, const struct ast_part *part)
{
	struct buf inner = { 0 };

	buf_addz(&inner, ast_var_name(part->var));
	for (uint32_t i = 0; i < part->n_path; i++) {
		if (print_is_plain_field(part->path[i])) {
			buf_byte(&inner, '.');
			buf_add(&inner, part->path[i]);
			continue;
		}
		buf_addz(&inner, "[\"");
		literal_escape(&inner, part->path[i], LITERAL_STRING);
		buf_addz(&inner, "\"]");
	}
	buf_addz(b, "${");
	literal_escape(b, buf_str(&inner), LITERAL_STRING);
	buf_byte(b, '}');
	if (!buf_ok(&inner))
		b->failed = true;
	buf_free(&inner);
}

void
print_pattern(struct printer *p, uint32_t node, bool in_scope)
{
	const struct ast_node *n = &p->t->nodes[node];
	struct buf b = { 0 };

	buf_byte(&b, '"');
	for (uint32_t i = 0; i < n->b; i++) {
		const struct ast_part *part = &p->t->parts[n->a + i];

		if (part->kind == PART_STAR)
			buf_byte(&b, '*');
		else if (part->kind == PART_PATH)
			print_path_part(&b, part);
		else
			literal_escape(&b, part->literal,
			    in_scope ? LITERAL_SCOPE : LITERAL_PATTERN);
	}
	buf_byte(&b, '"');
	if (!buf_ok(&b))
		p->out->failed = true;
	print_str(p, buf_str(&b));
	buf_free(&b);
}

void
print_entity(struct printer *p, const struct ast_node *n)
{
	struct uid uid;

	if (n->kind == NODE_SLOT && !p->link) {
		print_text(
		    p, n->op == VAR_RESOURCE ? "?resource" : "?principal");
		return;
	}
	if (n->kind == NODE_SLOT)
		uid = p->link->slot[n->op == VAR_RESOURCE];
	else
		uid = (struct uid){ print_string_at(p, n->a),
			print_string_at(p, n->b) };
	print_name(p, uid.type);
	print_text(p, "::");
	print_quoted(p, uid.id);
}

/* The minus of a folded number is a token of its own. */
void
print_long(struct printer *p, const struct ast_node *n)
{
	int64_t value = p->t->longs[n->a];
	uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
	struct buf b = { 0 };

	buf_printf(&b, "%llu", (unsigned long long)size);
	/* `-0` keeps its sign. */
	if (value < 0 || (value == 0 && !p->t->is_json &&
			     p->t->source.text.p[n->off] == '-'))
		print_text(p, "-");
	if (!buf_ok(&b))
		p->out->failed = true;
	print_str(p, buf_str(&b));
	buf_free(&b);
}
