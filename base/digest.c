/* digest.c - SHA-256 through OpenSSL's one-way interface; success is == 1. */
#include "base/digest.h"

#include <openssl/evp.h>

static bool
digest_parts(const struct str *parts, size_t n, bool framed, uint8_t ret[32])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok =
	    ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;
	for (size_t i = 0; ok && i < n; i++) {
		uint8_t len[8];
		for (size_t k = 0; k < 8; k++)
			len[k] =
			    (uint8_t)((uint64_t)parts[i].n >> (56 - 8 * k));
		if (framed)
			ok = EVP_DigestUpdate(ctx, len, sizeof len) == 1;
		if (ok && parts[i].n > 0)
			ok = EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) == 1;
	}
	ok = ok && EVP_DigestFinal_ex(ctx, ret, NULL) == 1;
	EVP_MD_CTX_free(ctx);
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
