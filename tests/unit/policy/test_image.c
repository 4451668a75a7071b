/* test_image.c - a set that was opened from its image says what the set says
 * that it was made of; what is no whole image is refused; and whatever an image
 * holds, with its checksum put right, is followed without going astray. */
#include "policy/image.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/lib/entities.h"
#include "tests/lib/run.h"

static const char text[] =
    "indivisible principal [U::\"a\", U::\"b\"];\n"
    "@id(\"first\") permit (principal in [U::\"a\", U::\"b\"], action,\n"
    "    resource) when { context.x == 1 };\n"
    "// a comment with \xc3\xa9\n"
    "permit (principal is U in G::\"g\", action in Action::\"all\",\n"
    "    resource like R::\"t1/*\") when { context.s like \"o*e\" ||\n"
    "    principal.tags.contains(\"dev\") };\n"
    "@note(\"\\u{41}\") @id(\"esc\\u{41}ped\")\n"
    "forbid (principal, action == Action::\"w\", resource)\n"
    "unless { principal.level > 2 };\n"
    "deny (principal not in G::\"g\", action == Action::\"r\", resource)\n"
    "when { [\"x\", \"y\"].contains(context.s) };\n"
    "permit (principal == U::\"someone with an id that fits no slot\",\n"
    "    action, resource is R) when { context.s matches \"^o.e$\" };\n"
    "permit (principal in G::\"g\", action, resource == R::\"t1/x\");\n";
static const char cedar[] =
    "permit (principal, action == Action::\"r\", resource)\n"
    "when { principal.dept == \"d1\" && resource.owner == principal };\n"
    "permit (principal == ?principal, action, resource) when\n"
    "{ context has x && context.x < 3 };\n";
static const char json[] =
    "{\"staticPolicies\":{\"js\":{\"effect\":\"permit\",\"principal\":{\"op\":"
    "\"==\",\"entity\":{\"type\":\"U\",\"id\":\"c\"}},\"action\":{\"op\":"
    "\"All\""
    "},\"resource\":{\"op\":\"All\"},\"conditions\":[{\"kind\":\"when\","
    "\"body\""
    ":{\"like\":{\"left\":{\".\":{\"left\":{\"Var\":\"context\"},\"attr\":"
    "\"s\"}"
    "},\"pattern\":[{\"Literal\":\"o\"},\"Wildcard\"]}}}]}},\"templates\":{},"
    "\"templateLinks\":[{\"templateId\":\"q.cedar#1\",\"newId\":\"link\","
    "\"values\":{\"?principal\":{\"type\":\"U\",\"id\":\"b\"}}}]}";

#define UID(type, id) "{\"type\":\"" type "\",\"id\":\"" id "\"}"
static const char data[] = "[{\"uid\":" UID("U",
    "a") ",\"attrs\":{\"level\":3,\"dept\":\"d1\"},"
	 "\"parents\":[" UID("G", "g") "]},{\"uid\":" UID("U",
	     "c") ",\"attrs\":{"
		  "\"level\":\"low\",\"tags\":[\"dev\"]},\"parents\":[" UID("G",
		      "g") "]},"
			   "{\"uid\":" UID("R",
			       "t1/x") ",\"attrs\":{\"owner\":{\"__"
				       "entity\":" UID("U",
					   "a") "}},\"parents\":[]},{"
						"\"uid\":" UID("New",
						    "n") ",\"attrs\":{},"
							 "\"parents\":[" UID(
							     "U",
							     "b") "]},{"
								  "\"uid\""
								  ":" UID("Acti"
									  "on",
								      "r") ",\""
									   "att"
									   "rs"
									   "\":"
									   "{},"
									   "\"p"
									   "are"
									   "nts"
									   "\":"
									   "[" UID(
									       "Action",
									       "all") "]}]";

