/* workload.c - a seeded workload for `avow bench decide`: FOLDER/policies/,
 * entities.json, requests.jsonl and expected, where each request's decision is
 * computed here, from the numbers that were drawn, by none of the engine's
 * code. usage: workload FOLDER KIND POLICIES ENTITIES REQUESTS [SEED] Kinds:
 * tenant (principal in a group, action, resource in a tenant, when two
 * attributes fit), plain (no conditions), wildcard (resources by a prefix of
 * their ids), deep (groups and tenants in trees), hot (all policies have one
 * scope), negated (principal != user), any (no scope but conditions), regex (as
 * tenant, one attribute by a regular expression), wide (everybody in thousands
 * of groups above, everything in thousands of regions; a policy names one of
 * these, and a group or tenant). One
 * policy in twenty is a deny. A third of the entities are principals, in one to
 * four groups each; one entity in a hundred lacks the attribute. Half of the
 * requests fit a policy. The same arguments give the same files. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ACTIONS 20u
#define DEPTS 50u
#define LEVELS 16u
#define GROUPS_MAX 4u
#define POLICIES_A_FILE 200000u
#define ABOVE_MAX (GROUPS_MAX * 32u)
#define SUPERS 2000u /* groups above all groups, regions above all tenants */

enum kind {
	TENANT,
	PLAIN,
	WILDCARD,
	DEEP,
	HOT,
	NEGATED,
	ANY,
	REGEX,
	WIDE,
	KINDS
};
static const char *const kinds[KINDS] = { "tenant", "plain", "wildcard", "deep",
	"hot", "negated", "any", "regex", "wide" };

struct user {
	uint32_t groups[GROUPS_MAX];
	uint8_t n_groups, dept;
	bool has_dept;
};
struct item {
	uint32_t tenant;
	uint8_t level;
	bool has_level;
};
struct rule {
	uint32_t group, tenant, user, item; /* the last two: whom it fits */
	uint8_t action, dept, level;
	bool deny;
	bool any_user; /* wide: who it fits is any, else what */
	uint32_t super;
};

static struct world {
	enum kind kind;
	uint32_t n_rules, n_users, n_items, n_groups, n_tenants, n_requests;
	struct user *users;
	struct item *items;
	struct rule *rules;
} w;

static uint64_t seed = 88172645463325252u;

static uint32_t
draw(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)((seed >> 11) % n);
}

