/* test_iam.c - IAM policies mean here what the guide says they mean there. */
#include "policy/policy.h"

#include <stdio.h>

#include "base/limits.h"
#include "tests/lib/run.h"

/* Attached to nothing. */
#define ALL ((struct uid){ 0 })

/* Double quotes are tiresome in C: ' stands for one. */
static struct str
quoted(struct arena *a, const char *text)
{
	struct str s = str_dup(a, str_of(text));

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\'')
			((char *)(uintptr_t)s.p)[i] = '"';
	return s;
}

/* ---- text ------------------------------------------------------------------
 */

static const struct {
	const char *statement, *want;
} texts[] = {
	{ "'Action':'*','Resource':'*'",
	    "permit (principal, action, resource);" },
	{ "'Action':'s3:GetObject','Resource':'arn:aws:s3:::b/k'",
	    "permit (\n    principal,\n"
	    "    action == Action::'s3:getobject',\n"
	    "    resource == Resource::'arn:aws:s3:::b/k'\n);" },
	{ "'Action':['S3:Get*'],'Resource':'arn:aws:s3:::b/*'",
	    "permit (\n    principal,\n"
	    "    action like Action::'s3:get*',\n"
	    "    resource like Resource::'arn:aws:s3:::b/*'\n);" },
	{ "'NotAction':['iam:A','iam:B'],'Resource':'*'",
	    "permit (\n    principal,\n"
	    "    action not in [Action::'iam:a', Action::'iam:b'],\n"
	    "    resource\n);" },
	{ "'NotAction':['iam:*','sts:*','x:y'],'Resource':'*'",
	    "permit (principal, action, resource)\nwhen {\n"
	    "    !(['x:y'].contains(context.action) ||\n"
	    "      context.action like 'iam:*' || context.action like "
	    "'sts:*')\n"
	    "};" },
	{ "'Action':'*','Resource':['a:b:c:d:e:f','a:b:c:d:e:g']",
	    "permit (principal, action, resource)\nwhen {\n"
	    "    [Resource::'a:b:c:d:e:f', Resource::'a:b:c:d:e:g']."
	    "contains(resource)\n};" },
	{ "'Action':'*','NotResource':'a:b:c:d:e:f'",
	    "permit (\n    principal,\n    action,\n"
	    "    resource != Resource::'a:b:c:d:e:f'\n);" },
	{ "'Principal':{'AWS':['123456789012',"
	  "'arn:aws:iam::210987654321:root'],'Service':'ec2.amazonaws.com'},"
	  "'Action':'*','Resource':'*'",
	    "permit (\n    principal in [\n"
	    "        Account::'123456789012',\n"
	    "        Account::'210987654321',\n"
	    "        Service::'ec2.amazonaws.com'\n    ],\n"
	    "    action,\n    resource\n);" },
	{ "'NotPrincipal':{'AWS':'arn:aws:iam::1:user/a'},"
	  "'Action':'*','Resource':'*'",
	    "permit (\n    principal not in [AWS::'arn:aws:iam::1:user/a'],\n"
	    "    action,\n    resource\n);" },
};

static struct str
document(struct arena *a, const char *statement)
{
	return quoted(a, str_printf(a,
			     "{'Version':'2012-10-17',"
			     "'Statement':{'Effect':'Allow',%s}}",
			     statement)
			     .p);
}

/* Blanks are the formatter's business. */
static struct str
squeezed(struct arena *a, struct str s)
{
	char *out = ARENA_ARRAY(a, s.n + 1, char);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != ' ' && s.p[i] != '\n')
			out[n++] = s.p[i];
	return (struct str){ out, n };
}

static struct str
imported(struct arena *a, struct str text)
{
	struct errors errors = { 0 };
	struct buf out = { 0 };
	struct str copy;
	bool ok =
	    policy_import_iam("x/doc.json", text, ALL, ALL, &out, &errors);

	ck_assert_msg(ok, "%.*s: %s", STR_ARG(text), errors.e[0].msg);
	copy = str_dup(a, buf_str(&out));
	buf_free(&out);
	return copy;
}

