/* key_sets.c - one list of sets, one lock, one thread. A set in hand is asked
 * for without the lock: only its user and the thread that asks wait. */
#include "gateways/key_sets.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "attest/token.h"
#include "base/limits.h"
#include "base/log.h"
#include "gateways/client.h"

struct key_set {
	struct key_sets *owner;
	struct key_set *next;
	char *url, *ca; /* `ca` "": the system's */
	char *text;     /* NULL: never had one */
	unsigned users;
	int64_t due_ms;
	bool is_failing; /* said so already */
	atomic_int_fast64_t fresh_until_s;
};

struct key_sets {
	struct key_sets_options o;
	pthread_mutex_t asking; /* one asks at a time; taken before `lock` */
	pthread_mutex_t lock;   /* guards all below, and the sets */
	pthread_cond_t wake;
	struct key_set *first;
	unsigned n;
	bool is_closed, has_thread, is_stopping;
	pthread_t thread;
};

/* ---- asking ----------------------------------------------------------------
 */

static bool
has_only_url_bytes(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '@' ||
		    s.p[i] == '#' || s.p[i] == '\\')
			return false;
	return true;
}

/* Where the path begins. */
static size_t
path_at(struct str url)
{
	return str_find(url, '/', strlen("https://"));
}

bool
key_sets_is_url(struct str s)
{
	return str_has_prefix(s, STR("https://")) && has_only_url_bytes(s) &&
	       path_at(s) > strlen("https://") && path_at(s) < s.n;
}

/* RFC 9111 5.2.2.1; -1: it does not say. */
static int64_t
max_age_of(struct str cache_control)
{
	static const char name[] = "max-age=";
	const char *at = cache_control.n > 0
			     ? memmem(cache_control.p, cache_control.n, name,
				   sizeof name - 1)
			     : NULL;
	size_t from = at ? (size_t)(at - cache_control.p) + sizeof name - 1 : 0;
	size_t end = from;
	uint64_t n;

	while (at && end < cache_control.n && cache_control.p[end] >= '0' &&
	       cache_control.p[end] <= '9')
		end++;
	return at && str_to_u64(
			 str_sub(cache_control, from, end), UINT32_MAX, &n)
		   ? (int64_t)n
		   : -1;
}

static bool
fetch_https(void *ctx, struct arena *a, struct str url, struct str ca,
    struct str *ret_text, int64_t *ret_age_s, struct error *reterr)
{
	const struct client_options o = { .url = str_z(
					      a, str_sub(url, 0, path_at(url))),
		.ca_file = ca.n ? str_z(a, ca) : NULL };
	const struct client_request q = { .method = "GET",
		.path = str_sub(url, path_at(url), url.n),
		.may_repeat = true };
	struct client_response r = { 0 };
	struct client *c;
	bool ok;

	(void)ctx;
	if (!o.url || (ca.n && !o.ca_file))
		return error_nomem(reterr);
	c = client_new(&o, reterr);
	ok = c && client_send(c, a, &q, &r, reterr);
	client_free(c);
	if (ok && r.status != 200)
		return error_set(reterr, ERR_DATA_MISSING, SPAN_NONE,
		    "%.*s: answered %u, and 200 is what brings keys",
		    STR_ARG(url), r.status);
	*ret_text = r.body;
	*ret_age_s = max_age_of(r.cache_control);
	return ok;
}

/* At least one key that can be used: else the former set is the better one. */
static bool
check_text(const char *url, struct str text, struct error *reterr)
{
	struct error why = { 0 };
	struct token_keys *keys = token_keys_parse(url, text, &why);

	token_keys_free(keys);
	return keys || error_set(reterr, ERR_KEY_FORM, SPAN_NONE,
			   "%s: what came is no key set: %s", url, why.msg);
}

static int64_t
clamp(int64_t n, int64_t least, int64_t most)
{
	return n < least ? least : n > most ? most : n;
}

/* Up to a tenth earlier than the age says, so that many gates do not ask at
 * once. */
static int64_t
next_ms(int64_t now_ms, int64_t age_s)
{
	int64_t wait_s = clamp(age_s < 0 ? LIMIT_KEY_SET_USUAL_S : age_s,
	    LIMIT_KEY_SET_LEAST_S, LIMIT_KEY_SET_MOST_S);
	uint16_t chance = 0;

	/* Without randomness all ask at once: no harm. */
	(void)!getrandom(&chance, sizeof chance, 0);
	return now_ms + wait_s * 1000 - wait_s * 100 * chance / UINT16_MAX;
}

/* NUL-ended; free() it. */
static char *
copy_of(struct str s)
{
	char *copy = calloc(1, s.n + 1);

	if (copy && s.p)
		memcpy(copy, s.p, s.n);
	return copy;
}

