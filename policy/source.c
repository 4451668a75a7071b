/* source.c - where a byte of a policy file stands.
 * Lines end at LF alone, as the quoted line of a message does; a CR before it
 * is part of the line but of no column that matters. */
#include "policy/source.h"

#include "base/limits.h"

static uint32_t
count_lines(struct str text)
{
	uint32_t n = 1;

	for (size_t i = str_find(text, '\n', 0); i < text.n;
	     i = str_find(text, '\n', i + 1))
		n++;
	return n;
}

/* NULL when memory is out. */
static const uint32_t *
count_points(struct arena *a, struct str text)
{
	size_t n = text.n / SOURCE_STEP + 1;
	uint32_t *points = ARENA_ARRAY(a, n, uint32_t);

	for (size_t i = 1; points && i < n; i++)
		points[i] = points[i - 1] +
			    (uint32_t)str_utf8_len(str_sub(
				text, (i - 1) * SOURCE_STEP, i * SOURCE_STEP));
	return points;
}

bool
source_init(struct arena *a, const char *file, struct str text,
    struct source *ret, struct error *reterr)
{
	uint32_t n = 1, n_lines;
	uint32_t *starts;
	const uint32_t *points;

	if (text.n > LIMIT_POLICY_FILE_BYTES)
		return error_set(reterr, ERR_LIMIT_SIZE,
		    (struct span){ .file = file },
		    "the text is %zu bytes, the limit is %u", text.n,
		    LIMIT_POLICY_FILE_BYTES);
	n_lines = count_lines(text);
	starts = ARENA_ARRAY(a, n_lines, uint32_t);
	points = count_points(a, text);
	if (!starts || !points)
		return error_nomem(reterr);
	starts[0] = 0;
	for (size_t i = str_find(text, '\n', 0); i < text.n;
	     i = str_find(text, '\n', i + 1))
		starts[n++] = (uint32_t)i + 1;
	*ret = (struct source){ file, text, starts, n_lines, points, 0, 0 };
	return true;
}

/* Index of the last line that starts at or before `off`. */
static uint32_t
line_of(const struct source *src, uint32_t off)
{
	uint32_t low = 0, high = src->n_lines;

	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (src->line_starts[mid] <= off)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* Characters before byte `off`. */
static uint32_t
points_at(const struct source *src, uint32_t off)
{
	uint32_t step;

	if (off > src->text.n)
		off = (uint32_t)src->text.n;
	step = off / SOURCE_STEP;
	return src->points[step] + (uint32_t)str_utf8_len(str_sub(src->text,
				       (size_t)step * SOURCE_STEP, off));
}

/* Characters of a line before byte `off`. Most lines are short. */
static uint32_t
points_in_line(const struct source *src, uint32_t start, uint32_t off)
{
	if (off - start <= SOURCE_STEP)
		return (uint32_t)str_utf8_len(str_sub(src->text, start, off));
	return points_at(src, off) - points_at(src, start);
}

static struct span
span_in(const struct source *src, uint32_t line, uint32_t off, uint32_t len)
{
	uint32_t start = src->line_starts[line];
	size_t end = line + 1 < src->n_lines ? src->line_starts[line + 1] - 1u
					     : src->text.n;
	size_t to = (size_t)off + len;

	if (to > end)
		to = end;
	return (struct span){ src->file, src->line + line + 1,
		points_in_line(src, start, off) + 1 + (line ? 0 : src->col),
		(uint32_t)str_utf8_len(str_sub(src->text, off, to)) };
}

struct span
source_span(const struct source *src, uint32_t off, uint32_t len)
{
	return span_in(src, line_of(src, off), off, len);
}

struct span
source_span_after(
    const struct source *src, uint32_t off, uint32_t len, uint32_t *inout_line)
{
	uint32_t line = *inout_line;

	if (line >= src->n_lines || src->line_starts[line] > off)
		line = line_of(src, off);
	while (line + 1 < src->n_lines && src->line_starts[line + 1] <= off)
		line++;
	*inout_line = line;
	return span_in(src, line, off, len);
}

struct str
source_text(const struct source *src, uint32_t off, uint32_t len)
{
	return str_sub(src->text, off, (size_t)off + len);
}