START_TEST(writes)
{
	struct arena *a = arena_new(0);
	struct str got = imported(a, document(a, texts[_i].statement));
	struct str want =
	    str_printf(a, "//FromtheIAMpolicydoc.json.@id(\"doc/1\")%.*s",
		STR_ARG(squeezed(a, quoted(a, texts[_i].want))));

	got = squeezed(a, got);
	ck_assert_msg(str_eq(got, want), "got %.*s\nwant %.*s", STR_ARG(got),
	    STR_ARG(want));
	arena_free(a);
}
END_TEST

START_TEST(attaches)
{
	struct arena *a = arena_new(0);
	struct errors errors = { 0 };
	struct buf out = { 0 };

	ck_assert(policy_import_iam("doc.json", document(a, "'Action':'*'"),
	    (struct uid){ STR("Role"), STR("r") },
	    (struct uid){ STR("Resource"), STR("b") }, &out, &errors));
	ck_assert(str_has_suffix(squeezed(a, buf_str(&out)),
	    STR("permit(principalinRole::\"r\",action,"
		"resourceinResource::\"b\");")));
	buf_free(&out);
	arena_free(a);
}
END_TEST

/* ---- meaning ---------------------------------------------------------------
 */

#define ANY "'Action':'*','Resource':'*'"
#define COND(c) ANY ",'Condition':{" c "}"

