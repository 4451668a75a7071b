/* iam.c - AWS IAM policy documents (JSON) to policy text, one policy a
 * statement.
 * The request that the text is about: the action is `Action::"service:name"` in
 * lower case (IAM compares actions without case), the resource is
 * `Resource::"ARN"`, principals are `AWS::"ARN"`, `Account::"number"`,
 * `Service::"name"`, `Federated::"name"`, `CanonicalUser::"id"`; condition keys
 * are attributes of the context under their names in lower case, and
 * `context.action` and `context.resource` repeat the two ids as text, for what
 * one scope pattern cannot say. A statement becomes exactly one policy, but for
 * resources with variables, which take one each. What is not certain in the
 * guide, or not exact here, is refused.
 * Source: the IAM user's guide, "JSON policy element reference" and
 * "Grammar of the IAM JSON policy language". */
#include "policy/iam.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"

#define DOCUMENT_DEPTH 32u

/* One document on its way. */
struct document {
	struct iam im;
	struct str name; /* of the file, without folder and suffix */
	struct uid principal, resource; /* attached to; empty type: all */
	struct buf out;
	struct str *sids;
	size_t n_sids, cap_sids;
};

/* What one element says: a scope test, a condition, or neither (any). */
struct element {
	struct buf scope, condition;
};

/* ---- refusing -------------------------------------------------------------
 */

bool
iam_refuse(struct iam *im, const json_t *at, bool at_key, enum err_code code,
    const char *fmt, ...)
{
	struct span span =
	    source_span(&im->source, 0, (uint32_t)im->source.text.n);
	struct json_place p;
	char msg[200];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof msg, fmt, ap);
	va_end(ap);
	if (json_places_find(im->places, at, &p) && at_key && p.key_len)
		span = source_span(&im->source, p.key_off, p.key_len);
	else if (json_places_find(im->places, at, &p))
		span = source_span(&im->source, p.off, p.len);
	else if (im->within && json_places_find(im->places, im->within, &p))
		span = source_span(&im->source, p.off, p.len);
	(void)errors_add(im->errors, code, span, "%s", msg);
	return false;
}

/* ---- members --------------------------------------------------------------
 */

static bool
check_members(struct iam *im, const json_t *object, const char *const *names)
{
	bool ok = true;
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)object, key, v) {
		size_t i = 0;

		while (names[i] && strcmp(names[i], key) != 0)
			i++;
		if (!names[i])
			ok = iam_refuse(im, v, true, ERR_IMPORT_SHAPE,
			    "no member of this name is known here");
	}
	return ok;
}

/* `Name` or `NotName`, one of them; *ret_v stays NULL when there is neither. */
static bool
find_either(struct iam *im, const json_t *statement, const char *name,
    const char *not_name, const json_t **ret_v, bool *ret_negated)
{
	const json_t *plain = json_object_get(statement, name);
	const json_t *negated = json_object_get(statement, not_name);

	if (plain && negated)
		return iam_refuse(im, negated, true, ERR_IMPORT_SHAPE,
		    "`%s` and `%s` may not stand together", name, not_name);
	*ret_v = plain ? plain : negated;
	*ret_negated = negated != NULL;
	return true;
}

/* ---- principals -----------------------------------------------------------
 */

static const char *const principal_kinds[] = { "AWS", "Service", "Federated",
	"CanonicalUser", NULL };

/* The account of `123456789012` or `arn:aws:iam::123456789012:root`; empty
 * for other names. */
static struct str
account_of(struct str s)
{
	static const struct str root = STR_INIT(":root");
	uint64_t n;

	if (str_has_prefix(s, STR("arn:")) && str_has_suffix(s, root)) {
		size_t colon = str_find(s, ':', 4);

		if (!str_has_prefix(str_sub(s, colon, s.n), STR(":iam::")))
			return STR("");
		s = str_sub(s, colon + 6, s.n - root.n);
	}
	return s.n == 12 && str_to_u64(s, UINT64_MAX, &n) ? s : STR("");
}

static bool
write_principal(
    struct iam *im, const char *kind, const struct iam_text *t, struct buf *out)
{
	struct uid uid = { str_of(kind), STR("") };

	if (t->has_star || t->has_any || t->has_variable || t->n != 1)
		return iam_refuse(im, t->at, false, ERR_IMPORT_INEXACT,
		    "a principal is named whole, or `*` alone");
	uid.id = t->parts[0].text;
	if (strcmp(kind, "AWS") == 0 && account_of(uid.id).n)
		uid = (struct uid){ STR("Account"), account_of(uid.id) };
	value_print_uid(out, uid);
	return true;
}

