/* ec2.c - the identity document of the EC2 metadata service, to `struct doc`.
 * Names are mapped by one table; `null` and names not listed make no claim. The
 * document has no id and no times: its id is made from its bytes, and the lease
 * of the trust entry ends what it opens. */
#include "attest/doc.h"

#include "base/digest.h"

DOC_MEMBER(subject, doc_read_subject, &r->doc->subject)
DOC_MEMBER(owner, doc_read_text, &r->doc->owner)
DOC_MEMBER(image_id, doc_read_text, &r->doc->image_id)
DOC_MEMBER(region, doc_read_text, &r->doc->region)
DOC_MEMBER(zone, doc_read_text, &r->doc->zone)
DOC_MEMBER(private_ip, doc_read_address, &r->doc->private_ip)
DOC_MEMBER(launch_time, doc_read_launch_time, &r->doc->launch_time)
DOC_MEMBER(licences, doc_read_licences, r->doc)

static const struct {
	const char *name;
	bool (*read)(const struct doc_reading *, const json_t *, const char *);
} members[] = {
	{ "instanceId", read_subject },
	{ "accountId", read_owner },
	{ "imageId", read_image_id },
	{ "region", read_region },
	{ "availabilityZone", read_zone },
	{ "privateIp", read_private_ip },
	{ "pendingTime", read_launch_time },
	{ "billingProducts", read_licences },
};

bool
doc_id_of_bytes(
    struct arena *a, struct str bytes, struct str *ret, struct error *reterr)
{
	uint8_t digest[32];
	char hex[33];

	if (!digest_sha256(&bytes, 1, digest))
		return error_nomem(reterr);
	digest_hex(digest, 16, hex);
	*ret = str_dup(a, str_of(hex));
	return ret->p || error_nomem(reterr);
}

bool
doc_read_ec2(struct arena *a, const json_t *root, struct str bytes,
    struct doc *ret, struct error *reterr)
{
	struct doc d = { .issuer = STR("aws") };
	struct doc_reading r = { a, &d, reterr };

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const json_t *v = json_object_get(root, members[i].name);

		if (!v || json_is_null(v))
			continue;
		if (!members[i].read(&r, v, members[i].name))
			return false;
	}
	if (d.subject.n == 0)
		return error_set(reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
		    "the document lacks `instanceId`");
	if (!doc_id_of_bytes(a, bytes, &d.id, reterr))
		return false;
	*ret = d;
	return true;
}