static const struct {
	const char *statement, *action, *resource, *context;
	enum eval_outcome want;
} meanings[] = {
	/* Actions have no case; a `*` is any run. */
	{ "'Action':'S3:GET*','Resource':'*'", "s3:getobject", "r", "",
	    EVAL_TRUE },
	{ "'Action':'S3:GET*','Resource':'*'", "s3:putobject", "r", "",
	    EVAL_FALSE },
	{ "'Action':'s3:?etObject','Resource':'*'", "s3:getobject", "r", "",
	    EVAL_TRUE },
	{ "'Action':'s3:?etObject','Resource':'*'", "s3:etobject", "r", "",
	    EVAL_FALSE },
	{ "'Action':['s3:G*','s3:P*','ec2:Run'],'Resource':'*'", "ec2:run", "r",
	    "", EVAL_TRUE },
	{ "'Action':['s3:G*','s3:P*','ec2:Run'],'Resource':'*'", "ec2:runs",
	    "r", "", EVAL_FALSE },
	{ "'Action':['a:*x','b:*x'],'Resource':'*'", "a:b:cx", "r", "",
	    EVAL_TRUE },
	{ "'NotAction':['iam:*','sts:*'],'Resource':'*'", "iam:get", "r", "",
	    EVAL_FALSE },
	{ "'NotAction':['iam:*','sts:*'],'Resource':'*'", "s3:get", "r", "",
	    EVAL_TRUE },
	/* Resources. */
	{ "'Action':'*','Resource':'arn:aws:s3:::b/*'", "a", "arn:aws:s3:::b/x",
	    "", EVAL_TRUE },
	{ "'Action':'*','Resource':'arn:aws:s3:::b/*'", "a", "arn:aws:s3:::c/x",
	    "", EVAL_FALSE },
	{ "'Action':'*','Resource':'arn:aws:s3:::b/${*}x'", "a",
	    "arn:aws:s3:::b/*x", "", EVAL_TRUE },
	{ "'Action':'*','Resource':'arn:aws:s3:::b/${*}x'", "a",
	    "arn:aws:s3:::b/yx", "", EVAL_FALSE },
	{ "'Action':'*','Resource':'arn:aws:e*2:r:1:i/x'", "a",
	    "arn:aws:ec2:r:1:i/x", "", EVAL_TRUE },
	{ "'Action':'*','Resource':'arn:aws:e*2:r:1:i/x'", "a",
	    "arn:aws:e:2:r:1:i/x", "", EVAL_FALSE },
	{ "'Action':'*','NotResource':['a:b:c:d:e:*','x']", "a", "a:b:c:d:e:f",
	    "", EVAL_FALSE },
	{ "'Action':'*','NotResource':['a:b:c:d:e:*','x']", "a", "y", "",
	    EVAL_TRUE },
	{ "'Action':'*','Resource':'arn:aws:s3:::b/${aws:username}/*'", "a",
	    "arn:aws:s3:::b/eve/x", "'aws:username':'eve'", EVAL_TRUE },
	{ "'Action':'*','Resource':'arn:aws:s3:::b/${aws:username}/*'", "a",
	    "arn:aws:s3:::b/bob/x", "'aws:username':'eve'", EVAL_FALSE },
	{ "'Action':'*','Resource':'arn:aws:s3:::b/${aws:username}/*'", "a",
	    "arn:aws:s3:::b/eve/x", "'aws:username':'*'", EVAL_FALSE },
	{ "'Action':'*','Resource':'arn:aws:s3:::b/${aws:username}/*'", "a",
	    "arn:aws:s3:::b/eve/x", "", EVAL_ERROR },
	/* Positive and negated tests on keys that are there, or not. */
	{ COND("'StringEquals':{'K':'v'}"), "a", "r", "'k':'v'", EVAL_TRUE },
	{ COND("'StringEquals':{'k':'v'}"), "a", "r", "'k':'V'", EVAL_FALSE },
	{ COND("'StringEquals':{'k':'v'}"), "a", "r", "", EVAL_FALSE },
	{ COND("'StringEquals':{'k':['v','w']}"), "a", "r", "'k':'w'",
	    EVAL_TRUE },
	{ COND("'StringEquals':{'k':'*'}"), "a", "r", "'k':'x'", EVAL_FALSE },
	{ COND("'StringEquals':{'k':'v','l':'v'}"), "a", "r", "'k':'v','l':'w'",
	    EVAL_FALSE },
	{ COND("'StringNotEquals':{'k':['v','w']}"), "a", "r", "'k':'w'",
	    EVAL_FALSE },
	{ COND("'StringNotEquals':{'k':['v','w']}"), "a", "r", "'k':'x'",
	    EVAL_TRUE },
	{ COND("'StringNotEquals':{'k':'v'}"), "a", "r", "", EVAL_TRUE },
	{ COND("'StringEqualsIfExists':{'k':'v'}"), "a", "r", "", EVAL_TRUE },
	{ COND("'StringEqualsIfExists':{'k':'v'}"), "a", "r", "'k':'w'",
	    EVAL_FALSE },
	{ COND("'StringNotEqualsIfExists':{'k':'v'}"), "a", "r", "'k':'v'",
	    EVAL_FALSE },
	{ COND("'StringEqualsIgnoreCase':{'k':'Ab+'}"), "a", "r", "'k':'aB+'",
	    EVAL_TRUE },
	{ COND("'StringEqualsIgnoreCase':{'k':'Ab+'}"), "a", "r", "'k':'abb'",
	    EVAL_FALSE },
	{ COND("'StringEqualsIgnoreCase':{'k':'k'}"), "a", "r",
	    "'k':'\xe2\x84\xaa'", EVAL_FALSE },
	{ COND("'StringLike':{'k':['a*z','b?d']}"), "a", "r", "'k':'a:/z'",
	    EVAL_TRUE },
	{ COND("'StringLike':{'k':['a*z','b?d']}"), "a", "r", "'k':'bd'",
	    EVAL_FALSE },
	{ COND("'StringLike':{'k':['a*z','b?d']}"), "a", "r", "'k':'bcd'",
	    EVAL_TRUE },
	{ COND("'StringNotLike':{'k':'a*'}"), "a", "r", "'k':'ab'",
	    EVAL_FALSE },
	{ COND("'StringEquals':{'k':'${aws:username}'}"), "a", "r",
	    "'k':'u','aws:username':'u'", EVAL_TRUE },
	{ COND("'StringEquals':{'k':'${aws:username}'}"), "a", "r", "'k':'u'",
	    EVAL_FALSE },
	{ COND("'StringNotEquals':{'k':'${aws:PrincipalAccount}'}"), "a", "r",
	    "'k':'1','aws:principalaccount':'2'", EVAL_TRUE },
	{ COND("'ArnLike':{'k':'arn:aws:*:*:1:x/*'}"), "a", "r",
	    "'k':'arn:aws:s3:eu:1:x/y:z'", EVAL_TRUE },
	{ COND("'ArnLike':{'k':'arn:aws:*:*:1:x/*'}"), "a", "r",
	    "'k':'arn:aws:s3:eu:us:1:x/y'", EVAL_FALSE },
	{ COND("'ArnNotEquals':{'k':'arn:aws:s3:::x'}"), "a", "r",
	    "'k':'arn:aws:s3:::x'", EVAL_FALSE },
	/* Other kinds. */
	{ COND("'NumericLessThanEquals':{'k':'5'}"), "a", "r", "'k':5",
	    EVAL_TRUE },
	{ COND("'NumericLessThan':{'k':[5,9]}"), "a", "r", "'k':7", EVAL_TRUE },
	{ COND("'NumericNotEquals':{'k':[5,9]}"), "a", "r", "'k':9",
	    EVAL_FALSE },
	{ COND("'DateGreaterThan':{'aws:CurrentTime':'2026-01-01T00:00:00Z'}"),
	    "a", "r", "'now':{'__extn':{'fn':'datetime','arg':'2026-01-02'}}",
	    EVAL_TRUE },
	{ COND("'DateLessThan':{'aws:CurrentTime':'1767225600'}"), "a", "r",
	    "'now':{'__extn':{'fn':'datetime','arg':'2026-01-02'}}",
	    EVAL_FALSE },
	{ COND("'Bool':{'k':'true'}"), "a", "r", "'k':true", EVAL_TRUE },
	{ COND("'Bool':{'k':false}"), "a", "r", "'k':true", EVAL_FALSE },
	{ COND("'IpAddress':{'aws:SourceIp':['10.0.0.0/8','::1/128']}"), "a",
	    "r", "'sourceIp':{'__extn':{'fn':'ip','arg':'10.2.3.4'}}",
	    EVAL_TRUE },
	{ COND("'NotIpAddress':{'aws:SourceIp':'10.0.0.0/8'}"), "a", "r",
	    "'sourceIp':{'__extn':{'fn':'ip','arg':'10.2.3.4'}}", EVAL_FALSE },
	{ COND("'Null':{'k':'true'}"), "a", "r", "", EVAL_TRUE },
	{ COND("'Null':{'k':['false']}"), "a", "r", "'k':1", EVAL_TRUE },
	{ COND("'Null':{'k':'true'}"), "a", "r", "'k':1", EVAL_FALSE },
	/* Sets. */
	{ COND("'ForAllValues:StringEquals':{'k':['a','b']}"), "a", "r",
	    "'k':['a']", EVAL_TRUE },
	{ COND("'ForAllValues:StringEquals':{'k':['a','b']}"), "a", "r",
	    "'k':['a','c']", EVAL_FALSE },
	{ COND("'ForAllValues:StringEquals':{'k':'a'}"), "a", "r", "'k':[]",
	    EVAL_TRUE },
	{ COND("'ForAllValues:StringEquals':{'k':'a'}"), "a", "r", "",
	    EVAL_TRUE },
	{ COND("'ForAnyValue:StringEquals':{'k':['a','b']}"), "a", "r",
	    "'k':['c','b']", EVAL_TRUE },
	{ COND("'ForAnyValue:StringEquals':{'k':'a'}"), "a", "r", "",
	    EVAL_FALSE },
	{ COND("'ForAnyValue:StringEquals':{'k':'a'}"), "a", "r", "'k':[]",
	    EVAL_FALSE },
	{ COND("'ForAllValues:StringNotEquals':{'k':['a','b']}"), "a", "r",
	    "'k':['c','b']", EVAL_FALSE },
	{ COND("'ForAllValues:StringNotEquals':{'k':['a','b']}"), "a", "r",
	    "'k':['c']", EVAL_TRUE },
	{ COND("'ForAnyValue:StringNotEquals':{'k':['a','b']}"), "a", "r",
	    "'k':['c','b']", EVAL_TRUE },
	{ COND("'ForAnyValue:StringNotEquals':{'k':['a','b']}"), "a", "r",
	    "'k':['a','b']", EVAL_FALSE },
	{ COND("'ForAnyValue:StringNotEquals':{'k':['a','b']}"), "a", "r", "",
	    EVAL_FALSE },
	{ COND("'ForAnyValue:StringLike':{'k':['a*','b?']}"), "a", "r",
	    "'k':['x','bc']", EVAL_TRUE },
	{ COND("'ForAnyValue:StringLike':{'k':['a*','b?']}"), "a", "r",
	    "'k':['x','b']", EVAL_FALSE },
	{ COND("'ForAllValues:StringLike':{'k':['a*','b?']}"), "a", "r",
	    "'k':['a','bc']", EVAL_TRUE },
	{ COND("'ForAllValues:StringLike':{'k':['a*','b?']}"), "a", "r",
	    "'k':['a','bcd']", EVAL_FALSE },
	{ COND("'ForAllValues:StringNotLike':{'k':'a*'}"), "a", "r",
	    "'k':['b','ab']", EVAL_FALSE },
	{ COND("'ForAnyValue:StringNotLike':{'k':['a*','b*']}"), "a", "r",
	    "'k':['ax','c']", EVAL_TRUE },
	{ COND("'ForAnyValue:StringLikeIfExists':{'k':'a*'}"), "a", "r", "",
	    EVAL_TRUE },
};