/* With the lock. True: other keys than before. */
static bool
take_text(struct key_set *set, char *text_take, int64_t age_s, int64_t now_ms)
{
	bool other = !set->text || strcmp(set->text, text_take) != 0;

	free(set->text);
	set->text = text_take;
	set->due_ms = next_ms(now_ms, age_s);
	atomic_store(
	    &set->fresh_until_s, now_ms / 1000 + LIMIT_KEY_SET_STALE_S);
	return other;
}

/* Say it when it goes wrong and when it is well again, not each time. */
static void
tell(const struct key_set *set, bool ok, bool other, const struct error *why)
{
	if (!ok)
		log_line(LOG_WARN, "key-set",
		    "url=\"%s\" ok=false code=%s message=\"%s\"", set->url,
		    error_id(why->code), why->msg);
	else
		log_line(LOG_INFO, "key-set", "url=\"%s\" ok=true changed=%s",
		    set->url, other ? "true" : "false");
}

/* With `asking`, without the lock; a set that is in use stays. */
static bool
ask(struct key_set *set, bool *ret_other, struct error *reterr)
{
	struct key_sets *s = set->owner;
	struct arena *a = arena_new(0);
	struct error why = { 0 };
	struct str text = { 0 };
	int64_t age_s = -1, now_ms;
	char *copy = NULL;
	bool ok = a != NULL || error_nomem(&why), was_failing;

	ok = ok &&
	     s->o.fetch(s->o.ctx, a, str_of(set->url), str_of(set->ca), &text,
		 &age_s, &why) &&
	     check_text(set->url, text, &why);
	if (ok) {
		copy = copy_of(text);
		ok = copy != NULL || error_nomem(&why);
	}
	arena_free(a);
	pthread_mutex_lock(&s->lock);
	now_ms = clock_now_ms(s->o.clock);
	*ret_other = ok && take_text(set, copy, age_s, now_ms);
	if (!ok)
		set->due_ms = now_ms + LIMIT_KEY_SET_RETRY_S * 1000;
	was_failing = set->is_failing;
	set->is_failing = !ok;
	pthread_mutex_unlock(&s->lock);
	if (*ret_other || was_failing == ok)
		tell(set, ok, *ret_other, &why);
	return ok || error_set(reterr, why.code, SPAN_NONE, "%s", why.msg);
}

/* ---- sets ------------------------------------------------------------------
 */

static void
set_free(struct key_set *set)
{
	free(set->url);
	free(set->ca);
	free(set->text);
	free(set);
}

static struct key_set *
set_new(struct key_sets *s, struct str url, struct str ca, struct error *reterr)
{
	struct key_set *set;

	if (s->n == LIMIT_KEY_SETS) {
		(void)error_set(reterr, ERR_LIMIT_COUNT, SPAN_NONE,
		    "more than %u URLs of key sets", LIMIT_KEY_SETS);
		return NULL;
	}
	set = calloc(1, sizeof *set);
	if (set) {
		set->owner = s;
		set->url = copy_of(url);
		set->ca = copy_of(ca);
		if (set->url && set->ca) {
			set->next = s->first;
			s->first = set;
			s->n++;
			return set;
		}
		set_free(set);
	}
	error_nomem(reterr);
	return NULL;
}

/* With the lock: a user more, of an old set or a new one. */
static struct key_set *
find(struct key_sets *s, struct str url, struct str ca, struct error *reterr)
{
	struct key_set *set = s->first;

	while (set &&
	       (!str_eq(str_of(set->url), url) || !str_eq(str_of(set->ca), ca)))
		set = set->next;
	if (!set)
		set = set_new(s, url, ca, reterr);
	if (set)
		set->users++;
	return set;
}

/* With the lock; what nobody uses is not kept. */
static void
drop_unused(struct key_sets *s)
{
	struct key_set **at = &s->first;

	while (*at) {
		struct key_set *set = *at;

		if (set->users > 0) {
			at = &set->next;
			continue;
		}
		*at = set->next;
		s->n--;
		set_free(set);
	}
}

static void
free_all(struct key_sets *s)
{
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->asking);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void
key_set_release(struct key_set *set)
{
	struct key_sets *s;
	bool is_last;

	if (!set)
		return;
	s = set->owner;
	pthread_mutex_lock(&s->lock);
	set->users--;
	drop_unused(s);
	is_last = s->is_closed && s->n == 0;
	pthread_mutex_unlock(&s->lock);
	if (is_last)
		free_all(s);
}

const atomic_int_fast64_t *
key_set_fresh_until(const struct key_set *set)
{
	return &set->fresh_until_s;
}

/* With the lock. */
static bool
is_fresh(const struct key_set *set)
{
	return set->text && clock_now_ms(set->owner->o.clock) / 1000 <
				atomic_load(&set->fresh_until_s);
}

static bool
copy_text(
    struct key_set *set, struct arena *a, struct str *ret, struct error *reterr)
{
	pthread_mutex_lock(&set->owner->lock);
	*ret = str_dup(a, str_of(set->text));
	pthread_mutex_unlock(&set->owner->lock);
	return ret->p || error_nomem(reterr);
}