/* Every kind of value, tags, and a cycle's worth of groups. */
static const char more[] =
    "[{\"uid\":{\"type\":\"R\",\"id\":\"t2\"},\"attrs\":{\"ip\":{"
    "\"__extn\":{\"fn\":\"ip\",\"arg\":\"10.0.0.0/8\"}},\"when\":{"
    "\"__extn\":{\"fn\":\"datetime\",\"arg\":\"2026-01-02\"}},\"for\":{"
    "\"__extn\":{\"fn\":\"duration\",\"arg\":\"1h30m\"}},\"d\":{"
    "\"__extn\":{\"fn\":\"decimal\",\"arg\":\"1.25\"}},\"deb\":{"
    "\"__extn\":{\"fn\":\"debversion\",\"arg\":\"1:2.0-1\"}},\"yes\":true,"
    "\"no\":false,\"n\":-9007199254740993,\"in\":{\"a\":{\"b\":[1,\"x\","
    "{\"c\":[]}]},\"\":\"\"}},\"tags\":{\"t\":\"v\"},\"parents\":[{"
    "\"type\":\"R\",\"id\":\"t1/x\"},{\"type\":\"New\",\"id\":\"n\"}]}]";

static const struct uid principals[] = { { STR_INIT("U"), STR_INIT("a") },
	{ STR_INIT("U"), STR_INIT("b") }, { STR_INIT("U"), STR_INIT("c") },
	{ STR_INIT("New"), STR_INIT("n") },
	{ STR_INIT("U"), STR_INIT("someone with an id that fits no slot") } };
static const struct uid actions[] = { { STR_INIT("Action"), STR_INIT("r") },
	{ STR_INIT("Action"), STR_INIT("w") } };
static const struct uid resources[] = { { STR_INIT("R"), STR_INIT("t1/x") },
	{ STR_INIT("R"), STR_INIT("t2") } };
static const char *const contexts[] = { "{}", "{\"x\":1,\"s\":\"one\"}",
	"{\"x\":\"1\",\"s\":\"x\"}" };

static struct arena *a;
static struct policy_set *set;
static struct entities *own; /* what goes into the image */
static struct buf image;
static char path[64];
static int fd;

static void
put(struct str bytes)
{
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(pwrite(fd, bytes.p, bytes.n, 0), (ssize_t)bytes.n);
}

/* Far from the policy before it, and in the middle of a line. */
static void
add_far(struct errors *e)
{
	struct buf far = { 0 };

	for (int i = 0; i < 400; i++)
		buf_addz(&far, "// \xc3\xa9, again and again\n");
	buf_addz(&far,
	    "permit (principal, action, resource) when { context.s == "
	    "\"\xc3\xa9\" };\t@id(\"mid\")\n\n  deny (principal, action, "
	    "resource) when { "
	    "context.s == \"\xc3\xa9\" && context.x == 3 };forbid "
	    "(principal, action == Action::\"w\", resource) when { "
	    "context.x\n== 7 };\n\n// the end");
	ck_assert_msg(
	    policy_set_add_text(set, "s.avow", buf_str(&far), POLICY_AVOW, e),
	    "%s", e->e[0].msg);
	buf_free(&far);
}

static void
setup(void)
{
	struct errors e = { 0 };
	struct error err = { 0 };

	a = arena_new(0);
	fd = memfd_create("image", MFD_CLOEXEC);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	set = policy_set_new(POLICY_NAMED);
	ck_assert_msg(
	    policy_set_add_text(set, "p.avow", str_of(text), POLICY_AVOW, &e) &&
		policy_set_add_text(
		    set, "q.cedar", str_of(cedar), POLICY_CEDAR, &e) &&
		policy_set_add_json(set, "r.json", str_of(json), &e),
	    "%s", e.e[0].msg);
	add_far(&e);
	ck_assert_msg(policy_set_finish(set, &e), "%s", e.e[0].msg);
	own = entities_new(a, NULL);
	ck_assert_msg(entities_add_text(own, str_of(data), "e.json", &err) &&
			  entities_add_text(own, str_of(more), "f", &err) &&
			  entities_finish(own, &err),
	    "%s", err.msg);
	image = (struct buf){ 0 };
	ck_assert_msg(
	    policy_image_make(set, own, NULL, &image, &err), "%s", err.msg);
	put(buf_str(&image));
}

