/* service_changes.c - GET /v1/changes: who changed what, the newest first, for
 * administrators. */
#include "gateways/service_private.h"

#include "base/limits.h"
#include "store/changes.h"

#define PAGE_USUAL 100u

static json_t *
row_json(const struct store_changed *r)
{
	return json_pack("{s:I, s:o, s:o, s:o, s:o}", "number",
	    (json_int_t)r->number, "at", json_from_time(r->at * 1000), "who",
	    json_from_str(r->who), "what", json_from_str(r->what), "about",
	    json_from_str(r->about));
}

static bool
read_number(struct service_call *c, const struct body_pair *p, uint64_t most,
    uint64_t *ret)
{
	return !p->value.p || (str_to_u64(p->value, most, ret) && *ret > 0) ||
	       service_fail(c, ERR_REQUEST_MALFORMED,
		   "`%s`: expected a number from 1 to %llu", p->name,
		   (unsigned long long)most);
}

bool
service_changes_list(struct service_call *c)
{
	struct body_pair query[] = { { "limit", { 0 } }, { "next", { 0 } } };
	uint64_t limit = PAGE_USUAL, before = 0;
	struct store_changed *rows;
	json_t *list;
	char next[24] = "";
	size_t n;

	if (!body_query(c->q, query, ARRAY_LEN(query), &c->err))
		return service_refuse(c);
	if (!read_number(c, &query[0], LIMIT_ACCOUNT_PAGE, &limit) ||
	    !read_number(c, &query[1], INT64_MAX, &before))
		return false;
	if (!store_changed_page(c->s->store, c->a, (int64_t)before,
		(size_t)limit + 1, &rows, &n, &c->err))
		return service_refuse(c);
	list = json_array();
	for (size_t i = 0; i < n && i < limit; i++)
		(void)json_array_append_new(list, row_json(&rows[i]));
	if (n > limit)
		snprintf(next, sizeof next, "%lld",
		    (long long)rows[limit - 1].number);
	return service_reply(
	    c, 200, json_pack("{s:o, s:s}", "changes", list, "next", next));
}
