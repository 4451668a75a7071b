/* fuzz_image.c - an image in which any words say anything, with a checksum that
 * is right: refused with a code, or decided from without going astray. The
 * input is a list of changes: where, and what stands there then (eight bytes
 * each); a first byte that is odd cuts the image short, too. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/engine.h"
#include "policy/image.h"
#include "tests/fuzz/fuzz.h"

static const char policies[] =
    "permit (principal in [U::\"a\", U::\"b\"], action, resource)\n"
    "when { context.x == 1 };\n"
    "permit (principal is U in G::\"g\", action in Action::\"all\",\n"
    "    resource like R::\"t1/*\") when { context.s like \"o*e\" };\n"
    "@id(\"w\") forbid (principal, action == Action::\"w\", resource)\n"
    "unless { principal.level > 2 };\n"
    "permit (principal in G::\"all\", action, resource) when\n"
    "{ principal.ip.isInRange(ip(\"10.0.0.0/8\")) && G::\"g\".owner.level\n"
    "== 3 && principal.tags.contains(\"x\") && principal.hasTag(\"t\") };\n"
    "deny (principal not in G::\"g\", action, resource)\n"
    "when { [\"x\", \"y\"].contains(context.s) };\n"
    "permit (principal == U::\"someone with an id that fits no slot\",\n"
    "    action, resource is R) when { context.s matches \"^o.e$\" };\n"
    "permit (principal in G::\"g\", action, resource == R::\"t1/x\");\n"
    "deny (principal in G::\"g\", action, resource == R::\"t1/x\") when\n"
    "{ context.x == 1 && context.s == \"one\" && context.y < 3 };\n";

static const char json_set[] =
    "{\"staticPolicies\":{\"js\":{\"effect\":\"permit\",\"principal\":{\"op\":"
    "\"==\",\"entity\":{\"type\":\"U\",\"id\":\"c\"}},\"action\":{\"op\":"
    "\"All\"},\"resource\":{\"op\":\"All\"},\"conditions\":[]}},"
    "\"templates\":{},\"templateLinks\":[{\"templateId\":\"t.cedar#0\","
    "\"newId\":\"link\",\"values\":{\"?principal\":{\"type\":\"U\",\"id\":"
    "\"b\"}}}]}";
static const char cedar[] =
    "// a comment\npermit (principal == ?principal, action, resource) when\n"
    "{ context has x && context.x < 3 };\n";

static const char entities[] =
    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"level\":3},"
    "\"parents\":[{\"type\":\"G\",\"id\":\"g\"}]},"
    "{\"uid\":{\"type\":\"G\",\"id\":\"g\"},\"attrs\":{\"tags\":[\"x\",true,"
    "{\"r\":1}],\"ip\":{\"__extn\":{\"fn\":\"ip\",\"arg\":\"10.0.0.0/8\"}},"
    "\"at\":{\"__extn\":{\"fn\":\"datetime\",\"arg\":\"2026-01-02\"}},"
    "\"owner\":{\"__entity\":{\"type\":\"U\",\"id\":\"a\"}}},"
    "\"parents\":[{\"type\":\"G\",\"id\":\"all\"}],\"tags\":{\"t\":\"v\"}}]";

static const char *const requests[] = {
	"{\"principal\":{\"type\":\"U\",\"id\":\"a\"},\"action\":{\"type\":"
	"\"Action\",\"id\":\"w\"},\"resource\":{\"type\":\"R\",\"id\":\"t1/x\"}"
	",\"context\":{\"x\":1,\"s\":\"one\",\"y\":5}}",
	"{\"principal\":{\"type\":\"N\",\"id\":\"n\"},\"action\":{\"type\":"
	"\"Action\",\"id\":\"r\"},\"resource\":{\"type\":\"R\",\"id\":\"t1/y\"}"
	",\"context\":{},\"entities\":[{\"uid\":{\"type\":\"N\",\"id\":\"n\"},"
	"\"attrs\":{},\"parents\":[{\"type\":\"U\",\"id\":\"b\"}]}]}",
};

#define HEAD_BYTES (2 * IMAGE_ALIGN) /* and the first sections' places */
_Static_assert(sizeof(struct image_head) <= HEAD_BYTES, "a head");

static struct buf good;
static int fd;
static char path[64];

