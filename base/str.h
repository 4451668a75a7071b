/* str.h - borrowed text slices, and a buffer that grows.
 * A `struct str` counts its bytes, may hold NUL, and owns nothing: whoever made it says how long the bytes live. A `struct buf` owns heap memory
 * and remembers that it ran out of it: callers append freely and ask `buf_ok` once. Cost: amortised O(1) a byte. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MUST_USE __attribute__((warn_unused_result))
/* A large local that is written before it is read: not to be zeroed first, as our flags have it for safety. Give the reason beside it. */
#if defined(__has_attribute) && __has_attribute(uninitialized)
#define UNZEROED __attribute__((uninitialized))
#else
#define UNZEROED
#endif
#define COLD __attribute__((cold))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

struct str {
	const char *p;
	size_t n;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_INIT(literal) { "" literal, sizeof(literal) - 1 }
/* For printf's "%.*s"; `s` is evaluated twice. */
#define STR_ARG(s) (int)(s).n, (s).p

struct arena;

/* A slice of the whole C string `z`; an empty slice for NULL. */
struct str str_of(const char *z);
/* The same bytes. Short ones, as names and ids are, without a call: two loads that may overlap. */
static inline bool
str_eq(struct str a, struct str b)
{
	uint64_t x[2], y[2];

	if (a.n != b.n)
		return false;
	if (a.n > sizeof x)
		return memcmp(a.p, b.p, a.n) == 0;
	if (a.n < 4) {
		for (size_t i = 0; i < a.n; i++)
			if (a.p[i] != b.p[i])
				return false;
		return true;
	}
	x[0] = x[1] = y[0] = y[1] = 0;
	if (a.n >= 8) {
		memcpy(&x[0], a.p, 8);
		memcpy(&y[0], b.p, 8);
		memcpy(&x[1], a.p + a.n - 8, 8);
		memcpy(&y[1], b.p + a.n - 8, 8);
	} else {
		memcpy(&x[0], a.p, 4);
		memcpy(&y[0], b.p, 4);
		memcpy(&x[1], a.p + a.n - 4, 4);
		memcpy(&y[1], b.p + a.n - 4, 4);
	}
	return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}
/* Order by bytes, as memcmp: for UTF-8 that is the order of code points. */
int str_cmp(struct str a, struct str b);
/* The same for qsort and bsearch, over slices or structs that begin with one. */
int str_compare(const void *a, const void *b);
bool str_has_prefix(struct str s, struct str prefix);
bool str_has_suffix(struct str s, struct str suffix);
/* Offset of byte `c` from `from`, or s.n when it is not there. */
size_t str_find(struct str s, char c, size_t from);
/* Bytes [from, to), clipped to the slice. */
struct str str_sub(struct str s, size_t from, size_t to);
/* Copy into `a`, with a NUL after it (not counted). {NULL, 0} when memory is out. */
struct str str_dup(struct arena *a, struct str s);
/* The same as a C string; NULL when memory is out. Bytes after a NUL stay, unseen by C. */
const char *str_z(struct arena *a, struct str s);
struct str str_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Decimal digits only, no sign, fits in `max`. */
bool str_to_u64(struct str s, uint64_t max, uint64_t *ret_value) MUST_USE;
/* Well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF). */
bool str_is_utf8(struct str s);
/* Number of code points of well-formed UTF-8. */
size_t str_utf8_len(struct str s);

/* The code point of the well-formed sequence at byte `at`; its length, or 0 when there is none (then *ret_point is not written). */
size_t str_utf8_next(struct str s, size_t at, uint32_t *ret_point);

/* SipHash-1-3 under a key of this process (from getrandom, at first use; `salt` is mixed into it): for tables whose keys outsiders choose. Never store or
 * compare a hash across processes. */
uint64_t str_hash(struct str s, uint64_t salt);
/* For tests that want one order in every run; before threads. */
void str_hash_seed(uint64_t seed);
/* SipHash-1-3 under a key of the caller's. */
uint64_t str_sip13(uint64_t k0, uint64_t k1, struct str s);

struct buf {
	char *p;
	size_t n, cap;
	bool failed;
	bool is_lent; /* `p` is not the heap's, and does not grow */
	struct arena *arena; /* not NULL: `p` is its, however it grows; for where nothing may be allocated */
};

/* A buffer over `n` bytes of the caller's: what does not fit fails. For short texts where nothing may be allocated. */
struct buf buf_over(char *room, size_t n);
void buf_free(struct buf *b);
bool buf_ok(const struct buf *b);
struct str buf_str(const struct buf *b);
/* The bytes, now the arena's; the buffer is empty. Large ones are not copied. NULL when memory is out: the buffer is as it was. */
void *buf_take(struct buf *b, struct arena *a);
void buf_add(struct buf *b, struct str s);
void buf_addz(struct buf *b, const char *z);
void buf_byte(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Append with control characters, invisible and bidirectional marks, and bytes of broken UTF-8 written as \u{..} or \xHH, so that outside text cannot drive a terminal or split a line
 * (SECURITY: log and terminal output). Non-ASCII is escaped too when `ascii`. */
void buf_escaped(struct buf *b, struct str s, bool ascii);
/* Append "s" in quotes, ASCII, with quotes and backslashes escaped as well: one value of a log line. */
void buf_quoted(struct buf *b, struct str s);

#endif
