/* pkcs11.h - private keys that stay in a token: a smart card, an HSM, SoftHSM.
 * Named by a `pkcs11:` URI (RFC 7512), which must find one token and in it one
 * private key. Its PIN comes from a file alone (`pin-source=file:/PATH`, a
 * secret file of one line); `pin-value` is refused, since command lines and
 * logs are read by others. `module-path` names the token's library; without it
 * those that p11-kit is set up with are asked. The library's code runs in this
 * process: `avow signer` gives it one of its own. */
#ifndef ATTEST_PKCS11_H
#define ATTEST_PKCS11_H

#include "attest/keys.h"

/* The public half with a signer of its own (keys_signer_free). Errors:
 * ERR_KEY_FORM with what was not found, ERR_FILE_READ, ERR_FILE_MODE (the PIN's
 * file), memory. */
bool pkcs11_open(
    const char *uri, struct keys_public *ret, struct error *reterr) MUST_USE;

#endif