static void
teardown(void)
{
	(void)close(fd);
	policy_set_free(set);
	buf_free(&image);
	arena_free(a);
}

static struct policy_set *
opened(void)
{
	struct error err = { 0 };
	struct policy_set *got;

	ck_assert_msg(policy_image_open(path, NULL, &got, &err), "%s", err.msg);
	return got;
}

static struct entities *
layer_of(struct str json_text)
{
	struct entities *layer = entities_new(a, NULL);
	struct error err = { 0 };

	ck_assert_msg(entities_add_text(layer, json_text, "e.json", &err) &&
			  entities_finish(layer, &err),
	    "%s", err.msg);
	return layer;
}

static struct value
context_of(const char *json_text)
{
	struct value v;
	json_t *j = json_loads(json_text, 0, NULL);

	ck_assert(value_from_json(a, j, "context", &v, NULL));
	json_decref(j);
	return v;
}

#define REQUESTS                                                               \
	(ARRAY_LEN(principals) * ARRAY_LEN(actions) * ARRAY_LEN(resources) *   \
	    ARRAY_LEN(contexts))

static struct eval_request
request_at(size_t i, const struct entities *layer, struct value *context)
{
	*context = context_of(contexts[i % ARRAY_LEN(contexts)]);
	i /= ARRAY_LEN(contexts);
	return (struct eval_request){ principals[i / 4 % ARRAY_LEN(principals)],
		actions[i / 2 % 2], resources[i % 2], context, layer };
}

/* ---- the same --------------------------------------------------------------
 */

static void
same_error(const struct error *x, const struct error *y)
{
	ck_assert_int_eq(x->code, y->code);
	ck_assert_str_eq(x->msg, y->msg);
	ck_assert_str_eq(
	    x->at.file ? x->at.file : "", y->at.file ? y->at.file : "");
	ck_assert_uint_eq(x->at.line, y->at.line);
	ck_assert_uint_eq(x->at.col, y->at.col);
}

static void
same_policy(const struct policy_set *got, uint32_t i)
{
	struct policy_info x = policy_set_info(set, i);
	struct policy_info y = policy_set_info(got, i);
	struct buf xs = { 0 }, ys = { 0 };

	ck_assert_int_eq(x.effect, y.effect);
	ck_assert_int_eq(policy_set_effect(got, i), x.effect);
	ck_assert_msg(
	    str_eq(x.id, y.id), "%.*s and %.*s", STR_ARG(x.id), STR_ARG(y.id));
	ck_assert_str_eq(x.at.file, y.at.file);
	ck_assert_uint_eq(x.at.line, y.at.line);
	ck_assert_uint_eq(x.at.col, y.at.col);
	policy_print(set, i, &xs);
	policy_print(got, i, &ys);
	ck_assert_msg(str_eq(buf_str(&xs), buf_str(&ys)), "%.*s\n%.*s",
	    STR_ARG(buf_str(&xs)), STR_ARG(buf_str(&ys)));
	buf_free(&xs);
	buf_free(&ys);
}

static void
same_file(const struct policy_set *got, uint32_t i)
{
	struct str x, y;

	ck_assert_str_eq(
	    policy_set_file_name(set, i), policy_set_file_name(got, i));
	ck_assert(policy_set_file_text(set, i, &x) &&
		  policy_set_file_text(got, i, &y));
	ck_assert(str_eq(x, y));
}

static void
same_list(const uint32_t *x, size_t n, const uint32_t *y, size_t m)
{
	ck_assert_uint_eq(n, m);
	for (size_t i = 0; i < n; i++)
		ck_assert_uint_eq(x[i], y[i]);
}

