/* wrap.h - make the k-th allocation fail, for every k.
 * Counted are malloc, calloc and realloc of our own objects (whose calls are renamed to fault_malloc and so on before linking) and all of jansson's. Other libraries' are not reached.
 * The calls that store/ makes of SQLite and libpq count as well, and those of OpenSSL that make, check, hash, seal or draw something. */
#ifndef TESTS_FAULT_WRAP_H
#define TESTS_FAULT_WRAP_H

#include "base/str.h"

/* Runs `once` with allocation 0 failing, then 1, .. until a run needs fewer. `once` says true for the right answer and false for an error it was told of; a
 * wrong answer is its own to assert. Asserts that a run without failure gives the answer, and that no run leaves memory behind. Gives back the number of
 * allocations. Not in nested use, one thread. */
long fault_sweep(const char *name, bool (*once)(void *ctx), void *ctx);

/* The same with jansson's allocations left alone. Its lexer loses a byte when its buffer cannot grow, and reads past the end when that byte is a string's closing quote
 * (2.14, strings of 14 bytes, 30, ..): then it aborts, whatever its caller does. */
long fault_sweep_ours(const char *name, bool (*once)(void *ctx), void *ctx);

/* Within `once`: until it is called with false nothing fails, and what is allocated is not looked for. For what a test needs besides the thing under test. */
void fault_pause(bool pause);

#endif
