/* agent_files.h - what the agent holds as files that other programs read: written beside and renamed, and only when something is another.
 *   apt        machine URL login INSTANCE password PACK, a line a repository (apt_auth.conf(5))
 *   dnf        a folder with the variables avow_login and avow_pack, for `username=$avow_login` and `password=$avow_pack` in a .repo file (dnf.conf(5))
 *   token, document, signature, pack   the thing itself; tokens and packs with a final newline, document and signature byte for byte as `avow doc issue` has them */
#ifndef GATEWAYS_AGENT_FILES_H
#define GATEWAYS_AGENT_FILES_H

#include "gateways/agent_core.h"

/* `what` is live, and a token where `f` wants one. *ret_changed, also set when it fails: something was written or deleted. Errors: ERR_FILE_WRITE, ERR_EVIDENCE_TOO_LARGE (no pack),
 * ERR_EVIDENCE_PROOF (a document that is bound to a key, for apt, dnf, curl or nginx: nothing is written, and what was there is deleted, nginx's emptied), memory. */
bool agent_files_write(const struct agent_file *f, struct str instance,
    const struct agent_held *what, bool *ret_changed, struct error *reterr)
    MUST_USE;

#endif