static void
same_decision(const struct policy_set *got, const struct policy_index *ix,
    const struct policy_index *jx, const struct eval_request *r,
    const struct eval_request *other)
{
	struct policy_found x, y;

	ck_assert(policy_index_find(ix, r, a, &x));
	ck_assert(policy_index_find(jx, other, a, &y));
	ck_assert(!x.is_walk && !y.is_walk);
	for (size_t e = 0; e < 2; e++)
		same_list(x.satisfied[e], x.n_satisfied[e], y.satisfied[e],
		    y.n_satisfied[e]);
	same_list(x.doubtful, x.n_doubtful, y.doubtful, y.n_doubtful);
	for (uint32_t i = 0; i < policy_set_count(set); i++) {
		struct error xe = { 0 }, ye = { 0 };

		ck_assert_int_eq(policy_eval(set, i, r, a, NULL, &xe),
		    policy_eval(got, i, other, a, NULL, &ye));
		same_error(&xe, &ye);
	}
}

/* Somebody new in a loaded one, and a loaded one in more. */
static struct entities *
request_over(const struct entities *below)
{
	struct uid parents[] = { { STR("U"), STR("c") },
		{ STR("G"), STR("h") } };
	struct entity new = { .uid = { STR("U"), STR("b") },
		.parents = parents,
		.n_parents = 1 };
	struct entities *layer = entities_new(a, below);
	struct uid *kept = ARENA_ARRAY(a, 2, struct uid);

	memcpy(kept, parents, sizeof parents);
	new.parents = kept;
	ck_assert(entities_add(layer, &new, NULL));
	new.uid = (struct uid){ STR("G"), STR("g") };
	new.parents = kept + 1;
	ck_assert(
	    entities_add(layer, &new, NULL) && entities_finish(layer, NULL));
	return layer;
}

START_TEST(says_the_same)
{
	/* Alone, with entities that policies do not name, with its own where
	 * they lie, and with a request's over these. */
	struct policy_set *got = opened();
	const struct entities *layer =
	    _i > 1 ? own : layer_of(_i ? str_of(data) : STR("[]"));
	const struct entities *lent = _i > 1 ? policy_set_entities(got) : layer;
	struct policy_index *ix, *jx;
	const struct uid *xs, *ys;
	size_t n, m;

	ck_assert_uint_eq(policy_set_count(set), policy_set_count(got));
	ck_assert_uint_eq(policy_set_links(got), 1);
	ck_assert_uint_eq(policy_set_templates(got), 1);
	ck_assert_uint_eq(policy_set_files(got), 4);
	for (uint32_t i = 0; i < 4; i++)
		same_file(got, i);
	ck_assert(str_eq(policy_set_version(set), policy_set_version(got)));
	for (uint32_t i = 0; i < policy_set_count(set); i++)
		same_policy(got, i);
	ck_assert(policy_set_actions(set, a, &xs, &n, NULL) &&
		  policy_set_actions(got, a, &ys, &m, NULL));
	ck_assert_uint_eq(n, m);
	for (size_t i = 0; i < n; i++)
		ck_assert(uid_eq(xs[i], ys[i]));
	ck_assert(policy_index_new(set, layer, &ix, NULL));
	ck_assert(policy_index_new(got, lent, &jx, NULL));
	if (_i == 3) {
		layer = request_over(layer);
		lent = request_over(lent);
	}
	for (size_t i = 0; i < REQUESTS; i++) {
		struct value context;
		struct eval_request r = request_at(i, layer, &context),
				    other = r;

		other.entities = lent;
		same_decision(got, ix, jx, &r, &other);
	}
	policy_index_free(ix);
	policy_index_free(jx);
	policy_set_free(got);
}
END_TEST