/* True in *ret_any for `*`. */
static bool
write_kind(struct iam *im, const char *kind, const json_t *names,
    struct buf *out, bool *ret_any)
{
	const struct iam_text *texts;
	size_t n;

	if (!iam_texts_read(im, names, IAM_WILD, false, &texts, &n))
		return false;
	for (size_t i = 0; i < n; i++) {
		bool star = texts[i].n == 1 && texts[i].has_star;

		if (star && strcmp(kind, "AWS") == 0) {
			*ret_any = true;
			continue;
		}
		buf_addz(out, out->n ? ", " : "");
		if (!write_principal(im, kind, &texts[i], out))
			return false;
	}
	return true;
}

static bool
list_principals(struct iam *im, const json_t *v, struct buf *out, bool *ret_any)
{
	bool ok = true;
	const char *kind;
	json_t *names;

	if (json_is_string(v) && str_eq(json_str(v), STR("*"))) {
		*ret_any = true;
		return true;
	}
	if (!json_is_object(v) || json_object_size(v) == 0)
		return iam_refuse(im, v, false, ERR_IMPORT_SHAPE,
		    "expected `*` or an object such as {\"AWS\": …}");
	if (!check_members(im, v, principal_kinds))
		return false;
	json_object_foreach ((json_t *)(uintptr_t)v, kind, names)
		ok = write_kind(im, kind, names, out, ret_any) && ok;
	return ok;
}

/* Whom or what a statement that does not say it is attached to. */
static void
write_attached(struct buf *scope, struct uid uid)
{
	if (uid.type.n == 0)
		return;
	buf_addz(scope, " in ");
	value_print_uid(scope, uid);
}

static bool
read_principal(struct document *d, const json_t *statement, struct element *e)
{
	struct iam *im = &d->im;
	struct buf list = { 0 };
	bool negated, any = false, ok;
	const json_t *v;

	if (!find_either(
		im, statement, "Principal", "NotPrincipal", &v, &negated))
		return false;
	if (!v) {
		write_attached(&e->scope, d->principal);
		return true;
	}
	ok = list_principals(im, v, &list, &any);
	if (ok && any && negated)
		ok = iam_refuse(im, v, false, ERR_IMPORT_INEXACT,
		    "this names nobody: the statement never applies");
	if (ok && !any)
		buf_printf(&e->scope, "%s in [%.*s]", negated ? " not" : "",
		    STR_ARG(buf_str(&list)));
	e->scope.failed = e->scope.failed || list.failed;
	buf_free(&list);
	return ok;
}

/* ---- actions and resources ------------------------------------------------
 */

/* One of the two kinds of names: type, variable, and its text in the context.
 */
struct names {
	struct str type;
	const char *text;
	bool is_arn;
	const struct iam_text *texts;
	size_t n;
	bool negated;
};

static void
write_entity(struct buf *out, const struct names *names, size_t i)
{
	const struct iam_text *t = &names->texts[i];

	value_print_uid(out,
	    (struct uid){ names->type, t->n ? t->parts[0].text : STR("") });
}

/* Must it be a regular expression? Parts are of ARNs alone. */
static bool
needs_regex(const struct names *names, const struct iam_text *t)
{
	return t->has_any || (names->is_arn && iam_is_inner_wild(t));
}

static bool
is_plain(const struct iam_text *t)
{
	return !t->has_star && !t->has_any && !t->has_variable;
}

/* Several exact names: actions as a list in the scope, resources as equality to
 * one of them (`in` would let in what lies below). */
static void
write_exact(const struct names *names, struct element *e)
{
	bool actions = str_eq(names->type, STR("Action"));
	struct buf *out = actions ? &e->scope : &e->condition;

	if (names->n == 1) {
		buf_addz(&e->scope, names->negated ? " != " : " == ");
		write_entity(&e->scope, names, 0);
		return;
	}
	if (actions)
		buf_addz(out, names->negated ? " not in [" : " in [");
	else
		buf_addz(out, names->negated ? "!([" : "[");
	for (size_t i = 0; i < names->n; i++) {
		buf_addz(out, i > 0 ? ", " : "");
		write_entity(out, names, i);
	}
	buf_addz(out, actions ? "]" : "].contains(resource)");
	if (!actions && names->negated)
		buf_byte(out, ')');
}