/* The one policy of `text`, on a request that tells its ids as text too. */
static enum eval_outcome
outcome(struct arena *a, struct str text, const char *action,
    const char *resource, const char *context)
{
	struct policy_set *set = policy_set_new(POLICY_BY_POSITION);
	struct errors errors = { 0 };
	struct error err = { 0 };
	struct str data =
	    quoted(a, str_printf(a, "{'action':'%s','resource':'%s'%s%s}",
			  action, resource, *context ? "," : "", context)
			  .p);
	struct eval_request r = { { STR_INIT("AWS"), STR_INIT("p") },
		{ STR_INIT("Action"), str_of(action) },
		{ STR_INIT("Resource"), str_of(resource) }, NULL, NULL };
	struct value record;
	enum eval_outcome got;
	json_t *json;

	ck_assert(json_parse(data, "c", 10000, 20, JSON_NO_NUL, &json, &err));
	ck_assert(value_from_json(a, json, "context", &record, &err));
	r.context = &record;
	ck_assert_msg(
	    policy_set_add_text(set, "t", text, POLICY_AVOW, &errors) &&
		policy_set_finish(set, &errors),
	    "%.*s: %s", STR_ARG(text), errors.e[0].msg);
	ck_assert_uint_eq(policy_set_count(set), 1);
	got = policy_eval(set, 0, &r, a, NULL, &err);
	json_decref(json);
	policy_set_free(set);
	return got;
}