/* The texts of an image, added to a set, are that set again. */
START_TEST(is_its_texts)
{
	struct policy_set *got = policy_set_new(POLICY_NAMED);
	struct entities *layer = entities_new(a, NULL);
	struct errors e = { 0 };
	const struct policy_data *brought;
	struct buf again = { 0 };

	ck_assert_msg(
	    policy_set_add_path(got, path, &e) && policy_set_finish(got, &e),
	    "%s", e.e[0].msg);
	ck_assert(str_eq(policy_set_version(set), policy_set_version(got)));
	ck_assert_uint_eq(policy_set_data(got, &brought), 2);
	ck_assert_str_eq(brought[0].file, "e.json");
	ck_assert_str_eq(brought[1].file, "f");
	for (size_t i = 0; i < 2; i++)
		ck_assert(entities_add_text(
		    layer, brought[i].text, brought[i].file, NULL));
	ck_assert(entities_finish(layer, NULL));
	ck_assert(policy_image_make(got, layer, NULL, &again, NULL));
	ck_assert_uint_eq(again.n, image.n);
	ck_assert_int_eq(memcmp(again.p, image.p, again.n), 0);
	buf_free(&again);
	policy_set_free(got);
}
END_TEST

static void
same_record(const struct entity *x, const struct entity *y)
{
	ck_assert(uid_eq(x->uid, y->uid));
	ck_assert(value_eq(&x->attrs, &y->attrs));
	ck_assert(value_eq(&x->tags, &y->tags));
	ck_assert_str_eq(x->from, y->from);
	ck_assert_uint_eq(x->n_parents, y->n_parents);
	for (size_t i = 0; i < x->n_parents; i++)
		ck_assert(uid_eq(x->parents[i], y->parents[i]));
}

/* Where they lie, entities are what they were; so is their copy. */
START_TEST(keeps_entities)
{
	struct policy_set *got = opened();
	const struct entities *lent = policy_set_entities(got);
	struct entities *copy = entities_copy(a, lent);
	const struct entity *x, *y, *z;

	ck_assert(entities_is_lent(lent) && !entities_is_lent(copy));
	ck_assert(entities_finish(copy, NULL));
	ck_assert_uint_eq(entities_count(lent), entities_count(own));
	for (size_t i = 0; i < entities_count(own); i++) {
		x = record_at(own, i);
		ck_assert(entities_find(lent, x->uid, a, &y, NULL));
		same_record(x, y);
		ck_assert(entities_at(lent, i, a, &z, NULL));
		same_record(y, z);
		same_record(z, record_at(copy, i));
		ck_assert(entities_has(lent, x->uid));
		for (size_t k = 0; k < entities_count(own); k++) {
			struct uid above = entities_uid_at(own, k);

			ck_assert_int_eq(entities_in(own, x->uid, above),
			    entities_in(lent, x->uid, above));
		}
	}
	ck_assert(!entities_has(lent, principals[4]));
	ck_assert(entities_in(
	    lent, resources[1], (struct uid){ STR("U"), STR("b") }));
	policy_set_free(got);
}
END_TEST

/* ---- refused ---------------------------------------------------------------
 */

static void
refused(const char *why, enum err_code code)
{
	struct policy_set *got = NULL;
	struct error err = { 0 };

	ck_assert_msg(
	    !policy_image_open(path, NULL, &got, &err), "%s: taken", why);
	ck_assert_int_eq(err.code, code);
	ck_assert_msg(strstr(err.msg, why), "got %s, want %s", err.msg, why);
}

static void
mend(struct buf *b)
{
	struct image_head head;

	memcpy(&head, b->p, sizeof head);
	head.checksum = 0;
	if (head.n_bytes <= b->n)
		head.checksum =
		    image_checksum((struct str){ b->p, head.n_bytes });
	memcpy(b->p, &head, sizeof head);
}

START_TEST(cut_short)
{
	for (size_t n = 1; n < image.n; n += n < 200 ? 1 : 97) {
		put((struct str){ image.p, n });
		refused(n < 8 ? "no image" : "cut short", ERR_FILE_IMAGE);
	}
	put((struct str){ 0 });
	refused("empty", ERR_FILE_READ);
}
END_TEST

/* Texts that say something else, with a checksum that is right: a policy is
 * then another, or none; none is taken for one that does not hold, and no other
 * set takes a file that is none. */