/* Exact names first, then the patterns, over the text in the context. */
static bool
write_tests(struct iam *im, const struct names *names, struct element *e)
{
	struct buf *out = &e->condition;
	bool ok = true;
	size_t n = 0;

	buf_addz(out, names->negated ? "!(" : "");
	for (size_t i = 0; i < names->n; i++)
		if (is_plain(&names->texts[i])) {
			buf_addz(out, n++ ? ", " : "[");
			iam_write_string(out, &names->texts[i]);
		}
	if (n)
		buf_printf(out, "].contains(context.%s)", names->text);
	for (size_t i = 0; i < names->n; i++) {
		const struct iam_text *t = &names->texts[i];
		bool regex = needs_regex(names, t);

		if (is_plain(t))
			continue;
		buf_printf(out, "%scontext.%s %s ", n++ ? " || " : "",
		    names->text, regex ? "matches" : "like");
		if (regex)
			ok = iam_write_regex(im, out, t, 1,
				 names->is_arn ? IAM_REGEX_ARN
					       : IAM_REGEX_WILD) &&
			     ok;
		else
			iam_write_pattern(out, t);
	}
	buf_addz(out, names->negated ? ")" : "");
	return ok;
}

static bool
write_names(struct iam *im, const struct names *names, const json_t *v,
    struct element *e)
{
	size_t plain = 0;

	for (size_t i = 0; i < names->n; i++) {
		const struct iam_text *t = &names->texts[i];

		if (t->n == 1 && t->has_star)
			return !names->negated ||
			       iam_refuse(im, v, false, ERR_IMPORT_INEXACT,
				   "this names nothing: the statement never "
				   "applies");
		plain += is_plain(t);
	}
	if (plain == names->n) {
		write_exact(names, e);
		return true;
	}
	if (names->n == 1 && !needs_regex(names, &names->texts[0])) {
		buf_printf(&e->scope,
		    "%s like %.*s::", names->negated ? " not" : "",
		    STR_ARG(names->type));
		iam_write_scope_pattern(&e->scope, &names->texts[0]);
		return true;
	}
	return write_tests(im, names, e);
}

static bool
read_action(struct document *d, const json_t *statement, struct element *e)
{
	struct names names = { .type = STR_INIT("Action"), .text = "action" };
	struct iam *im = &d->im;
	const json_t *v;

	if (!find_either(
		im, statement, "Action", "NotAction", &v, &names.negated))
		return false;
	if (!v)
		return iam_refuse(im, statement, false, ERR_IMPORT_SHAPE,
		    "expected `Action` or `NotAction`");
	if (!iam_texts_read(im, v, IAM_WILD, true, &names.texts, &names.n))
		return false;
	for (size_t i = 0; i < names.n; i++)
		if (names.texts[i].has_variable || names.texts[i].n == 0)
			return iam_refuse(im, names.texts[i].at, false,
			    ERR_IMPORT_SHAPE,
			    "expected an action such as `s3:GetObject`");
	return write_names(im, &names, v, e);
}

/* A name with variables: a scope pattern, which errs where a variable has no
 * value. For a permit that is no permit; for a deny it would be more than IAM
 * has it. */
static bool
check_variables(struct document *d, const json_t *statement,
    const struct names *names, const struct iam_text *t)
{
	const char *effect =
	    json_string_value(json_object_get(statement, "Effect"));

	if (!effect || strcmp(effect, "Allow") != 0 || names->negated)
		return iam_refuse(&d->im, t->at, false, ERR_IMPORT_INEXACT,
		    "a resource with a variable can be said only where it is "
		    "allowed");
	if (t->has_any || iam_is_inner_wild(t))
		return iam_refuse(&d->im, t->at, false, ERR_IMPORT_INEXACT,
		    "a pattern with a variable may have no `?`, and no `*` "
		    "inside of its first five parts");
	return true;
}

/* All resources of a statement; *ret_separate: each is to be a policy. */
static bool
read_resources(struct document *d, const json_t *statement, struct names *names,
    const json_t **ret_v, bool *ret_separate)
{
	struct iam *im = &d->im;

	if (!find_either(im, statement, "Resource", "NotResource", ret_v,
		&names->negated))
		return false;
	if (!*ret_v)
		return true;
	if (!iam_texts_read(
		im, *ret_v, IAM_WILD, false, &names->texts, &names->n))
		return false;
	for (size_t i = 0; i < names->n; i++) {
		const struct iam_text *t = &names->texts[i];

		if (t->n == 0)
			return iam_refuse(im, t->at, false, ERR_IMPORT_SHAPE,
			    "expected an ARN or `*`");
		if (t->has_variable && !check_variables(d, statement, names, t))
			return false;
		*ret_separate |= t->has_variable;
	}
	return true;
}