START_TEST(means)
{
	struct arena *a = arena_new(0);
	struct str text = imported(a, document(a, meanings[_i].statement));
	enum eval_outcome got = outcome(a, text, meanings[_i].action,
	    meanings[_i].resource, meanings[_i].context);

	ck_assert_msg(got == meanings[_i].want,
	    "%s on %s: got %d, want %d\n%.*s", meanings[_i].statement,
	    meanings[_i].context, got, meanings[_i].want, STR_ARG(text));
	arena_free(a);
}
END_TEST

/* ---- refusals ---------------------------------------------------------------
 */

/* The place is that of the text between < and >. */
static const struct {
	const char *text;
	enum err_code code;
} refusals[] = {
	{ "<[]>", ERR_IMPORT_SHAPE },
	{ "<null>", ERR_IMPORT_SHAPE },
	{ "<{'Version':'2012-10-17'}>", ERR_IMPORT_SHAPE },
	{ "{'Statement':<[]>}", ERR_IMPORT_SHAPE },
	{ "{'Statement':[<1>]}", ERR_IMPORT_SHAPE },
	{ "{'Version':<'2020-01-01'>,'Statement':{'Effect':'Allow',"
	  "'Action':'*','Resource':'*'}}",
	    ERR_IMPORT_SHAPE },
	{ "{'Statement':<{'Action':'*','Resource':'*'}>}", ERR_IMPORT_SHAPE },
	{ "{'Statement':{'Effect':<'allow'>,'Action':'*','Resource':'*'}}",
	    ERR_IMPORT_SHAPE },
	{ "{'Statement':{'Effect':'Allow','Action':'*',<'Resources'>:'*'}}",
	    ERR_IMPORT_SHAPE },
	{ "{'Statement':<{'Effect':'Allow','Resource':'*'}>}",
	    ERR_IMPORT_SHAPE },
	{ "{'Statement':{'Effect':'Allow','Action':'*',<'NotAction'>:'a:b',"
	  "'Resource':'*'}}",
	    ERR_IMPORT_SHAPE },
	{ "{'Statement':{'Effect':'Allow','Action':<[]>,'Resource':'*'}}",
	    ERR_IMPORT_SHAPE },
	{ "{'Statement':{'Effect':'Allow','NotAction':<'*'>,'Resource':'*'}}",
	    ERR_IMPORT_INEXACT },
	{ "{'Statement':{'Effect':'Allow','Action':'*','Resource':<''>}}",
	    ERR_IMPORT_SHAPE },
	{ "{'Statement':{'Effect':'Allow','Action':'*','Resource':'*',"
	  "'Principal':{'AWS':<'arn:aws:iam::1:user/*'>}}}",
	    ERR_IMPORT_INEXACT },
	{ "{'Statement':{'Effect':'Allow','Action':'*','Resource':'*',"
	  "'NotPrincipal':<'*'>}}",
	    ERR_IMPORT_INEXACT },
	{ "{'Statement':{'Effect':'Allow','Action':'*','Resource':'*',"
	  "'Principal':{<'aws'>:'1'}}}",
	    ERR_IMPORT_SHAPE },
	{ "{'Statement':[{'Sid':'a','Effect':'Allow','Action':'*',"
	  "'Resource':'*'},{'Sid':<'a'>,'Effect':'Deny','Action':'*',"
	  "'Resource':'*'}]}",
	    ERR_IMPORT_SHAPE },
	{ "{'Version':'2012-10-17','Statement':{'Effect':'Deny','Action':'*',"
	  "'Resource':<'a:${aws:username}'>}}",
	    ERR_IMPORT_INEXACT },
	{ "{'Version':'2012-10-17','Statement':{'Effect':'Allow','Action':'*',"
	  "'Resource':<'a:${aws:username, 'x'}'>}}",
	    ERR_JSON_SYNTAX },
	{ "{'Version':'2012-10-17','Statement':{'Effect':'Allow','Action':'*',"
	  "'Resource':<'a:${aws:username, x}'>}}",
	    ERR_IMPORT_INEXACT },
	{ "{'Version':'2012-10-17','Statement':{'Effect':'Allow','Action':'*',"
	  "'Resource':<'a:${aws:username'>}}",
	    ERR_IMPORT_SHAPE },
};