START_TEST(other_texts)
{
	const struct image_section *sections =
	    (const void *)(image.p + sizeof(struct image_head));
	size_t from = sections[IMAGE_AT_packed].at;
	size_t to = from + sections[IMAGE_AT_packed].n;
	struct entities *layer = layer_of(STR("[]"));
	size_t n_failed = 0, n_refused = 0;

	for (size_t i = from; i < to; i += 3) {
		struct policy_set *got = NULL;
		struct policy_set *other = policy_set_new(POLICY_NAMED);
		struct errors e = { 0 };
		struct error why = { 0 };
		struct value context;
		struct eval_request r = request_at(1, layer, &context);

		image.p[i] ^= 0x55;
		mend(&image);
		put(buf_str(&image));
		/* One with a pattern is read at once. */
		ck_assert(policy_image_open(path, NULL, &got, &why) ||
			  why.code == ERR_FILE_IMAGE);
		for (uint32_t k = 0; got && k < policy_set_count(set); k++) {
			struct error err = { 0 };
			enum eval_outcome outcome =
			    policy_eval(got, k, &r, a, NULL, &err);

			(void)policy_set_info(got, k);
			if (err.code != ERR_FILE_IMAGE)
				continue;
			ck_assert_int_eq(outcome, EVAL_ERROR);
			n_failed++;
		}
		n_refused += !policy_set_add_path(other, path, &e);
		policy_set_free(other);
		policy_set_free(got);
		image.p[i] ^= 0x55;
	}
	ck_assert_uint_gt(n_failed, 10);
	ck_assert_uint_gt(n_refused, 10);
}
END_TEST

/* What look-ups compare instead of a type's name is what the name says: each
 * byte of it, and of the name's place, is altered in turn. */
START_TEST(other_types)
{
	const struct image_section *s =
	    (const void *)(image.p + sizeof(struct image_head));
	struct entities *layer = layer_of(STR("[]"));

	s += IMAGE_OWN_SECTIONS;
	for (size_t i = 0;
	     image_parts[i].member != offsetof(struct policy_index, types); i++)
		s++;
	ck_assert_uint_gt(s->n, 2);
	for (size_t i = 0; i < s->n * sizeof(struct index_type); i++) {
		struct policy_set *got;
		struct policy_index *ix;
		struct error err = { 0 };

		if (i % sizeof(struct index_type) >=
		    offsetof(struct index_type, atom))
			continue;
		image.p[s->at + i] ^= 0x10;
		mend(&image);
		put(buf_str(&image));
		ck_assert(policy_image_open(path, NULL, &got, NULL));
		ck_assert(!policy_index_new(got, layer, &ix, &err));
		ck_assert_int_eq(err.code, ERR_FILE_IMAGE);
		policy_set_free(got);
		image.p[s->at + i] ^= 0x10;
	}
}
END_TEST

START_TEST(altered)
{
	for (size_t i = sizeof(struct image_head); i < image.n; i += 61) {
		image.p[i] ^= 1;
		put(buf_str(&image));
		refused("checksum", ERR_FILE_IMAGE);
		image.p[i] ^= 1;
	}
}
END_TEST

static const struct {
	size_t at;
	const char *why;
} heads[] = {
	{ 0, "no image" },
	{ offsetof(struct image_head, version), "another version" },
	{ offsetof(struct image_head, order), "byte order" },
	{ offsetof(struct image_head, layout), "another version" },
	{ offsetof(struct image_head, n_sections), "another version" },
	{ offsetof(struct image_head, n_bytes), "cut short" },
	{ offsetof(struct image_head, checksum), "checksum" },
	{ sizeof(struct image_head), "no such place" },
};

START_TEST(of_others)
{
	image.p[heads[_i].at] = (char)(image.p[heads[_i].at] + 1);
	if (heads[_i].at != offsetof(struct image_head, checksum))
		mend(&image);
	put(buf_str(&image));
	refused(heads[_i].why, ERR_FILE_IMAGE);
}
END_TEST

/* ---- signed ----------------------------------------------------------------
 */

static bool
fake_sign(void *ctx, struct str message, struct buf *ret, struct error *reterr)
{
	(void)ctx;
	(void)reterr;
	buf_add(ret, message);
	return true;
}