/* ---- statements -----------------------------------------------------------
 */

static void
write_head(struct document *d, bool allow, struct str id,
    const struct element *e, const struct element *resource)
{
	const struct element *elements[] = { &e[0], &e[1], resource };
	static const char *const vars[] = { "principal", "action", "resource" };

	buf_addz(&d->out, "@id(");
	value_print_string(&d->out, id);
	buf_printf(&d->out, ")\n%s (", allow ? "permit" : "deny");
	for (size_t i = 0; i < ARRAY_LEN(vars); i++) {
		buf_printf(&d->out, "%s%s", i ? ", " : "", vars[i]);
		buf_add(&d->out, buf_str(&elements[i]->scope));
	}
	buf_addz(&d->out, ")\n");
	for (size_t i = 0; i < ARRAY_LEN(vars); i++)
		if (elements[i]->condition.n)
			buf_printf(&d->out, "when { %.*s }\n",
			    STR_ARG(buf_str(&elements[i]->condition)));
}

/* One policy, or one a resource; `tail` has the conditions. */
static bool
write_policies(struct document *d, bool allow, struct str id,
    const struct element *e, const struct names *resources, const json_t *v,
    bool separate, struct str tail)
{
	size_t n = separate ? resources->n : 1;
	bool ok = true;

	for (size_t i = 0; i < n; i++) {
		struct element r = { 0 };
		struct names names = *resources;
		struct str name = separate ? str_printf(d->im.arena, "%.*s/%zu",
						 STR_ARG(id), i + 1)
					   : id;

		if (separate) {
			names.texts += i;
			names.n = 1;
		}
		if (v)
			ok = write_names(&d->im, &names, v, &r) && ok;
		else
			write_attached(&r.scope, d->resource);
		write_head(d, allow, name, e, &r);
		buf_add(&d->out, tail);
		buf_addz(&d->out, ";\n\n");
		buf_free(&r.scope);
		buf_free(&r.condition);
	}
	return ok;
}

static bool
read_effect(struct iam *im, const json_t *statement, bool *ret_allow)
{
	const json_t *v = json_object_get(statement, "Effect");
	const char *effect = json_string_value(v);

	*ret_allow = effect && strcmp(effect, "Allow") == 0;
	if (*ret_allow || (effect && strcmp(effect, "Deny") == 0))
		return true;
	return iam_refuse(im, v ? v : statement, false, ERR_IMPORT_SHAPE,
	    "expected \"Effect\": \"Allow\" or \"Deny\"");
}

/* NAME/SID, or NAME/N counted from 1; a Sid stands once. */
static bool
read_id(struct document *d, const json_t *statement, size_t i, struct str *ret)
{
	const json_t *v = json_object_get(statement, "Sid");
	struct iam *im = &d->im;
	struct str sid = json_str(v);

	if (v && !json_is_string(v))
		return iam_refuse(
		    im, v, false, ERR_IMPORT_SHAPE, "expected a string");
	for (size_t j = 0; sid.n && j < d->n_sids; j++)
		if (str_eq(d->sids[j], sid))
			return iam_refuse(im, v, false, ERR_IMPORT_SHAPE,
			    "the Sid `%.*s` stands twice", STR_ARG(sid));
	if (!ARENA_PUSH_ROOM(im->arena, d->sids, d->n_sids, d->cap_sids))
		return iam_refuse(
		    im, v, false, ERR_LIMIT_MEMORY, "memory ran out");
	d->sids[d->n_sids++] = sid;
	*ret = sid.n
		   ? str_printf(
			 im->arena, "%.*s/%.*s", STR_ARG(d->name), STR_ARG(sid))
		   : str_printf(im->arena, "%.*s/%zu", STR_ARG(d->name), i + 1);
	return true;
}

