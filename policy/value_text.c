/* value_text.c - an entity from its policy text, as options and queries give
 * it. The escapes are those of policies. */
#include "policy/literal.h"
#include "policy/value.h"

#define SHOWN 80u

static size_t
clipped(struct str s)
{
	return s.n < SHOWN ? s.n : SHOWN;
}

/* No quote but escaped ones, and no backslash that would escape the last. */
static bool
is_one_string(struct str body)
{
	for (size_t i = 0; i < body.n; i++) {
		if (body.p[i] == '"')
			return false;
		if (body.p[i] == '\\' && ++i == body.n)
			return false;
	}
	return true;
}

bool
value_uid_from_text(
    struct arena *a, struct str text, struct uid *ret, struct error *reterr)
{
	size_t quote = str_find(text, '"', 0);
	struct str type = str_sub(text, 0, quote), body;
	struct literal_unit bad;
	const char *why = "";
	struct buf id = { 0 };
	struct uid uid;
	bool ok;

	if (quote == text.n || !str_has_suffix(type, STR("::")) ||
	    text.n < quote + 2 || text.p[text.n - 1] != '"' ||
	    !str_is_utf8(text) ||
	    !uid_type_is_valid(str_sub(type, 0, type.n - 2)))
		return error_set(reterr, ERR_SYNTAX_UNEXPECTED, SPAN_NONE,
		    "expected an entity such as `User::\"alice\"`, found "
		    "`%.*s`",
		    (int)clipped(text), text.p);
	body = str_sub(text, quote + 1, text.n - 1);
	if (!is_one_string(body) || !literal_unescape(body, &id, &bad, &why)) {
		buf_free(&id);
		return error_set(reterr, ERR_SYNTAX_STRING, SPAN_NONE,
		    "the id of `%.*s` is not one string%s%s",
		    (int)clipped(text), text.p, *why ? ": " : "", why);
	}
	uid.type = str_dup(a, str_sub(type, 0, type.n - 2));
	uid.id = str_dup(a, buf_str(&id));
	ok = uid.type.p && uid.id.p && buf_ok(&id);
	buf_free(&id);
	if (!ok)
		return error_nomem(reterr);
	*ret = uid;
	return true;
}