static struct entities *
layer_of(struct arena *a, const char *text)
{
	struct entities *layer = entities_new(a, NULL);

	must(entities_add_text(layer, str_of(text), "e", NULL) &&
	     entities_finish(layer, NULL));
	return layer;
}

static void
prepare(void)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct arena *a = arena_new(0);
	struct errors errors = { 0 };

	must(policy_set_add_text(
		 set, "p.avow", str_of(policies), POLICY_AVOW, &errors) &&
	     policy_set_add_text(
		 set, "t.cedar", str_of(cedar), POLICY_CEDAR, &errors) &&
	     policy_set_add_json(set, "j.json", str_of(json_set), &errors) &&
	     policy_set_finish(set, &errors) &&
	     policy_image_make(set, layer_of(a, entities), NULL, &good, NULL));
	arena_free(a);
	policy_set_free(set);
	fd = memfd_create("image", MFD_CLOEXEC);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
}

/* Behind the checksum: what is there is for the unit test. */
static void
change(struct buf *image, const uint8_t *data, size_t size)
{
	size_t from = offsetof(struct image_head, set_version);

	for (; size >= 8; data += 8, size -= 8) {
		uint32_t at;

		memcpy(&at, data, 4);
		memcpy(image->p + from + at % ((image->n - from) / 4) * 4,
		    data + 4, 4);
	}
}

static void
mend(struct buf *image)
{
	struct image_head head;

	memcpy(&head, image->p, sizeof head);
	head.n_bytes = image->n;
	head.checksum = 0;
	memcpy(image->p, &head, sizeof head);
	head.checksum = image_checksum(buf_str(image));
	memcpy(image->p, &head, sizeof head);
}

/* Places, ids and texts of what is there. */
static void
look(const struct policy_set *set)
{
	for (uint32_t i = 0; i < policy_set_count(set); i++) {
		struct policy_info info = policy_set_info(set, i);
		struct buf out = { 0 };

		must(!info.at.file || strlen(info.at.file) < good.n);
		policy_print(set, i, &out);
		buf_free(&out);
	}
	for (uint32_t i = 0; i < policy_set_files(set); i++) {
		struct str text;

		must(strlen(policy_set_file_name(set, i)) < good.n);
		if (policy_set_file_text(set, i, &text))
			must(str_is_utf8(text) || text.n > 0);
	}
}

/* `layer_text` NULL: over the image's own entities. */
static void
decide(struct policy_set *set, const char *layer_text)
{
	struct arena *a = arena_new(0), *scratch = arena_new(0);
	const struct entities *layer =
	    layer_text ? layer_of(a, layer_text) : policy_set_entities(set);
	struct engine_snapshot *s = engine_snapshot_new(set, a, layer, 0);

	for (size_t i = 0; s && i < ARRAY_LEN(requests); i++) {
		struct engine_request r;
		struct engine_answer answer;
		json_t *json;

		arena_reset(scratch);
		/* What cannot be read may clash. */
		if (!engine_request_from_json(
			scratch, str_of(requests[i]), "r", s, &r, NULL)) {
			must(layer_text == NULL);
			continue;
		}
		engine_evaluate(s, &r, ERRORED_DENY_DENIES, scratch, &answer);
		json = engine_answer_to_json(&answer);
		must(answer.code != ERR_NONE);
		json_decref(json);
	}
	engine_snapshot_unref(s);
	arena_free(scratch);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const layers[] = { "[]", entities, NULL };
	struct buf image = { 0 };
	struct policy_set *set;

	if (!good.p)
		prepare();
	if (size < 2)
		return 0;
	buf_add(&image, buf_str(&good));
	if (data[0] & 1)
		image.n = (image.n * data[1] / 256 + 64) / 64 * 64;
	if (image.n > good.n)
		image.n = good.n;
	/* What is no whole head is for the unit test. */
	if (image.n < HEAD_BYTES)
		image.n = HEAD_BYTES;
	change(&image, data + 2, size - 2);
	mend(&image);
	must(ftruncate(fd, 0) == 0 &&
	     pwrite(fd, image.p, image.n, 0) == (ssize_t)image.n);
	for (size_t i = 0; i < ARRAY_LEN(layers); i++) {
		struct error err = { 0 };

		if (policy_image_open(path, NULL, &set, &err)) {
			if (i == 0)
				look(set);
			decide(set, layers[i]);
		} else
			must(err.code != ERR_NONE);
	}
	buf_free(&image);
	return 0;
}