static bool
write_statement(struct document *d, const json_t *statement, size_t i)
{
	static const char *const members[] = { "Sid", "Effect", "Principal",
		"NotPrincipal", "Action", "NotAction", "Resource",
		"NotResource", "Condition", NULL };
	const json_t *condition, *v = NULL;
	struct names resources = {
		.type = STR_INIT("Resource"), .text = "resource", .is_arn = true
	};
	struct element e[2] = { 0 };
	struct buf tail = { 0 };
	bool allow, separate = false, ok;
	struct str id = STR("");

	d->im.within = statement;
	if (!json_is_object(statement))
		return iam_refuse(&d->im, statement, false, ERR_IMPORT_SHAPE,
		    "expected a statement, which is an object");
	condition = json_object_get(statement, "Condition");
	ok = check_members(&d->im, statement, members);
	ok = read_effect(&d->im, statement, &allow) && ok;
	ok = read_id(d, statement, i, &id) && ok;
	ok = read_principal(d, statement, &e[0]) && ok;
	ok = read_action(d, statement, &e[1]) && ok;
	ok = read_resources(d, statement, &resources, &v, &separate) && ok;
	if (condition)
		ok = iam_write_conditions(&d->im, condition, &tail) && ok;
	if (ok)
		ok = write_policies(
		    d, allow, id, e, &resources, v, separate, buf_str(&tail));
	d->out.failed |= tail.failed | e[0].scope.failed | e[1].scope.failed |
			 e[0].condition.failed | e[1].condition.failed;
	for (size_t j = 0; j < 2; j++) {
		buf_free(&e[j].scope);
		buf_free(&e[j].condition);
	}
	buf_free(&tail);
	return ok;
}

/* ---- documents ------------------------------------------------------------
 */

static bool
read_version(struct iam *im, const json_t *document)
{
	const json_t *v = json_object_get(document, "Version");
	const char *version = json_string_value(v);

	im->has_variables = version && strcmp(version, "2012-10-17") == 0;
	if (!v || im->has_variables ||
	    (version && strcmp(version, "2008-10-17") == 0))
		return true;
	return iam_refuse(im, v, false, ERR_IMPORT_SHAPE,
	    "expected the version \"2012-10-17\" or \"2008-10-17\"");
}

static bool
write_document(struct document *d, const json_t *document)
{
	static const char *const members[] = { "Version", "Id", "Statement",
		NULL };
	const json_t *statements;
	size_t n;
	bool ok;

	d->im.within = document;
	if (!json_is_object(document))
		return iam_refuse(&d->im, document, false, ERR_IMPORT_SHAPE,
		    "expected an IAM policy, which is an object");
	ok = check_members(&d->im, document, members);
	ok = read_version(&d->im, document) && ok;
	statements = json_object_get(document, "Statement");
	n = json_is_array(statements) ? json_array_size(statements) : 1;
	if (!statements || n == 0)
		return iam_refuse(&d->im, statements ? statements : document,
		    false, ERR_IMPORT_SHAPE,
		    "expected `Statement` with at least one statement");
	for (size_t i = 0; i < n; i++)
		ok = write_statement(d,
			 json_is_array(statements)
			     ? json_array_get(statements, i)
			     : statements,
			 i) &&
		     ok;
	return ok;
}

/* `policies/read-only.json` is `read-only`. */
static struct str
name_of(const char *file)
{
	const char *slash = strrchr(file, '/');
	struct str s = str_of(slash ? slash + 1 : file);
	size_t dot = str_find(s, '.', 1);

	return str_sub(s, 0, dot);
}

static bool
import(struct document *d, const json_t *json, struct buf *out,
    struct errors *reterr)
{
	const char *file = d->im.source.file;

	buf_printf(&d->out, "// From the IAM policy %s.\n", name_of(file).p);
	if (!write_document(d, json))
		return false;
	if (!buf_ok(&d->out)) {
		(void)errors_add(
		    reterr, ERR_LIMIT_MEMORY, SPAN_NONE, "memory ran out");
		return false;
	}
	return policy_format(file, buf_str(&d->out), POLICY_AVOW, out, reterr);
}

bool
policy_import_iam(const char *file, struct str text, struct uid principal,
    struct uid resource, struct buf *out, struct errors *reterr)
{
	struct document d = { .im = { .errors = reterr },
		.name = name_of(file),
		.principal = principal,
		.resource = resource };
	struct error err = { 0 };
	json_t *json = NULL;
	bool ok;

	d.im.arena = arena_new(0);
	ok = d.im.arena || error_nomem(&err);
	ok = ok && source_init(d.im.arena, file, text, &d.im.source, &err) &&
	     json_parse(text, file, LIMIT_IAM_BYTES, DOCUMENT_DEPTH,
		 JSON_NO_NUL, &json, &err) &&
	     json_places_new(d.im.arena, text, json, &d.im.places, &err);
	ok = ok ? import(&d, json, out, reterr) : errors_take(reterr, &err);
	json_decref(json);
	buf_free(&d.out);
	arena_free(d.im.arena);
	return ok;
}
