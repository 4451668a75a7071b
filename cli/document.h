/* document.h - the document service asked from cmd_doc.c. */
#ifndef CLI_DOCUMENT_H
#define CLI_DOCUMENT_H

#include "cli/remote.h"

/* Print the service's verdict on a document and its raw signature: CLI_YES when it is valid, CLI_NO when it is refused. */
enum cli_exit document_verify(struct remote_options *o, struct str document,
    struct str signature);

#endif
