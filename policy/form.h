/* form.h - what an index can know of a test: its form, its reads, the atom it says; for the files of policy/ alone. */
#ifndef POLICY_FORM_H
#define POLICY_FORM_H

#include "policy/rules.h"

/* Fill *ret for a test of the policy at hand. False when memory is out. */
bool form_learn(struct making *m, const struct test *test,
    struct known_test *ret) MUST_USE;

#endif
