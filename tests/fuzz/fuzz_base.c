/* fuzz_base.c - every reader of base/ on the same bytes; what one accepts has
 * to come back the same after printing. */
#include "base/arena.h"
#include "base/base64.h"
#include "base/error.h"
#include "base/json.h"
#include "base/net.h"
#include "base/timefmt.h"
#include "base/trace.h"
#include "tests/fuzz/fuzz.h"

static void
try_base64(struct str s, enum base64_form form)
{
	struct arena *a = arena_new(0);
	struct buf b = { 0 };
	struct str bytes;

	if (base64_decode(a, form, s, &bytes)) {
		base64_encode(&b, form, bytes);
		must(str_eq(buf_str(&b), s));
	}
	buf_free(&b);
	arena_free(a);
}

static void
try_times(struct str s)
{
	struct buf b = { 0 };
	int64_t ms, back;

	if (time_parse_duration(s, &ms)) {
		time_print_duration(&b, ms);
		must(time_parse_duration(buf_str(&b), &back) && back == ms);
	}
	buf_free(&b);
	if (time_parse_datetime(s, &ms))
		time_print_datetime(&b, ms);
	buf_free(&b);
}

static void
try_net(struct str s)
{
	struct buf b = { 0 };
	struct net_addr addr, back;
	struct net_cidr cidr;

	if (net_parse_addr(s, &addr)) {
		net_print(&b, &addr);
		must(net_parse_addr(buf_str(&b), &back) &&
		     net_addr_eq(&addr, &back));
		must(net_parse_cidr(s, &cidr));
	}
	if (net_parse_cidr(s, &cidr))
		must(net_contains(&cidr, &cidr.addr));
	buf_free(&b);
}

static void
try_trace(struct str s)
{
	struct trace t;

	if (trace_parse(s, &t))
		must(strlen(t.id) == 32 && strlen(t.parent) == 16);
}

static void
try_json(struct str s, enum json_mode mode)
{
	struct error e = { 0 };
	struct buf b = { 0 };
	json_t *value = NULL, *back = NULL;

	if (!json_parse(s, "f", 1u << 20, 64, mode, &value, &e)) {
		must(e.code != ERR_NONE);
		error_print(&b, &e, s);
		must(buf_ok(&b) && str_is_utf8(buf_str(&b)));
		buf_free(&b);
		return;
	}
	must(json_write(&b, value) &&
	     json_parse(buf_str(&b), "f", SIZE_MAX, 64, mode, &back, &e) &&
	     json_equal(value, back));
	json_decref(value);
	json_decref(back);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = { (const char *)data, size };
	struct buf b = { 0 };

	try_base64(s, BASE64_STANDARD);
	try_base64(s, BASE64_URL);
	try_times(s);
	try_net(s);
	try_trace(s);
	try_json(s, JSON_NO_NUL);
	try_json(s, JSON_DATA_FILE);
	buf_escaped(&b, s, false);
	must(str_is_utf8(buf_str(&b)));
	buf_free(&b);
	return 0;
}
