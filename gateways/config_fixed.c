/* config_fixed.c - what a reload cannot change: sockets, files and threads were
 * opened with it, and cannot be swapped under them. A row a key; each that
 * differs is named. */
#include "gateways/config.h"

static bool
fail_fixed(struct buf *messages, const char *key)
{
	buf_printf(messages,
	    "error: `%s` cannot change on reload; restart [config.value]\n",
	    key);
	return false;
}

bool
config_is_unchanged(
    const struct config *old, const struct config *now, struct buf *messages)
{
	const struct {
		const char *key;
		struct str was, is;
	} fixed[] = {
		{ "listen", old->listen, now->listen },
		{ "store", old->store, now->store },
		{ "storeMark", old->store_mark, now->store_mark },
		{ "decisionLog", old->decision_log, now->decision_log },
		{ "clientAddress", old->client_address, now->client_address },
		{ "clientCertificate", old->client_certificate,
		    now->client_certificate },
		{ "tls certificate", old->tls.certificate,
		    now->tls.certificate },
		{ "tls key", old->tls.key, now->tls.key },
		{ "service listen", old->service.listen, now->service.listen },
		{ "service url", old->service.url, now->service.url },
		{ "service issuer", old->service.issuer, now->service.issuer },
		{ "service keys", old->service.keys, now->service.keys },
		{ "service documentKeys", old->service.documents.keys,
		    now->service.documents.keys },
		{ "service secret", old->service.secret, now->service.secret },
		{ "service trustDomain", old->service.trust_domain,
		    now->service.trust_domain },
		{ "service tls certificate", old->service.tls.certificate,
		    now->service.tls.certificate },
		{ "service tls key", old->service.tls.key,
		    now->service.tls.key },
		{ "admin listen", old->admin.listen, now->admin.listen },
		{ "admin clientCertificates", old->admin.client_certificates,
		    now->admin.client_certificates },
		{ "admin tls certificate", old->admin.tls.certificate,
		    now->admin.tls.certificate },
		{ "admin tls key", old->admin.tls.key, now->admin.tls.key },
	};
	const struct {
		const char *key;
		int64_t was, is;
	} numbers[] = {
		{ "service", old->service.is_given, now->service.is_given },
		{ "admin", old->admin.is_given, now->admin.is_given },
		{ "channelBinding", old->service.channel,
		    now->service.channel },
		{ "tokenLifetime", old->service.token_lifetime_s,
		    now->service.token_lifetime_s },
		{ "jwtSvid", old->service.gives_jwt_svids,
		    now->service.gives_jwt_svids },
		{ "admin tokens", old->admin.no_tokens, now->admin.no_tokens },
		{ "replay", old->replay, now->replay },
	};
	bool ok = true;
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		if (!str_eq(fixed[i].was, fixed[i].is))
			ok = fail_fixed(messages, fixed[i].key);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (numbers[i].was != numbers[i].is)
			ok = fail_fixed(messages, numbers[i].key);
	return ok;
}