static void *
need(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);
	if (p == NULL) {
		fputs("workload: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

static FILE *
create(const char *folder, const char *name)
{
	char path[600];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	if (f == NULL) {
		perror(path);
		exit(1);
	}
	setvbuf(f, NULL, _IOFBF, 1u << 20);
	return f;
}

static void
finish(FILE *f)
{
	if (fclose(f) != 0) {
		perror("workload");
		exit(1);
	}
}

/* Names that lie in another order than the numbers: neighbours in a list of
 * requests are none in memory. A multiplication modulo a prime repeats none. */
static uint32_t
scatter(uint32_t i)
{
	return (uint32_t)((uint64_t)(i + 1) * 48271u % 99999989u);
}

static const char *
item_name(uint32_t i, char out[64])
{
	if (w.kind == WILDCARD)
		snprintf(out, 64, "t%u/%08u", w.items[i].tenant, scatter(i));
	else
		snprintf(out, 64, "doc/%08u/v1", scatter(i));
	return out;
}

/* --- the world ------------------------------------------------------------ */

static void
make_entities(void)
{
	w.users = need(w.n_users, sizeof *w.users);
	w.items = need(w.n_items, sizeof *w.items);
	for (uint32_t i = 0; i < w.n_users; i++) {
		struct user *u = &w.users[i];
		uint32_t n = 1 + draw(GROUPS_MAX);
		while (u->n_groups < n)
			u->groups[u->n_groups++] = draw(w.n_groups);
		u->dept = (uint8_t)draw(DEPTS);
		u->has_dept = draw(100) != 0;
	}
	for (uint32_t i = 0; i < w.n_items; i++) {
		w.items[i].tenant = draw(w.n_tenants);
		w.items[i].level = (uint8_t)draw(LEVELS);
		w.items[i].has_level = draw(100) != 0;
	}
}

/* In the deep kind group 0 is the root and i is in (i - 1) / 2. */
static uint32_t
climb(uint32_t i)
{
	uint32_t steps = w.kind == DEEP ? draw(16) : 0;
	while (steps-- > 0 && i > 0)
		i = (i - 1) / 2;
	return i;
}

static int
by_scope(const void *a, const void *b)
{
	const struct rule *x = a, *y = b;
	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if (x->action != y->action)
		return x->action < y->action ? -1 : 1;
	return (x->tenant > y->tenant) - (x->tenant < y->tenant);
}

static void
make_rules(void)
{
	w.rules = need(w.n_rules, sizeof *w.rules);
	for (uint32_t i = 0; i < w.n_rules; i++) {
		struct rule *r = &w.rules[i];
		r->user = draw(w.n_users);
		r->item = draw(w.n_items);
		const struct user *u = &w.users[r->user];
		r->group = climb(u->groups[draw(u->n_groups)]);
		r->tenant = climb(w.items[r->item].tenant);
		r->action = (uint8_t)draw(ACTIONS);
		r->dept = u->dept;
		r->level = (uint8_t)draw(LEVELS);
		r->deny = i % 20 == 19;
		r->any_user = i % 2 == 0;
		r->super = scatter(i) % SUPERS;
		if (w.kind != HOT)
			continue;
		r->group = w.rules[0].group;
		r->tenant = w.rules[0].tenant;
		r->action = w.rules[0].action;
		r->user = w.rules[0].user;
		r->item = w.rules[0].item;
		r->dept = (uint8_t)draw(DEPTS);
	}
}

/* --- files ---------------------------------------------------------------- */

static void
write_rule(FILE *f, const struct rule *r)
{
	const char *word = r->deny ? "deny" : "permit";
	if (w.kind == NEGATED)
		fprintf(f,
		    "%s (principal != User::\"user-%08u@corp\", action == "
		    "Action::\"a%u\", resource)",
		    word, scatter(r->user), r->action);
	else if (w.kind == ANY)
		fprintf(f, "%s (principal, action, resource)", word);
	else if (w.kind == WIDE && r->any_user)
		fprintf(f,
		    "%s (principal in Super::\"s%u\", action == "
		    "Action::\"a%u\", resource in Tenant::\"t%u\")",
		    word, r->super, r->action, r->tenant);
	else if (w.kind == WIDE)
		fprintf(f,
		    "%s (principal in Group::\"g%u\", action == "
		    "Action::\"a%u\", resource in Region::\"r%u\")",
		    word, r->group, r->action, r->super);
	else if (w.kind == WILDCARD)
		fprintf(f,
		    "%s (principal in Group::\"g%u\", action == "
		    "Action::\"a%u\", resource like Doc::\"t%u/*\")",
		    word, r->group, r->action, r->tenant);
	else
		fprintf(f,
		    "%s (principal in Group::\"g%u\", action == "
		    "Action::\"a%u\", resource in Tenant::\"t%u\")",
		    word, r->group, r->action, r->tenant);
	if (w.kind == PLAIN)
		fputs(";\n", f);
	else if (w.kind == REGEX)
		fprintf(f,
		    " when { resource.level <= %u && principal.mail matches "
		    "\"^[a-z0-9.-]+@d%u\\\\.corp$\" };\n",
		    r->level, r->dept);
	else
		fprintf(f,
		    " when { resource.level <= %u && principal.dept == "
		    "\"d%u\" };\n",
		    r->level, r->dept);
}

static void
write_policies(const char *folder)
{
	char name[64], path[600];
	snprintf(path, sizeof path, "%s/policies", folder);
	mkdir(path, 0777);
	for (uint32_t i = 0; i < w.n_rules;) {
		snprintf(name, sizeof name, "policies/p%03u.avow",
		    i / POLICIES_A_FILE);
		FILE *f = create(folder, name);
		do
			write_rule(f, &w.rules[i++]);
		while (i < w.n_rules && i % POLICIES_A_FILE != 0);
		finish(f);
	}
}

static void
write_tree(FILE *f, const char *type, char letter, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		fprintf(f,
		    "{\"uid\":{\"type\":\"%s\",\"id\":\"%c%u\"},\"attrs\":{},"
		    "\"parents\":[{\"type\":\"%s\",\"id\":\"%c%u\"}]},\n",
		    type, letter, i, type, letter, (i - 1) / 2);
}

/* Each of `n` below all that are above. */
static void
write_wide(FILE *f, const char *type, char letter, uint32_t n,
    const char *above, char above_letter)
{
	for (uint32_t i = 0; i < n; i++) {
		fprintf(f,
		    "{\"uid\":{\"type\":\"%s\",\"id\":\"%c%u\"},\"attrs\":{},"
		    "\"parents\":[",
		    type, letter, i);
		for (uint32_t k = 0; k < SUPERS; k++)
			fprintf(f, "%s{\"type\":\"%s\",\"id\":\"%c%u\"}",
			    k > 0 ? "," : "", above, above_letter, k);
		fputs("]},\n", f);
	}
}

static void
write_entities(const char *folder)
{
	char name[64];
	FILE *f = create(folder, "entities.json");
	fputs("[\n", f);
	if (w.kind == DEEP) {
		write_tree(f, "Group", 'g', w.n_groups);
		write_tree(f, "Tenant", 't', w.n_tenants);
	}
	if (w.kind == WIDE) {
		write_wide(f, "Group", 'g', w.n_groups, "Super", 's');
		write_wide(f, "Tenant", 't', w.n_tenants, "Region", 'r');
	}
	for (uint32_t i = 0; i < w.n_users; i++) {
		const struct user *u = &w.users[i];
		fprintf(f,
		    "{\"uid\":{\"type\":\"User\",\"id\":\"user-%08u@corp\"},"
		    "\"attrs\":{",
		    scatter(i));
		if (u->has_dept && w.kind == REGEX)
			fprintf(f, "\"mail\":\"user-%u@d%u.corp\"", i, u->dept);
		else if (u->has_dept)
			fprintf(f, "\"dept\":\"d%u\"", u->dept);
		fputs("},\"parents\":[", f);
		for (uint32_t k = 0; k < u->n_groups; k++)
			fprintf(f, "%s{\"type\":\"Group\",\"id\":\"g%u\"}",
			    k > 0 ? "," : "", u->groups[k]);
		fputs("]},\n", f);
	}
	for (uint32_t i = 0; i < w.n_items; i++) {
		fprintf(f,
		    "{\"uid\":{\"type\":\"Doc\",\"id\":\"%s\"},\"attrs\":{",
		    item_name(i, name));
		if (w.items[i].has_level)
			fprintf(f, "\"level\":%u", w.items[i].level);
		fprintf(f,
		    "},\"parents\":[{\"type\":\"Tenant\",\"id\":\"t%u\"}]}%s\n",
		    w.items[i].tenant, i + 1 < w.n_items ? "," : "");
	}
	fputs("]\n", f);
	finish(f);
}

/* --- what is expected ------------------------------------------------------
 */

struct tally {
	bool permit, deny, deny_failed;
};

static void
count(struct tally *t, const struct rule *r, const struct user *u,
    const struct item *i)
{
	bool fails = false, fits = true;
	if (w.kind != PLAIN) {
		fails = !i->has_level || (i->level <= r->level && !u->has_dept);
		fits = !fails && i->level <= r->level && u->dept == r->dept;
	}
	t->deny_failed = t->deny_failed || (fails && r->deny);
	t->deny = t->deny || (fits && r->deny);
	t->permit = t->permit || (fits && !r->deny);
}

/* The numbers above `i` and `i` itself, after the `n` that are there. */
static uint32_t
above(uint32_t i, uint32_t *out, uint32_t n)
{
	for (;; i = (i - 1) / 2) {
		uint32_t k = 0;
		while (k < n && out[k] != i)
			k++;
		if (k == n)
			out[n++] = i;
		if (w.kind != DEEP || i == 0)
			return n;
	}
}

static void
count_scope(struct tally *t, const struct rule *want, const struct user *u,
    const struct item *i)
{
	size_t from = 0, to = w.n_rules;
	while (from < to) {
		size_t mid = from + (to - from) / 2;
		if (by_scope(&w.rules[mid], want) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	for (; from < w.n_rules && by_scope(&w.rules[from], want) == 0; from++)
		count(t, &w.rules[from], u, i);
}

static bool
is_in_group(const struct user *u, uint32_t group)
{
	for (uint32_t k = 0; k < u->n_groups; k++)
		if (u->groups[k] == group)
			return true;
	return false;
}

/* Does the scope hold? For kinds whose rules are not looked up by it. */
static bool
scope_holds(const struct rule *r, uint32_t user, uint32_t action, uint32_t item)
{
	if (w.kind == ANY)
		return true;
	if (r->action != action)
		return false;
	if (w.kind == NEGATED)
		return r->user != user;
	return r->any_user ? r->tenant == w.items[item].tenant
			   : is_in_group(&w.users[user], r->group);
}

static bool
is_permitted(uint32_t user, uint32_t action, uint32_t item)
{
	const struct user *u = &w.users[user];
	const struct item *i = &w.items[item];
	struct tally t = { 0 };
	uint32_t groups[ABOVE_MAX], tenants[ABOVE_MAX], n_groups = 0;
	if (w.kind == NEGATED || w.kind == ANY || w.kind == WIDE) {
		for (uint32_t k = 0; k < w.n_rules; k++)
			if (scope_holds(&w.rules[k], user, action, item))
				count(&t, &w.rules[k], u, i);
		return t.permit && !t.deny && !t.deny_failed;
	}
	for (uint32_t k = 0; k < u->n_groups; k++)
		n_groups = above(u->groups[k], groups, n_groups);
	uint32_t n_tenants = above(i->tenant, tenants, 0);
	for (uint32_t g = 0; g < n_groups; g++)
		for (uint32_t k = 0; k < n_tenants; k++)
			count_scope(&t,
			    &(struct rule){ .group = groups[g],
				.tenant = tenants[k],
				.action = (uint8_t)action },
			    u, i);
	return t.permit && !t.deny && !t.deny_failed;
}

static void
write_requests(const char *folder)
{
	char name[64];
	FILE *f = create(folder, "requests.jsonl");
	FILE *e = create(folder, "expected");
	for (uint32_t k = 0; k < w.n_requests; k++) {
		const struct rule *r = &w.rules[draw(w.n_rules)];
		bool fits = draw(2) != 0;
		uint32_t user = fits ? r->user : draw(w.n_users);
		uint32_t item = fits ? r->item : draw(w.n_items);
		uint32_t action = fits ? r->action : draw(ACTIONS);
		fprintf(f,
		    "{\"principal\":{\"type\":\"User\",\"id\":"
		    "\"user-%08u@corp\"},\"action\":{\"type\":\"Action\","
		    "\"id\":\"a%u\"},\"resource\":{\"type\":\"Doc\",\"id\":"
		    "\"%s\"},\"context\":{}}\n",
		    scatter(user), action, item_name(item, name));
		fprintf(e, "%s\n",
		    is_permitted(user, action, item) ? "permit" : "deny");
	}
	finish(f);
	finish(e);
}

static uint32_t
number(const char *text)
{
	unsigned long n = strtoul(text, NULL, 10);
	if (n == 0 || n > 90000000u) {
		fprintf(stderr, "workload: not a number to use: %s\n", text);
		exit(1);
	}
	return (uint32_t)n;
}

int
main(int argc, char **argv)
{
	if (argc < 6) {
		fputs("usage: workload FOLDER KIND POLICIES ENTITIES REQUESTS "
		      "[SEED]\n",
		    stderr);
		return 1;
	}
	while (w.kind < KINDS && strcmp(argv[2], kinds[w.kind]) != 0)
		w.kind++;
	if (w.kind == KINDS) {
		fprintf(stderr, "workload: no kind `%s`\n", argv[2]);
		return 1;
	}
	uint32_t n_entities = number(argv[4]);
	w.n_rules = number(argv[3]);
	w.n_requests = number(argv[5]);
	w.n_users = n_entities / 3 + 1;
	w.n_items = n_entities - n_entities / 3;
	w.n_groups = w.n_users / 20 + 4;
	w.n_tenants = w.n_items / 20 + 4;
	if (argc > 6)
		seed += (uint64_t)number(argv[6]) * 0x9e3779b97f4a7c15u;
	mkdir(argv[1], 0777);
	make_entities();
	make_rules();
	write_policies(argv[1]);
	write_entities(argv[1]);
	/* From here on the rules lie by scope, for looking them up. */
	qsort(w.rules, w.n_rules, sizeof *w.rules, by_scope);
	write_requests(argv[1]);
	free(w.users);
	free(w.items);
	free(w.rules);
	return 0;
}