static bool
fake_verify(
    void *ctx, struct str message, struct str signature, struct error *reterr)
{
	++*(int *)ctx;
	return str_eq(message, signature) ||
	       error_set(reterr, ERR_FILE_SIGNATURE, SPAN_NONE, "it is not");
}

START_TEST(signature)
{
	int asked = 0;
	struct policy_verifier verifier = { fake_verify, &asked };
	struct policy_signer signer = { fake_sign, NULL };
	struct policy_set *got;
	struct error err = { 0 };
	struct buf sealed = { 0 };

	ck_assert(!policy_image_open(path, &verifier, &got, &err));
	ck_assert_int_eq(err.code, ERR_FILE_SIGNATURE);
	ck_assert_int_eq(asked, 0);
	ck_assert(policy_image_make(set, NULL, &signer, &sealed, NULL));
	put(buf_str(&sealed));
	ck_assert(policy_image_open(path, &verifier, &got, NULL));
	policy_set_free(got);
	ck_assert(policy_image_open(path, NULL, &got, NULL));
	policy_set_free(got);
	/* Other bytes, with a checksum that is right. */
	sealed.p[sealed.n / 2] ^= 1;
	mend(&sealed);
	put(buf_str(&sealed));
	err = (struct error){ 0 };
	ck_assert(!policy_image_open(path, &verifier, &got, &err));
	ck_assert_int_eq(err.code, ERR_FILE_SIGNATURE);
	ck_assert_int_eq(asked, 2);
	put((struct str){ sealed.p, sealed.n - 1 });
	refused("no signature", ERR_FILE_IMAGE);
	buf_free(&sealed);
}
END_TEST

/* ---- hostile ---------------------------------------------------------------
 */

static void
find_all(const struct policy_set *got, const struct policy_index *ix,
    const struct entities *layer)
{
	uint32_t near[4];

	for (size_t i = 0; i < REQUESTS; i += 7) {
		struct value context;
		struct eval_request r = request_at(i, layer, &context);
		struct policy_found found;

		/* What cannot be read ends the decision. */
		if (!policy_index_find(ix, &r, a, &found))
			continue;
		(void)policy_index_near(ix, &r, a, near, ARRAY_LEN(near));
		for (size_t k = 0; k < found.n_doubtful; k++) {
			struct error err = { 0 };

			(void)policy_eval(
			    got, found.doubtful[k], &r, a, NULL, &err);
		}
	}
}

/* What a request tells of who asks: above them is more than slots say. */
static const char told[] =
    "[{\"uid\":" UID("U", "b") ",\"attrs\":{\"level\":1},\"parents\":[" UID(
	"G", "g") "]},{\"uid\":" UID("R",
	"t2") ",\"attrs\":{},\"parents\":[" UID("R", "t1/x") "]}]";

/* Over a layer, as requests with entities of their own ask; and where no entity
 * has a slot, as in what changed. */
static void
use_otherwise(const struct policy_set *got, const struct policy_index *ix,
    const struct entities *layer)
{
	struct entities *upper = entities_new(a, layer);
	struct policy_index *sparse;

	if (entities_add_text(upper, str_of(told), "told", NULL) &&
	    entities_finish(upper, NULL))
		find_all(got, ix, upper);
	if (!policy_index_new_sparse(got, ix, &sparse, NULL))
		return;
	find_all(got, sparse, layer);
	policy_index_free(sparse);
}

static void
use(const struct policy_set *got, const struct entities *layer)
{
	struct policy_index *ix;
	const struct uid *uids;
	size_t n;

	for (uint32_t i = 0; i < policy_set_count(got); i++) {
		struct policy_place place;

		(void)policy_set_info(got, i);
		policy_place(got, i, 3, &place);
		(void)policy_place_text(got, i, 3, a);
	}
	ck_assert(policy_set_actions(got, a, &uids, &n, NULL));
	if (!policy_index_new(got, layer, &ix, NULL))
		return;
	find_all(got, ix, layer);
	use_otherwise(got, ix, layer);
	policy_index_free(ix);
}

