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

static uint64_t
sum_of(const char *p, size_t n, uint64_t seed)
{
	uint64_t sum[LANES] = { seed, seed ^ INDEX_K1, seed ^ INDEX_K2, ~seed };

	for (const char *end = p + n; p < end; p += STRIDE)
		for (size_t k = 0; k < LANES; k++)
			sum[k] = index_mix_pair(sum[k], index_load(p + 16 * k),
			    index_load(p + 16 * k + 8));
	return index_mix(sum[0] ^ n, sum[1] ^ INDEX_K1) ^
	       index_mix(sum[2] ^ INDEX_K2, sum[3] ^ INDEX_K1);
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

static uint64_t
sum_of_piece(struct str block, size_t i)
{
	size_t at = i * PIECE, n = block.n - at < PIECE ? block.n - at : PIECE;
	uint64_t seed = index_mix(i + 1, INDEX_K2);

	if (i > 0)
		return sum_of(block.p + at, n, seed);
	at = (sizeof(struct image_head) + STRIDE - 1) / STRIDE * STRIDE;
	if (at > n)
		at = n;
	/* What lies between the head and the next stride is summed apart. */
	return sum_of(block.p + at, n - at, seed ^ sum_of_head(block.p)) ^
	       index_hash_str(
		   INDEX_K2, (struct str){ block.p + sizeof(struct image_head),
				 at - sizeof(struct image_head) });
}

/* Pieces that somebody still has to take, and the sum of those taken. */
struct sharing {
	struct str block;
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
		sum += sum_of_piece(s->block, i);
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
image_checksum(struct str block)
{
	struct sharing s = { .block = block };
	pthread_t helpers[THREADS_MAX];
	size_t n = threads_for(block.n) - 1, started = 0;

	while (started < n &&
	       pthread_create(&helpers[started], NULL, sum_pieces, &s) == 0)
		started++;
	(void)sum_pieces(&s);
	while (started > 0)
		(void)pthread_join(helpers[--started], NULL);
	return index_mix(atomic_load(&s.sum) ^ block.n, INDEX_K2);
}
