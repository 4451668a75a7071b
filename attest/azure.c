/* azure.c - Azure's attested document, to `struct doc`: the content that the
 * instance metadata service signs. vmId is the instance, subscriptionId its
 * owner; both times are its own. It names no address, so it proves no more than
 * that somebody was shown it: it is evidence for enrolling, with a nonce of
 * ours.
 * https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service
 * (attested data) */
#include "attest/doc.h"

#include <stdio.h>

#include "base/timefmt.h"

/* `MM/DD/YY hh:mm:ss -0000`, of this century. */
static bool
read_time(const json_t *times, const char *name, int64_t *ret_unix_s,
    struct error *reterr)
{
	struct str s = json_str(json_object_get(times, name));
	char text[25];
	int64_t ms;

	if (s.n == 23 && s.p[2] == '/' && s.p[5] == '/' && s.p[8] == ' ' &&
	    s.p[17] == ' ' && s.p[18] == '-') {
		snprintf(text, sizeof text, "20%.2s-%.2s-%.2sT%.8s%.5s",
		    s.p + 6, s.p, s.p + 3, s.p + 9, s.p + 18);
		if (time_parse_datetime(str_of(text), &ms)) {
			*ret_unix_s = ms / 1000;
			return true;
		}
	}
	return doc_malformed(reterr, name, "a time as Azure writes it");
}

bool
doc_azure_times(const json_t *root, int64_t *ret_created, int64_t *ret_expires,
    struct error *reterr)
{
	const json_t *times = json_object_get(root, "timeStamp");

	return read_time(times, "createdOn", ret_created, reterr) &&
	       read_time(times, "expiresOn", ret_expires, reterr);
}

/* Empty text is none. */
static bool
read_licence(
    struct arena *a, const json_t *v, struct doc *d, struct error *reterr)
{
	struct str *licence;

	if (json_str(v).n == 0)
		return true;
	licence = ARENA_NEW(a, struct str);
	if (!licence)
		return error_nomem(reterr);
	if (!doc_read_text(a, v, "licenseType", licence, reterr))
		return false;
	d->has_licences = true;
	d->licences = licence;
	d->n_licences = 1;
	return true;
}

bool
doc_read_azure(struct arena *a, const json_t *root, struct str bytes,
    struct doc *ret, struct error *reterr)
{
	struct doc d = { .issuer = STR("azure"), .has_times = true };

	if (!doc_read_subject(
		a, json_object_get(root, "vmId"), "vmId", &d.subject, reterr) ||
	    !doc_read_text(a, json_object_get(root, "subscriptionId"),
		"subscriptionId", &d.owner, reterr) ||
	    !doc_azure_times(root, &d.issued_at, &d.expires_at, reterr) ||
	    !read_licence(
		a, json_object_get(root, "licenseType"), &d, reterr) ||
	    !doc_id_of_bytes(a, bytes, &d.id, reterr))
		return false;
	d.not_before = d.issued_at;
	*ret = d;
	return true;
}
