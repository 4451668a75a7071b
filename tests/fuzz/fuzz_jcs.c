/* fuzz_jcs.c - canonical JSON.
 * Held: no crash; the canonical text reads back, and is its own canonical text;
 * a number that was printed reads back to the same bits. */
#include <math.h>
#include <stdlib.h>

#include "attest/jcs.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	json_setup();
	return 0;
}

static void
on_number(const uint8_t *data)
{
	struct buf out = { 0 };
	double v;

	memcpy(&v, data, sizeof v);
	if (jcs_write_number(v, &out)) {
		double back;

		buf_byte(&out, '\0');
		back = strtod(out.p, NULL);
		must(!(back < v) && !(back > v));
	} else {
		must(!isfinite(v));
	}
	buf_free(&out);
}

static void
on_text(struct str s)
{
	struct buf once = { 0 }, twice = { 0 };
	json_t *v = NULL, *again = NULL;

	if (json_parse(s, NULL, 1u << 20, 64, JSON_NO_NUL, &v, NULL) &&
	    jcs_write(v, &once, NULL)) {
		must(json_parse(buf_str(&once), NULL, 1u << 22, 64, JSON_NO_NUL,
		    &again, NULL));
		must(jcs_write(again, &twice, NULL));
		must(str_eq(buf_str(&once), buf_str(&twice)));
	}
	json_decref(v);
	json_decref(again);
	buf_free(&once);
	buf_free(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 1 + sizeof(double) && data[0] == 'd')
		on_number(data + 1);
	else
		on_text((struct str){ (const char *)data, size });
	return 0;
}