/* All that is asked of a layer, over one whose numbers say anything. */
static void
use_lent(const struct policy_set *got)
{
	const struct entities *lent = policy_set_entities(got);
	struct entities *copy = entities_new(a, NULL);

	if (!lent)
		return;
	use(got, lent);
	for (size_t i = 0; i < entities_count(lent); i++) {
		const struct entity *e;

		if (entities_at(lent, i, a, &e, NULL))
			ck_assert_int_eq(e->attrs.kind, VALUE_RECORD);
		for (size_t k = 0; k < ARRAY_LEN(principals); k++)
			(void)entities_in(
			    lent, entities_uid_at(lent, i), principals[k]);
	}
	if (entities_add_all(copy, lent, NULL) && entities_finish(copy, NULL))
		ck_assert_uint_le(entities_count(copy), entities_count(lent));
}

/* Each word of the image is set to this: 1 changes its lowest bit. */
static const uint32_t words[] = { 0, UINT32_MAX, 1, 0x7fffffc0, 64 };

START_TEST(hostile)
{
	uint32_t was, word;

	for (size_t at = sizeof(struct image_head); at < image.n; at += 4) {
		struct policy_set *got;
		struct error err = { 0 };

		memcpy(&was, image.p + at, 4);
		word = words[_i] == 1 ? was ^ 1 : words[_i];
		if (word == was)
			continue;
		memcpy(image.p + at, &word, 4);
		mend(&image);
		put(buf_str(&image));
		if (policy_image_open(path, NULL, &got, &err)) {
			use(got, layer_of(STR("[]")));
			use(got, layer_of(str_of(data)));
			use_lent(got);
			policy_set_free(got);
		} else
			ck_assert_int_ne(err.code, ERR_NONE);
		memcpy(image.p + at, &was, 4);
		arena_reset(a);
	}
}
END_TEST

/* Policies of an image without entities, as what changed over another index:
 * where the uids that they name lie is not believed either. */
START_TEST(hostile_names)
{
	struct policy_index *over;
	const struct image_section *sections;
	size_t n_named = IMAGE_OWN_SECTIONS;

	buf_free(&image);
	ck_assert(policy_image_make(set, NULL, NULL, &image, NULL));
	ck_assert(policy_index_new(set, layer_of(str_of(data)), &over, NULL));
	while (strcmp(image_parts[n_named - IMAGE_OWN_SECTIONS].name,
		   "names") != 0)
		n_named++;
	sections = (const void *)(image.p + sizeof(struct image_head));
	ck_assert_uint_gt(sections[n_named].n, 4);
	for (size_t i = 0; i < sections[n_named].n; i++) {
		size_t at = sections[n_named].at +
			    i * sizeof(struct index_named) +
			    offsetof(struct index_named, slot);
		const uint32_t far = UINT32_MAX - 7;
		struct policy_index *sparse;
		struct policy_set *got;
		uint32_t was;

		memcpy(&was, image.p + at, sizeof was);
		memcpy(image.p + at, &far, sizeof far);
		mend(&image);
		put(buf_str(&image));
		got = opened();
		if (policy_index_new_sparse(got, over, &sparse, NULL)) {
			find_all(got, sparse, layer_of(str_of(data)));
			policy_index_free(sparse);
		}
		policy_set_free(got);
		memcpy(image.p + at, &was, sizeof was);
	}
	policy_index_free(over);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("image");
	TCase *tc = tcase_create("image");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, says_the_same, 0, 4);
	tcase_add_test(tc, is_its_texts);
	tcase_add_test(tc, keeps_entities);
	tcase_add_test(tc, cut_short);
	tcase_add_test(tc, other_types);
	tcase_add_test(tc, altered);
	tcase_add_test(tc, other_texts);
	tcase_add_loop_test(tc, of_others, 0, ARRAY_LEN(heads));
	tcase_add_test(tc, signature);
	tcase_add_test(tc, hostile_names);
	tcase_add_loop_test(tc, hostile, 0, ARRAY_LEN(words));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
