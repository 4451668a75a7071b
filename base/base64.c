/* base64.c - RFC 4648 sections 4 and 5; canonical text only (3.5). */
#include "base/base64.h"

#include "base/arena.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static const char alphabets[][65] = {
	[BASE64_STANDARD] = LETTERS "+/",
	[BASE64_URL] = LETTERS "-_",
};

void
base64_encode(struct buf *out, enum base64_form form, struct str bytes)
{
	static const char *const padding[] = { "", "==", "=", "" };

	for (size_t i = 0; i < bytes.n; i += 3) {
		size_t n = bytes.n - i < 3 ? bytes.n - i : 3;
		uint32_t group = 0;
		char text[4];

		for (size_t j = 0; j < 3; j++)
			group = group << 8 |
				(j < n ? (unsigned char)bytes.p[i + j] : 0);
		for (size_t j = 0; j < 4; j++)
			text[j] = alphabets[form][group >> (18 - 6 * j) & 63];
		buf_add(out, (struct str){ text, n + 1 });
		if (form == BASE64_STANDARD)
			buf_addz(out, padding[n]);
	}
}

/* 0..63, or 64 for what is no letter of the form. */
static uint32_t
value_of(enum base64_form form, char c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint32_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint32_t)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0') + 52;
	if (c == alphabets[form][62])
		return 62;
	return c == alphabets[form][63] ? 63 : 64;
}

/* Takes the padding off; false when it is not exactly as long as section 4
 * wants it. */
static bool
strip_padding(struct str *text)
{
	size_t pad = 0;

	if (text->n % 4 != 0)
		return false;
	while (pad < 2 && pad < text->n && text->p[text->n - 1 - pad] == '=')
		pad++;
	text->n -= pad;
	return true;
}

bool
base64_decode(struct arena *a, enum base64_form form, struct str text,
    struct str *ret_bytes)
{
	uint32_t bits = 0, n_bits = 0;
	size_t n = 0;
	char *p;

	if (form == BASE64_STANDARD && !strip_padding(&text))
		return false;
	if (text.n % 4 == 1)
		return false;
	p = arena_alloc(a, text.n / 4 * 3 + 3);
	if (!p)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		uint32_t value = value_of(form, text.p[i]);

		if (value > 63)
			return false;
		bits = bits << 6 | value;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			p[n++] = (char)(bits >> n_bits & 0xff);
			bits &= (1u << n_bits) - 1;
		}
	}
	/* Left-over bits that are not zero: another text for the same bytes. */
	if (bits != 0)
		return false;
	*ret_bytes = (struct str){ p, n };
	return true;
}
