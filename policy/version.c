/* version.c - versions as their makers order them.
 * Each order compares two lists of parts, the first difference deciding, and a
 * list that ends counts as if it went on with parts of a fixed rank: this is
 * what makes each order total. Numbers are compared as digits, so that none is
 * too large. Standards: Semantic Versioning 2.0.0 sections 9 to 11; Debian
 * Policy 5.6.12; RPM's version comparison as rpm-version(7) tells it. */
#include "policy/version.h"

#include "base/limits.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
are_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_digit(s.p[i]))
			return false;
	return s.n > 0;
}

/* Only letters, digits and those of `others`. */
static bool
is_made_of(struct str s, const char *others)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_digit(s.p[i]) && !is_letter(s.p[i]) &&
		    (s.p[i] == '\0' || !strchr(others, s.p[i])))
			return false;
	return true;
}

/* Cut off digits; how many there were is seen from what is left. */
static struct str
take_digits(struct str *s)
{
	size_t n = 0;

	while (n < s->n && is_digit(s->p[n]))
		n++;
	*s = (struct str){ s->p + n, s->n - n };
	return (struct str){ s->p - n, n };
}

static int
cmp_sizes(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

/* Digits by their number; none is 0. */
static int
cmp_digits(struct str a, struct str b)
{
	while (a.n && a.p[0] == '0')
		a = str_sub(a, 1, a.n);
	while (b.n && b.p[0] == '0')
		b = str_sub(b, 1, b.n);
	if (a.n != b.n)
		return cmp_sizes(a.n, b.n);
	return str_cmp(a, b);
}

/* --- Semantic Versioning ------------------------------------------------ */

struct semver {
	struct str numbers, pre;
	bool has_pre, has_build;
	struct str build;
};

static struct semver
split_semver(struct str s)
{
	struct semver v = { 0 };
	size_t plus = str_find(s, '+', 0);
	size_t minus = str_find(str_sub(s, 0, plus), '-', 0);

	v.has_build = plus < s.n;
	v.build = str_sub(s, plus + v.has_build, s.n);
	v.has_pre = minus < plus;
	v.pre = str_sub(s, minus + v.has_pre, plus);
	v.numbers = str_sub(s, 0, minus);
	return v;
}

/* Cut off up to the next dot. False at the end. */
static bool
next_part(struct str *rest, struct str *ret)
{
	size_t dot = str_find(*rest, '.', 0);

	if (!rest->p)
		return false;
	*ret = str_sub(*rest, 0, dot);
	*rest = dot < rest->n ? str_sub(*rest, dot + 1, rest->n)
			      : (struct str){ 0 };
	return true;
}

static bool
is_number(struct str s)
{
	uint64_t n;

	return are_digits(s) && (s.n == 1 || s.p[0] != '0') &&
	       str_to_u64(s, UINT64_MAX, &n);
}

static bool
check_numbers(struct str rest)
{
	struct str part;

	while (next_part(&rest, &part))
		if (!is_number(part))
			return false;
	return true;
}

/* Parts of a pre-release (section 9) or a build (section 10). */
static bool
check_names(struct str rest, bool pre)
{
	struct str part;

	while (next_part(&rest, &part))
		if (part.n == 0 || !is_made_of(part, "-") ||
		    (pre && are_digits(part) && !is_number(part)))
			return false;
	return true;
}

static bool
check_semver(struct str s)
{
	struct semver v = split_semver(s);

	return check_numbers(v.numbers) &&
	       (!v.has_pre || check_names(v.pre, true)) &&
	       (!v.has_build || check_names(v.build, false));
}

/* A number is below a name; a list that ends is below one that goes on. */
static int
cmp_pre(struct str a, struct str b)
{
	for (;;) {
		struct str x, y;
		bool more_a = next_part(&a, &x), more_b = next_part(&b, &y);
		int order;

		if (!more_a || !more_b)
			return (int)more_a - (int)more_b;
		if (are_digits(x) && are_digits(y))
			order = cmp_digits(x, y);
		else if (are_digits(x) || are_digits(y))
			order = are_digits(x) ? -1 : 1;
		else
			order = str_cmp(x, y);
		if (order)
			return order;
	}
}

static int
cmp_semver(struct str a, struct str b)
{
	struct semver v = split_semver(a), w = split_semver(b);
	bool more = true;

	/* Missing parts are 0. */
	while (more) {
		struct str x = STR("0"), y = STR("0");
		bool more_v = next_part(&v.numbers, &x);
		bool more_w = next_part(&w.numbers, &y);
		int order = cmp_digits(x, y);

		if (order)
			return order;
		more = more_v || more_w;
	}
	if (!v.has_pre || !w.has_pre)
		return (int)w.has_pre - (int)v.has_pre;
	return cmp_pre(v.pre, w.pre);
}

/* --- epoch, version, revision ------------------------------------------- */

struct evr {
	struct str epoch, version, revision;
	bool has_epoch, has_revision;
};

static struct evr
split_evr(struct str s)
{
	struct evr v = { 0 };
	size_t colon = str_find(s, ':', 0), dash = s.n;

	v.has_epoch = colon < s.n;
	if (v.has_epoch) {
		v.epoch = str_sub(s, 0, colon);
		s = str_sub(s, colon + 1, s.n);
		dash = s.n;
	}
	while (dash > 0 && s.p[dash - 1] != '-')
		dash--;
	v.has_revision = dash > 0;
	v.revision = v.has_revision ? str_sub(s, dash, s.n) : STR("");
	v.version = v.has_revision ? str_sub(s, 0, dash - 1) : s;
	return v;
}

/* Epochs are of 31 bits, as the package managers have them. */
static bool
check_evr(const struct evr *v, const char *in_version, const char *in_revision)
{
	uint64_t epoch;

	return (!v->has_epoch || str_to_u64(v->epoch, INT32_MAX, &epoch)) &&
	       v->version.n > 0 && is_made_of(v->version, in_version) &&
	       (!v->has_revision ||
		   (v->revision.n > 0 && is_made_of(v->revision, in_revision)));
}

/* --- Debian ------------------------------------------------------------- */

static bool
check_debian(struct str s)
{
	struct evr v = split_evr(s);

	return check_evr(&v, v.has_epoch ? ".+-~:" : ".+-~", ".+~") &&
	       is_digit(v.version.p[0]);
}

/* The first character of what is left: the tilde is below the end, letters are
 * above it, all else above letters. Digits end a run as the end does. */
static int
debian_rank(struct str s)
{
	char c = s.n ? s.p[0] : '0';

	if (is_digit(c))
		return 0;
	if (c == '~')
		return -1;
	return is_letter(c) ? (unsigned char)c : (unsigned char)c + 256;
}

static int
cmp_debian(struct str a, struct str b)
{
	while (a.n || b.n) {
		int order = debian_rank(a) - debian_rank(b);

		if (order)
			return order;
		if (debian_rank(a) == 0) {
			order = cmp_digits(take_digits(&a), take_digits(&b));
			if (order)
				return order;
			continue;
		}
		a = str_sub(a, 1, a.n);
		b = str_sub(b, 1, b.n);
	}
	return 0;
}

/* --- RPM ---------------------------------------------------------------- */

static bool
check_rpm(struct str s)
{
	struct evr v = split_evr(s);

	return check_evr(&v, "._+~^", "._+~^");
}

/* What comes next, lowest first. */
enum rpm_rank { RPM_TILDE, RPM_END, RPM_CARET, RPM_LETTERS, RPM_DIGITS };

/* Skips what only separates. */
static enum rpm_rank
rpm_rank(struct str *s)
{
	while (s->n && !is_digit(s->p[0]) && !is_letter(s->p[0]) &&
	       s->p[0] != '~' && s->p[0] != '^')
		*s = str_sub(*s, 1, s->n);
	if (s->n == 0)
		return RPM_END;
	if (is_digit(s->p[0]))
		return RPM_DIGITS;
	if (is_letter(s->p[0]))
		return RPM_LETTERS;
	return s->p[0] == '~' ? RPM_TILDE : RPM_CARET;
}

static struct str
take_letters(struct str *s)
{
	size_t n = 0;

	while (n < s->n && is_letter(s->p[n]))
		n++;
	*s = (struct str){ s->p + n, s->n - n };
	return (struct str){ s->p - n, n };
}

static int
cmp_rpm(struct str a, struct str b)
{
	for (;;) {
		enum rpm_rank x = rpm_rank(&a), y = rpm_rank(&b);
		int order = (int)x - (int)y;

		if (order || x == RPM_END)
			return order;
		if (x == RPM_DIGITS)
			order = cmp_digits(take_digits(&a), take_digits(&b));
		else if (x == RPM_LETTERS)
			order = str_cmp(take_letters(&a), take_letters(&b));
		else {
			a = str_sub(a, 1, a.n);
			b = str_sub(b, 1, b.n);
		}
		if (order)
			return order;
	}
}

/* --- the table ---------------------------------------------------------- */

/* No epoch is 0. No revision is Debian's 0, and below all of RPM's releases. */
static int
cmp_evr(enum value_kind kind, struct str a, struct str b)
{
	bool debian = kind == VALUE_DEBVERSION;
	struct evr v = split_evr(a), w = split_evr(b);
	int order = cmp_digits(v.epoch, w.epoch);

	if (!order)
		order = debian ? cmp_debian(v.version, w.version)
			       : cmp_rpm(v.version, w.version);
	if (order)
		return order;
	if (debian)
		return cmp_debian(v.revision, w.revision);
	if (v.has_revision != w.has_revision)
		return (int)v.has_revision - (int)w.has_revision;
	return cmp_rpm(v.revision, w.revision);
}

bool
version_is(enum value_kind kind)
{
	return kind == VALUE_VERSION || kind == VALUE_DEBVERSION ||
	       kind == VALUE_RPMVERSION;
}

bool
version_check(enum value_kind kind, struct str text)
{
	if (text.n == 0 || text.n > LIMIT_VERSION_BYTES)
		return false;
	if (kind == VALUE_VERSION)
		return check_semver(text);
	if (kind == VALUE_DEBVERSION)
		return check_debian(text);
	return kind == VALUE_RPMVERSION && check_rpm(text);
}

int
version_cmp(enum value_kind kind, struct str a, struct str b)
{
	if (kind == VALUE_VERSION)
		return cmp_semver(a, b);
	return cmp_evr(kind, a, b);
}