static const struct {
	const char *text;
	enum err_code code;
} conditions[] = {
	{ "<[]>", ERR_IMPORT_SHAPE },
	{ "{'StringEquals':<'x'>}", ERR_IMPORT_SHAPE },
	{ "{<'BinaryEquals'>:{'k':'eA=='}}", ERR_IMPORT_INEXACT },
	{ "{<'stringequals'>:{'k':'v'}}", ERR_IMPORT_INEXACT },
	{ "{<'ForAllValues:NumericEquals'>:{'k':'1'}}", ERR_IMPORT_INEXACT },
	{ "{'StringEquals':{'k':<[]>}}", ERR_IMPORT_SHAPE },
	{ "{'StringEquals':{'k':[<1>]}}", ERR_IMPORT_SHAPE },
	{ "{'NumericEquals':{'k':<'1.2'>}}", ERR_IMPORT_INEXACT },
	{ "{'NumericEquals':{'k':<'9223372036854775808'>}}",
	    ERR_IMPORT_INEXACT },
	{ "{'DateEquals':{'k':<'yesterday'>}}", ERR_IMPORT_INEXACT },
	{ "{'Bool':{'k':<'yes'>}}", ERR_IMPORT_INEXACT },
	{ "{'IpAddress':{'k':<'10.0.0.0/33'>}}", ERR_IMPORT_INEXACT },
	{ "{'ArnLike':{'k':<'*'>}}", ERR_IMPORT_INEXACT },
	{ "{'StringEquals':{'k':'v'},'NumericEquals':{<'K'>:1}}",
	    ERR_IMPORT_INEXACT },
	{ "{'StringEquals':{<'aws:SourceIp'>:'10.0.0.1'}}",
	    ERR_IMPORT_INEXACT },
	{ "{'StringEquals':{'k':<'a${aws:username}'>}}", ERR_IMPORT_INEXACT },
	{ "{'StringLike':{'k':<'${aws:username}'>}}", ERR_IMPORT_INEXACT },
	{ "{'StringNotEquals':{'k':<'${aws:username}'>}}", ERR_IMPORT_INEXACT },
	{ "{'StringEquals':{'k':[<'${aws:username}'>,'b']}}",
	    ERR_IMPORT_INEXACT },
	{ "{'StringEqualsIgnoreCase':{'k':<'\xc3\xa4'>}}", ERR_IMPORT_INEXACT },
	{ "{'Null':{'k':<'maybe'>}}", ERR_IMPORT_INEXACT },
};

