/* image_sum.c - the checksum that an image carries, against what gets lost or
 * flipped on the way; no defence against anybody (image.h).
 * A block is summed in pieces of a MiB, each bound to its place, so that a few
 * threads may share them: one waits for memory more than it counts. Four sums
 * go on at once, since each waits for its multiplication. Cost: reading the
 * block once; where it is small, or no thread is to be had, by the caller. */
#include "policy/image.h"

#include <unistd.h>

#define PIECE ((size_t)1 << 20)
#define PIECES_A_THREAD 16u
#define THREADS_MAX 4u
#define LANES 4u
#define STRIDE (LANES * 2 * sizeof(uint64_t))

_Static_assert(IMAGE_ALIGN % STRIDE == 0, "a block is whole strides");
_Static_assert(PIECE % STRIDE == 0, "so is a piece");
_Static_assert(sizeof(struct image_head) <= PIECE, "it lies in the first one");

struct sums {
	uint64_t of[LANES];
};

/* Whole strides. */
static void
add_strides(struct sums *sums, const char *p, size_t n)
{
	struct sums s = *sums;

	for (const char *end = p + n; p < end; p += STRIDE)
		for (size_t k = 0; k < LANES; k++)
			s.of[k] = index_mix_pair(s.of[k],
			    index_load(p + 16 * k), index_load(p + 16 * k + 8));
	*sums = s;
}

/* What is behind the last whole stride has zeros behind it. */
static void
add(struct sums *sums, struct str s)
{
	size_t whole = s.n / STRIDE * STRIDE;
	char last[STRIDE] = { 0 };

	add_strides(sums, s.p, whole);
	if (s.n == whole)
		return;
	memcpy(last, s.p + whole, s.n - whole);
	add_strides(sums, last, STRIDE);
}

static uint64_t
sum_of(const struct sums *s, size_t n)
{
	return index_mix(s->of[0] ^ n, s->of[1] ^ INDEX_K1) ^
	       index_mix(s->of[2] ^ INDEX_K2, s->of[3] ^ INDEX_K1);
}

/* The head with 0 for its checksum. */
static uint64_t
sum_of_head(const char *p)
{
	struct image_head head;

	memcpy(&head, p, sizeof head);
	head.checksum = 0;
	return index_hash_str(
	    INDEX_K1, (struct str){ (const char *)&head, sizeof head });
}

/* A block that lies in pieces of memory, none of them at hand. */
struct block {
	const struct image_lying *parts;
	size_t n_parts, n;
};

/* Bytes [from, to) of the block, which begin and end with a stride. */
static void
add_bytes(struct sums *sums, const struct block *b, size_t from, size_t to)
{
	for (size_t i = 0; i < b->n_parts; i++) {
		const struct image_lying *part = &b->parts[i];
		size_t begin = from > part->at ? from - part->at : 0;

		if (part->s.n && part->at < to)
			add(sums, str_sub(part->s, begin, to - part->at));
	}
}

static uint64_t
sum_of_piece(const struct block *b, size_t i)
{
	size_t at = i * PIECE, end = b->n - at < PIECE ? b->n : at + PIECE;
	size_t from = at;
	uint64_t seed = index_mix(i + 1, INDEX_K2), between = 0;
	struct sums sums;

	if (i == 0) {
		struct str first = b->parts[0].s;

		from =
		    (sizeof(struct image_head) + STRIDE - 1) / STRIDE * STRIDE;
		if (from > end)
			from = end;
		seed ^= sum_of_head(first.p);
		/* What lies between the head and the next stride is summed
		 * apart. */
		between = index_hash_str(
		    INDEX_K2, str_sub(first, sizeof(struct image_head), from));
	}
	sums =
	    (struct sums){ { seed, seed ^ INDEX_K1, seed ^ INDEX_K2, ~seed } };
	add_bytes(&sums, b, from, end);
	return sum_of(&sums, end - from) ^ between;
}

/* Pieces that somebody still has to take, and the sum of those taken. */
struct sharing {
	struct block block;
	atomic_size_t next;
	_Atomic(uint64_t) sum;
};

static void *
sum_pieces(void *arg)
{
	struct sharing *s = arg;
	uint64_t sum = 0;

	for (size_t i;
	     (i = atomic_fetch_add(&s->next, 1)) * PIECE < s->block.n;)
		sum += sum_of_piece(&s->block, i);
	(void)atomic_fetch_add(&s->sum, sum);
	return NULL;
}

static size_t
threads_for(size_t n)
{
	long most = sysconf(_SC_NPROCESSORS_ONLN);
	size_t want = n / (PIECES_A_THREAD * PIECE) + 1;

	if (want > THREADS_MAX)
		want = THREADS_MAX;
	return most > 0 && want > (size_t)most ? (size_t)most : want;
}

uint64_t
image_checksum_of(const struct image_lying *parts, size_t n_parts, size_t bytes)
{
	struct sharing s = { .block = { parts, n_parts, bytes } };
	pthread_t helpers[THREADS_MAX];
	size_t n = threads_for(bytes) - 1, started = 0;

	while (started < n &&
	       pthread_create(&helpers[started], NULL, sum_pieces, &s) == 0)
		started++;
	(void)sum_pieces(&s);
	while (started > 0)
		(void)pthread_join(helpers[--started], NULL);
	return index_mix(atomic_load(&s.sum) ^ bytes, INDEX_K2);
}

uint64_t
image_checksum(struct str block)
{
	const struct image_lying all = { block, 0 };

	return image_checksum_of(&all, 1, block.n);
}