bool
key_sets_use(struct key_sets *s, struct arena *a, struct str url, struct str ca,
    struct key_set **ret, struct str *ret_text, struct error *reterr)
{
	struct key_set *set;
	bool ok, other;

	pthread_mutex_lock(&s->asking);
	pthread_mutex_lock(&s->lock);
	set = find(s, url, ca, reterr);
	ok = set && is_fresh(set);
	pthread_mutex_unlock(&s->lock);
	if (set && !ok)
		ok = ask(set, &other, reterr);
	pthread_mutex_unlock(&s->asking);
	ok = ok && copy_text(set, a, ret_text, reterr);
	if (ok)
		*ret = set;
	else
		key_set_release(set);
	return ok;
}

/* ---- asking again ----------------------------------------------------------
 */

/* With the lock. A clock that was set back makes all due. */
static struct key_set *
due(struct key_sets *s)
{
	int64_t now_ms = clock_now_ms(s->o.clock);
	int64_t most = now_ms + LIMIT_KEY_SET_MOST_S * 1000;

	for (struct key_set *set = s->first; set; set = set->next)
		if (set->users > 0 &&
		    (set->due_ms <= now_ms || set->due_ms > most))
			return set;
	return NULL;
}

static int64_t
wait_ms(struct key_sets *s)
{
	int64_t now_ms = clock_now_ms(s->o.clock);
	int64_t wait = LIMIT_KEY_SET_RETRY_S * 1000;

	for (struct key_set *set = s->first; set; set = set->next)
		if (set->due_ms - now_ms < wait)
			wait = set->due_ms - now_ms;
	return wait > 0 ? wait : 0;
}

/* NULL: none is due. A user more, so that it stays while it is asked for. */
static struct key_set *
take_due(struct key_sets *s)
{
	struct key_set *set;

	pthread_mutex_lock(&s->lock);
	set = s->is_stopping ? NULL : due(s);
	if (set)
		set->users++;
	pthread_mutex_unlock(&s->lock);
	return set;
}

int64_t
key_sets_tick(struct key_sets *s)
{
	bool any = false, other;
	struct key_set *set;
	int64_t wait;

	while ((set = take_due(s))) {
		pthread_mutex_lock(&s->asking);
		if (ask(set, &other, NULL))
			any |= other;
		pthread_mutex_unlock(&s->asking);
		key_set_release(set);
	}
	if (any && s->o.changed)
		s->o.changed(s->o.ctx);
	pthread_mutex_lock(&s->lock);
	wait = wait_ms(s);
	pthread_mutex_unlock(&s->lock);
	return wait;
}

static struct timespec
moment_in(int64_t ms)
{
	int64_t ns = clock_mono_ns() + ms * 1000000;

	return (struct timespec){ ns / 1000000000, ns % 1000000000 };
}

static void *
run(void *ctx)
{
	struct key_sets *s = ctx;
	bool is_stopping = false;

	while (!is_stopping) {
		struct timespec at = moment_in(key_sets_tick(s) + 100);

		pthread_mutex_lock(&s->lock);
		if (!s->is_stopping)
			(void)pthread_cond_timedwait(&s->wake, &s->lock, &at);
		is_stopping = s->is_stopping;
		pthread_mutex_unlock(&s->lock);
	}
	return NULL;
}

bool
key_sets_start(struct key_sets *s, struct error *reterr)
{
	bool ok = true;

	pthread_mutex_lock(&s->lock);
	if (s->n > 0 && !s->has_thread && !s->is_stopping) {
		ok = pthread_create(&s->thread, NULL, run, s) == 0;
		s->has_thread = ok;
	}
	pthread_mutex_unlock(&s->lock);
	return ok || error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
			 "no thread could be made for key sets");
}

/* ---- the object ------------------------------------------------------------
 */

struct key_sets *
key_sets_new(const struct key_sets_options *options)
{
	struct key_sets *s = calloc(1, sizeof *s);
	pthread_condattr_t attr;

	if (!s)
		return NULL;
	s->o = *options;
	if (!s->o.fetch)
		s->o.fetch = fetch_https;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&s->asking, NULL);
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

void
key_sets_stop(struct key_sets *s)
{
	bool has_thread;

	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->is_stopping = true;
	has_thread = s->has_thread;
	s->has_thread = false;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	if (has_thread)
		pthread_join(s->thread, NULL);
}

void
key_sets_close(struct key_sets *s)
{
	bool is_last;

	if (!s)
		return;
	key_sets_stop(s);
	pthread_mutex_lock(&s->lock);
	s->is_closed = true;
	s->o.changed = NULL;
	is_last = s->n == 0;
	pthread_mutex_unlock(&s->lock);
	if (is_last)
		free_all(s);
}
