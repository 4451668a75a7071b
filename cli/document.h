/* document.h - the document service asked from cmd_doc.c. */
#ifndef CLI_DOCUMENT_H
#define CLI_DOCUMENT_H

#include "attest/attest.h"
#include "cli/remote.h"

/* Print the service's verdict on a document: CLI_YES when it is valid, CLI_NO when it is refused. */
enum cli_exit document_verify(
    struct remote_options *o, const struct attest_evidence *e);

/* How the files of a form end, without the dot. */
const char *document_suffix(enum attest_form form);

#endif
