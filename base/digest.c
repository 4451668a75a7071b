/* digest.c - SHA-256 through OpenSSL's one-way interface; success is == 1.
 * The implementation is looked up once: asked for by EVP_sha256, OpenSSL 3.0
 * does that for every digest, under a lock. Contexts are used again; one holds
 * the last digest that it made, no bytes of what went in. */
#include "base/digest.h"

#include <openssl/evp.h>

#include "base/spare.h"

static struct spare contexts; /* EVP_MD_CTX */

/* NULL when memory is out. */
static EVP_MD *
sha256(void)
{
	static EVP_MD *kept; /* atomic; until the program ends */
	EVP_MD *md = __atomic_load_n(&kept, __ATOMIC_ACQUIRE), *none = NULL;

	if (md)
		return md;
	md = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!md || __atomic_compare_exchange_n(&kept, &none, md, false,
		       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return md;
	EVP_MD_free(md);
	return none;
}

static bool
add_part(EVP_MD_CTX *ctx, struct str part, bool framed)
{
	uint8_t len[8];

	for (size_t k = 0; framed && k < 8; k++)
		len[k] = (uint8_t)((uint64_t)part.n >> (56 - 8 * k));
	return (!framed || EVP_DigestUpdate(ctx, len, sizeof len) == 1) &&
	       (part.n == 0 || EVP_DigestUpdate(ctx, part.p, part.n) == 1);
}

static bool
digest_parts(const struct str *parts, size_t n, bool framed, uint8_t ret[32])
{
	EVP_MD *md = sha256();
	EVP_MD_CTX *ctx = md ? spare_take(&contexts) : NULL;
	bool ok;

	if (md && !ctx)
		ctx = EVP_MD_CTX_new();
	ok = ctx != NULL && EVP_DigestInit_ex(ctx, md, NULL) == 1;
	for (size_t i = 0; ok && i < n; i++)
		ok = add_part(ctx, parts[i], framed);
	ok = ok && EVP_DigestFinal_ex(ctx, ret, NULL) == 1;
	/* One that failed is not used again. */
	EVP_MD_CTX_free(ok ? spare_give(&contexts, ctx) : ctx);
	return ok;
}

bool
digest_sha256(const struct str *parts, size_t n, uint8_t ret[32])
{
	return digest_parts(parts, n, false, ret);
}

bool
digest_sha256_framed(const struct str *parts, size_t n, uint8_t ret[32])
{
	return digest_parts(parts, n, true, ret);
}

void
digest_hex(const uint8_t *bytes, size_t n_bytes, char *out)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < n_bytes; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * n_bytes] = '\0';
}
