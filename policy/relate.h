/* relate.h - how two atoms, two tests, two lists of tests stand to each other; for the files of policy/ alone.
 * Only what is so for every request and all data counts as more than an overlap. Errors count: a test that is covered may err only where what covers it errs
 * too or holds. */
#ifndef POLICY_RELATE_H
#define POLICY_RELATE_H

#include "policy/rules.h"

enum relation {
	RELATE_OVERLAPS = 0, /* neither below: of some request and data both hold, of others one alone */
	RELATE_EQUAL,
	RELATE_COVERS,  /* where the second holds, the first does */
	RELATE_COVERED, /* where the first holds, the second does */
	RELATE_DISJOINT,
};

enum relation relate_atoms(
    const struct normal_atom *x, const struct normal_atom *y);
/* Does `y` hold wherever `x` does, and err (or hold) wherever `x` errs? */
bool relate_test_implies(const struct making *m, uint32_t x, uint32_t y);
/* Is `cover`'s list of tests satisfied where `list` is, and satisfied or in error where `list` errs? */
bool relate_list_covers(const struct making *m, uint32_t cover, uint32_t list);
/* Is `y`, where it stands right before `x`, asked for nothing: true where `x` is, and in error just where `x` is? */
bool relate_test_repeats(const struct making *m, uint32_t y, uint32_t x);
/* Is `y` false wherever `x` holds? */
bool relate_test_excludes(const struct making *m, uint32_t x, uint32_t y);
/* Where the atoms and the tests hold: does the list? Where one of those that may err does, does the list err or hold? Tests of the list that the atoms answer count. */
bool relate_piece_covered(const struct making *m,
    const struct known_list *cover, const uint32_t atoms[3],
    const uint32_t *tests, const bool *may_err, uint32_t n);

/* What holds of a request where a rule does, wholly or in a piece. */
struct relate_known {
	const struct normal_atom *atom[3];
	const uint32_t *tests;
	uint32_t n;
	const struct normal_atom *member; /* holds of `member_var`, too; NULL: there is none */
	unsigned member_var;
};
/* What the test is there, by one of the atoms or by another test: true (and no error), false, or either. */
enum facts_outcome relate_outcome(const struct making *m,
    const struct relate_known *known, uint32_t test);
/* The same, where tests of an element say of it what its atom does not: all of them together. */
enum facts_outcome relate_outcome_of_all(const struct making *m,
    const struct relate_known *known, uint32_t test);
/* Does the cover (atoms and list) hold wherever all of that does? And where one of the tests from `n_total` on errs, those before it holding: does it hold or err? */
bool relate_known_covered(const struct making *m,
    const struct relate_known *known, uint32_t n_total,
    const uint32_t atoms[3], const struct known_list *cover);
/* What all of them say of an element, its atom first; at most `max` (2 or more) are written. How many there are, also those that were left out. */
uint32_t relate_known_atoms(const struct making *m,
    const struct relate_known *known, unsigned var, struct normal_atom *ret,
    uint32_t max);

#endif
