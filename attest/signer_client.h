/* signer_client.h - a private key in another process: `signer:/PATH` of the
 * socket that `avow signer` listens on. Each use has SIGNER_MS in all; silence,
 * a refusal or a wrong signature is an error. */
#ifndef ATTEST_SIGNER_CLIENT_H
#define ATTEST_SIGNER_CLIENT_H

#include "attest/keys.h"

#define SIGNER_MS 5000

/* As pkcs11_open. Errors: ERR_KEY_FORM, ERR_SYSTEM_ERROR, memory. */
bool signer_client_open(
    const char *uri, struct keys_public *ret, struct error *reterr) MUST_USE;

#endif
