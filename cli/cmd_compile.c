/* cmd_compile.c - `avow compile`: the normal form of policies, to look at, and
 * the image that decisions are made from. */
#include "attest/attest.h"
#include "base/clock.h"
#include "base/file.h"
#include "cli/rules.h"
#include "policy/normal.h"

#define NOTES_SHOWN 20u
#define IMAGE_MODE 0644 /* nothing in it is secret */

struct compile {
	struct cli_list paths, entities, granularity;
	bool print, stats, notes;
	const char *schema, *out, *sign, *trust;
};

static const char *const elements[] = { "principal", "action", "resource" };
static const char *const levels[] = { [GRAIN_EACH] = "each",
	[GRAIN_INDIVISIBLE] = "indivisible",
	[GRAIN_TYPE] = "type",
	[GRAIN_ALL] = "all" };

static size_t
find_word(const char *const *words, size_t n, struct str word)
{
	size_t i = 0;

	while (i < n && !str_eq(word, str_of(words[i])))
		i++;
	return i;
}

/* `principal=type` and so on. */
static bool
read_granularity(const struct cli_list *options, enum normal_granularity ret[3])
{
	for (size_t i = 0; i < options->n; i++) {
		struct str text = str_of(options->items[i]);
		size_t equals = str_find(text, '=', 0);
		size_t element = find_word(
		    elements, ARRAY_LEN(elements), str_sub(text, 0, equals));
		size_t level = find_word(levels, ARRAY_LEN(levels),
		    str_sub(text, equals + 1, text.n));

		if (element == ARRAY_LEN(elements) ||
		    level == ARRAY_LEN(levels)) {
			cli_errorf("--granularity: expected `principal`, "
				   "`action` or `resource`, `=` and `each`, "
				   "`indivisible`, `type` or `all`, found `%s`",
			    options->items[i]);
			return false;
		}
		ret[element] = (enum normal_granularity)level;
	}
	return true;
}

static bool
make_normal(struct policy_set *set, const struct schema *schema,
    struct arena *a, const struct compile *c, const struct normal **ret)
{
	struct normal_options options = NORMAL_DEFAULTS;
	struct error err = { 0 };

	if (!read_granularity(&c->granularity, options.granularity))
		return false;
	options.timed = options.notes = c->stats;
	if (schema)
		schema_close_set(schema, set);
	if (normal_make(a, set, &options, ret, &err))
		return true;
	cli_error(&err, STR(""));
	return false;
}

static bool
show(const struct normal *n, const struct compile *c)
{
	struct buf out = { 0 };
	bool ok;

	if (c->print)
		normal_print(n, &out);
	if (c->stats)
		normal_print_stats(
		    n, c->notes ? UINT32_MAX : NOTES_SHOWN, &out);
	ok = cli_print(&out);
	buf_free(&out);
	return ok;
}

/* ---- the image ------------------------------------------------------------
 */

/* The images' own data, then --entities. */
static struct entities *
load_entities(const struct policy_set *set, const struct schema *schema,
    struct arena *a, const struct compile *c)
{
	struct buf messages = { 0 };
	struct entities *layer = engine_load_entities(
	    schema, set, c->entities.items, c->entities.n, a, &messages);

	(void)cli_messages(&messages);
	buf_free(&messages);
	return layer;
}

static bool
sign(void *ctx, struct str message, struct buf *ret, struct error *reterr)
{
	return attest_images_sign(ctx, message, ret, reterr);
}

/* The file comes to be when there is something to write. */
struct image_file {
	const char *path;
	struct file_new file;
	bool is_begun;
	struct policy_set **inout_set; /* NULL: something is shown of it */
};

/* What the image was made of goes while it is written. */
static void
free_set(void *ctx)
{
	struct image_file *f = ctx;

	if (!f->inout_set)
		return;
	policy_set_free(*f->inout_set);
	*f->inout_set = NULL;
}

static bool
put(void *ctx, uint64_t at, struct str bytes, struct error *reterr)
{
	struct image_file *f = ctx;

	if (!f->is_begun && !(f->is_begun = file_new_begin(
				  &f->file, f->path, IMAGE_MODE, reterr)))
		return false;
	return file_new_put(&f->file, at, bytes, reterr);
}

static bool
make_image(const struct policy_set *set, const struct schema *schema,
    struct arena *a, const struct compile *c, struct image_file *to,
    struct buf *parts, struct error *reterr)
{
	struct attest_key *key = NULL;
	struct policy_signer signer = { .sign = sign };
	const struct policy_sink sink = { put, free_set, to };
	const struct entities *layer = load_entities(set, schema, a, c);
	bool ok;

	if (!layer)
		return false;
	if (c->sign && !(key = attest_key_open(c->sign, reterr)))
		return false;
	signer.ctx = key;
	ok = policy_image_write(
	    set, layer, c->sign ? &signer : NULL, &sink, parts, reterr);
	attest_key_free(key);
	return ok;
}

