/* test_pieces.c - a text's digest does not depend on what it was before, and of
 * what is the same little is read. */
#include "policy/pieces.h"

#include "tests/lib/run.h"

#define LINES 4000u
#define EDITS 200u

static struct arena *a;
static uint64_t state;

static void
setup(void)
{
	a = arena_new(0);
	state = 1;
}

static void
teardown(void)
{
	arena_free(a);
}

/* xorshift64*. */
static uint32_t
below(uint32_t n)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * UINT64_C(0x2545f4914f6cdd1d)) >> 32) % n;
}

static void
add_lines(struct buf *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		buf_printf(b, "a line of the number %u and of %u\n", below(9),
		    below(100000));
}

static struct str
taken(struct buf *b)
{
	struct str copy = str_dup(a, buf_str(b));

	ck_assert_ptr_nonnull(copy.p);
	buf_free(b);
	return copy;
}

static struct str
text_of(uint32_t lines)
{
	struct buf b = { 0 };

	add_lines(&b, lines);
	return taken(&b);
}

/* Some bytes are gone, and others there. */
static struct str
edited(struct str was)
{
	struct buf b = { 0 };
	uint32_t from = below((uint32_t)was.n + 1), gone = below(3),
		 to = from + (gone == 2 ? below(20000) : gone * below(40));

	buf_add(&b, str_sub(was, 0, from));
	add_lines(&b, below(3));
	if (below(2))
		buf_addz(&b, "x");
	buf_add(&b, str_sub(was, to, was.n));
	return taken(&b);
}

static struct pieces_was
compare(struct str was, struct str now, struct pieces pieces)
{
	struct pieces_was w = { .pieces = pieces, .n = was.n };
	size_t n = was.n < now.n ? was.n : now.n;

	while (w.n_alike < n && was.p[w.n_alike] == now.p[w.n_alike])
		w.n_alike++;
	while (w.n_alike_end < n && was.p[was.n - 1 - w.n_alike_end] ==
					now.p[now.n - 1 - w.n_alike_end])
		w.n_alike_end++;
	return w;
}

START_TEST(is_that_of_the_text)
{
	struct str was = text_of(LINES);
	struct pieces pieces, fresh, after;
	uint8_t digest[32], want[32];

	ck_assert(pieces_digest(a, was, NULL, &pieces, digest));
	ck_assert_uint_gt(pieces.n, 6);
	for (uint32_t i = 0; i < EDITS; i++) {
		struct str now = edited(was);
		struct pieces_was w = compare(was, now, pieces);

		ck_assert(pieces_digest(a, now, NULL, &fresh, want));
		ck_assert(pieces_digest(a, now, &w, &after, digest));
		ck_assert_uint_eq(fresh.n, after.n);
		for (size_t k = 0; k < fresh.n; k++) {
			ck_assert_uint_eq(
			    fresh.items[k].end, after.items[k].end);
			ck_assert_mem_eq(
			    fresh.items[k].digest, after.items[k].digest, 32);
		}
		ck_assert_mem_eq(want, digest, 32);
		was = now;
		pieces = after;
	}
}
END_TEST

/* What is said to be the same is not read: the last piece's digest is taken
 * over, even where it is another's. */
START_TEST(reads_what_differs)
{
	struct str was = text_of(LINES), now;
	struct buf b = { 0 };
	struct pieces pieces, after;
	struct pieces_was w;
	struct piece *forged;
	uint8_t digest[32];

	ck_assert(pieces_digest(a, was, NULL, &pieces, digest));
	forged = ARENA_ARRAY(a, pieces.n, struct piece);
	memcpy(forged, pieces.items, pieces.n * sizeof *forged);
	forged[0].digest[0] ^= 1;
	forged[pieces.n - 1].digest[0] ^= 1;
	pieces.items = forged;
	buf_add(&b, str_sub(was, 0, was.n / 2));
	buf_addz(&b, "something else\n");
	buf_add(&b, str_sub(was, was.n / 2, was.n));
	now = taken(&b);
	w = compare(was, now, pieces);
	ck_assert(pieces_digest(a, now, &w, &after, digest));
	ck_assert_mem_eq(after.items[0].digest, forged[0].digest, 32);
	ck_assert_mem_eq(
	    after.items[after.n - 1].digest, forged[pieces.n - 1].digest, 32);
}
END_TEST

START_TEST(texts_of_no_piece)
{
	struct str texts[] = { STR(""), STR("x"), STR("\n"), text_of(1),
		text_of(400) };
	struct pieces pieces, after;
	uint8_t digest[32], want[32];

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
			struct pieces_was w;

			ck_assert(
			    pieces_digest(a, texts[i], NULL, &pieces, digest));
			w = compare(texts[i], texts[k], pieces);
			ck_assert(pieces_digest(a, texts[k], NULL, NULL, want));
			ck_assert(
			    pieces_digest(a, texts[k], &w, &after, digest));
			ck_assert_mem_eq(want, digest, 32);
		}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pieces");
	TCase *tc = tcase_create("pieces");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, is_that_of_the_text);
	tcase_add_test(tc, reads_what_differs);
	tcase_add_test(tc, texts_of_no_piece);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
