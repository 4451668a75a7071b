/* config_read.h - from a YAML tree to structs by tables of keys; used by config.c and its parts.
 * A table names each key once, with the function that reads its value. Every error is added to the list with its place, and reading goes on. An unknown key is
 * an error with the nearest known name as hint; a key of a later version says so. */
#ifndef GATEWAYS_CONFIG_READ_H
#define GATEWAYS_CONFIG_READ_H

#include "gateways/config.h"
#include "gateways/yaml.h"

struct config_reader {
	struct arena *a;
	struct errors *errors;
	bool failed;
	struct error *warnings;
	size_t n_warnings, cap_warnings;
};

struct config_choice {
	const char *name;
	int value;
	bool is_later; /* known, but not in this version */
};

struct config_field {
	const char *name;
	/* Reads `value` to `to`; NULL: the key is of a later version. */
	void (*read)(struct config_reader *r, const struct config_field *f,
	    const struct yaml *value, void *to);
	size_t offset; /* of `to` in the object */
	bool is_required;
	bool may_be_empty; /* lists: `[]` says the same as nothing */
	const struct config_choice *choices; /* ended by a NULL name */
};

/* A row of a table: the member of `type` that the key fills; what else the row says follows. */
#define CONFIG_FIELD(type, member, key, reader, ...) \
	{ \
		.name = key, .read = reader, .offset = offsetof(type, member), \
		__VA_ARGS__ \
	}

#define CONFIG_FIELDS_MAX 24u

/* Where each field of a table stood; line 0: nowhere. */
struct config_seen {
	struct span at[CONFIG_FIELDS_MAX];
};

/* An error at `at`; the slot for a hint, or NULL. */
struct error *config_fail(struct config_reader *r, enum err_code code,
    struct span at, const char *fmt, ...) PRINTF_LIKE(4, 5);
void config_warn(struct config_reader *r, struct span at, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
void config_fail_memory(struct config_reader *r);

/* Read a map to `object`. False, with the error, when it is no map. */
bool config_read_map(struct config_reader *r, const struct yaml *map,
    const struct config_field *fields, size_t n, void *object,
    struct config_seen *ret_seen);

/* Text that is not empty and has no control bytes; else the error and an empty slice. */
struct str config_text(struct config_reader *r, const struct yaml *value);
/* Room for `size` bytes for each member of a list or map. NULL, with the error, when it is none, or is empty where it may not be. */
void *config_list(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, enum yaml_kind want, size_t size, size_t *ret_n);
/* The same text as a name of `names` (NULL-ended); else an error with the nearest one as hint. */
bool config_known(struct config_reader *r, const struct yaml *value,
    const char *what, const char *const *names);

/* Readers for tables; the type that `to` points to. */
void config_read_text(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to); /* struct str */
void config_read_strings(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to); /* struct config_strings, none twice */
void config_read_cidrs(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to); /* struct config_cidrs */
void config_read_choice(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to); /* an enum, or int */
void config_read_kind(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to); /* struct str; an unknown choice is said once and leaves it empty */
void config_read_listen(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to); /* struct str, as listen_parse takes it */
void config_read_lease(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to); /* int64_t */

#endif