/* What is said of it goes onto `out`. */
static bool
write_image(struct policy_set **inout_set, const struct schema *schema,
    struct arena *a, const struct compile *c, struct buf *out)
{
	int64_t began = clock_mono_ns();
	struct error err = { 0 };
	bool shows = c->print || c->stats;
	struct image_file f = { .path = c->out,
		.inout_set = shows ? NULL : inout_set };
	bool ok = make_image(
	    *inout_set, schema, a, c, &f, c->stats ? out : NULL, &err);

	if (f.is_begun)
		ok = file_new_end(&f.file, ok, &err);
	if (err.code != ERR_NONE)
		cli_error(&err, STR(""));
	if (ok && c->stats)
		buf_printf(out, "  %-16s %12.3f ms\n", "made in",
		    (double)(clock_mono_ns() - began) / 1e6);
	return ok;
}

/* An image decides every request, also what the schema does not allow: it is
 * made before wildcards are closed. Where what is shown is what an image wants,
 * it is made once. */
static bool
compile(struct policy_set **inout_set, const struct schema *schema,
    struct arena *a, const struct compile *c)
{
	struct policy_set *set = *inout_set;
	bool shows = c->print || c->stats;
	bool is_images = shows && !schema && c->granularity.n == 0;
	const struct normal *n = NULL;
	struct buf out = { 0 };
	bool ok = cli_policies_load(set, &c->paths, c->trust) &&
		  (!is_images || make_normal(set, schema, a, c, &n));

	if (ok && is_images)
		normal_lend(n, set);
	ok = ok && (!c->out || write_image(inout_set, schema, a, c, &out)) &&
	     (!shows || is_images || make_normal(set, schema, a, c, &n)) &&
	     (!shows || show(n, c)) && cli_print(&out);
	buf_free(&out);
	return ok;
}

static bool
check_wanted(const struct compile *c)
{
	if (!c->print && !c->stats && !c->out)
		cli_errorf("nothing to do: --print, --stats or -o FILE");
	else if (c->notes && !c->stats)
		cli_errorf("--notes is for --stats");
	else if (!c->out && (c->sign || c->entities.n))
		cli_errorf("--entities and --sign are for an image: -o FILE is "
			   "missing");
	else
		return true;
	return false;
}

static enum cli_exit
run(const struct compile *c)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct arena *a = arena_new(0);
	struct schema *schema = NULL;
	bool ok = false;

	if (!set || !a)
		cli_errorf("memory ran out");
	else
		ok = check_wanted(c) && cli_schema_load(c->schema, &schema) &&
		     compile(&set, schema, a, c);
	arena_free(a);
	policy_set_free(set);
	schema_free(schema);
	return ok ? CLI_YES : CLI_CANNOT_TELL;
}

enum cli_exit
cmd_compile(int argc, char **argv)
{
	struct compile c = { 0 };
	const struct cli_option options[] = {
		{ "policies", CLI_LIST, &c.paths, true, "PATH",
		    "policy file or folder, or an image" },
		{ "out", CLI_TEXT, &c.out, false, "FILE",
		    "write an image, which --policies takes in their place; "
		    "a file, as its head is written last: no `-`" },
		{ "entities", CLI_LIST, &c.entities, false, "PATH",
		    "Cedar JSON entities that go into the image" },
		{ "sign", CLI_TEXT, &c.sign, false, "KEY",
		    "sign the image with this private key" },
		{ "trust", CLI_TEXT, &c.trust, false, "PATH",
		    "*.pem keys; an image that none of them signed is "
		    "refused" },
		{ "print", CLI_FLAG, &c.print, false, NULL,
		    "the rules, one a line, with the policies they are of" },
		{ "stats", CLI_FLAG, &c.stats, false, NULL,
		    "counts, what was merged, time by stage; with -o the "
		    "image's parts, in bytes" },
		{ "notes", CLI_FLAG, &c.notes, false, NULL,
		    "with --stats: all that was merged or left out, one a "
		    "line, not only the first" },
		{ "schema", CLI_TEXT, &c.schema, false, "FILE",
		    "Cedar schema (text or JSON): --print expands wildcards "
		    "over its actions and enumerated types; --entities are "
		    "read by it" },
		{ "granularity", CLI_LIST, &c.granularity, false,
		    "ELEMENT=LEVEL",
		    "join rules that differ in this element alone" },
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow compile --policies PATH ... [-o FILE] "
		      "[--print] [--stats [--notes]]\n"
		      "       [--schema FILE] "
		      "[--granularity ELEMENT=LEVEL ...]",
		"Take policies apart into rules of one principal, action "
		"and resource each, as decisions\nare made from; "
		"--granularity joins them again for reading. ELEMENT is "
		"principal, action or\nresource, LEVEL what may stand in "
		"one set: each (nothing, the default), indivisible\n"
		"(members of one indivisible set), type (entities of one "
		"type), all. A set holds just the\nentities that were "
		"there, and each keeps the policies it is of.\nAn image "
		"is one file that is mapped instead of read, so that a "
		"start takes milliseconds.\nExit: 0 done, 1 errors.",
		options, 0, 0, NULL);
	enum cli_exit code;

	if (cli_parse(&usage, argc, argv, &code))
		code = run(&c);
	cli_list_free(&c.paths);
	cli_list_free(&c.entities);
	cli_list_free(&c.granularity);
	return code;
}
