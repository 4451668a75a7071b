/* validation.h - are the policies of a case valid, as published? */
#ifndef TESTS_VALIDATION_H
#define TESTS_VALIDATION_H

#include "policy/schema.h"
#include "tests/conformance/cases.h"
#include "tests/conformance/details.h"

struct validation_tally {
	size_t agree, differ, refused;
	size_t shown; /* differences that were printed */
};

/* Compare strict validation with the case's `shouldValidate`, and strict and permissive validation of each policy with the details (NULL: none). Cases
 * without an answer are passed over; those whose policies cannot be read are refused. `a` is for what is gone after the case. */
void validation_compare(struct validation_tally *t, struct arena *a,
    const struct test_case *c, const struct schema *schema, const struct case_detail *detail);

#endif