/* Refuse `marked`, at its mark. */
static void
check_refusal(struct arena *a, struct str marked, enum err_code code)
{
	size_t from = str_find(marked, '<', 0);
	size_t to = str_find(marked, '>', from);
	struct str text =
	    quoted(a, str_printf(a, "%.*s%.*s%.*s", (int)from, marked.p,
			  (int)(to - from - 1), marked.p + from + 1,
			  (int)(marked.n - to - 1), marked.p + to + 1)
			  .p);
	struct errors errors = { 0 };
	struct buf out = { 0 };

	ck_assert(
	    !policy_import_iam("doc.json", text, ALL, ALL, &out, &errors));
	ck_assert_uint_eq(out.n, 0);
	ck_assert_msg(errors.n == 1 && errors.e[0].code == code,
	    "%.*s: %zu errors, %s [%s]", STR_ARG(text), errors.n,
	    errors.e[0].msg, error_id(errors.e[0].code));
	if (code != ERR_JSON_SYNTAX) {
		ck_assert_uint_eq(errors.e[0].at.col, from + 1);
		ck_assert_uint_eq(errors.e[0].at.len,
		    str_utf8_len(str_sub(marked, from + 1, to)));
	}
	buf_free(&out);
}

START_TEST(refuses)
{
	struct arena *a = arena_new(0);

	check_refusal(a, str_of(refusals[_i].text), refusals[_i].code);
	arena_free(a);
}
END_TEST

START_TEST(refuses_conditions)
{
	struct arena *a = arena_new(0);

	check_refusal(a,
	    str_printf(a,
		"{'Version':'2012-10-17','Statement':{'Effect':'Deny',"
		"'Action':'*','Resource':'*','Condition':%s}}",
		conditions[_i].text),
	    conditions[_i].code);
	arena_free(a);
}
END_TEST

START_TEST(reports_each_statement)
{
	struct arena *a = arena_new(0);
	struct errors errors = { 0 };
	struct buf out = { 0 };

	ck_assert(!policy_import_iam("doc.json",
	    quoted(a, "{'Statement':[{'Effect':'Maybe','Action':'*'},\n"
		      "{'Effect':'Deny','Action':'*',\n"
		      "'Condition':{'X':{},'Y':{}}}]}"),
	    ALL, ALL, &out, &errors));
	ck_assert_uint_eq(errors.n, 3);
	ck_assert_uint_eq(errors.e[0].at.line, 1);
	ck_assert_uint_eq(errors.e[1].at.line, 3);
	ck_assert_uint_eq(errors.e[2].at.line, 3);
	arena_free(a);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("iam");
	TCase *tc = tcase_create("iam");

	tcase_add_loop_test(tc, writes, 0, ARRAY_LEN(texts));
	tcase_add_test(tc, attaches);
	tcase_add_loop_test(tc, means, 0, ARRAY_LEN(meanings));
	tcase_add_loop_test(tc, refuses, 0, ARRAY_LEN(refusals));
	tcase_add_loop_test(tc, refuses_conditions, 0, ARRAY_LEN(conditions));
	tcase_add_test(tc, reports_each_statement);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
