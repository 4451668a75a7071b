/* sweep_pkcs11.c - a key in a token (SoftHSM, in a folder of this test) opened
 * and used with each allocation of ours and each call of OpenSSL of ours
 * failing in turn: its signature, or an error; nothing is left behind. The
 * token's own allocations are not reached. */
#include "tests/fault/wrap.h"

#include <p11-kit/p11-kit.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attest/pkcs11.h"
#include "attest/sig.h"
#include "tests/lib/kit.h"
#include "tests/lib/run.h"

#define PIN "1234"
#define LABEL "avow                            " /* of 32 bytes */

struct scene {
	struct arena *arena;
	const char *uri;
};

/* Where tests/lib/servers.sh puts it, or the system's. NULL: neither. */
static const char *
module_path(void)
{
	static char here[4096];
	static const char system[] = "/usr/lib/softhsm/libsofthsm2.so";

	if (realpath("build/servers/usr/lib/softhsm/libsofthsm2.so", here))
		return here;
	return access(system, R_OK) == 0 ? system : NULL;
}

static unsigned char *
bytes(const char *text)
{
	return (unsigned char *)(uintptr_t)text;
}

static void
make_key(CK_FUNCTION_LIST *m, CK_SESSION_HANDLE session)
{
	static unsigned char p256[] = { 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3,
		1, 7 };
	CK_BBOOL yes = CK_TRUE;
	CK_MECHANISM mechanism = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	CK_ATTRIBUTE public[] = { { CKA_EC_PARAMS, p256, sizeof p256 },
		{ CKA_TOKEN, &yes, sizeof yes }, { CKA_ID, bytes("1"), 1 } };
	CK_ATTRIBUTE private[] = { { CKA_TOKEN, &yes, sizeof yes },
		{ CKA_SIGN, &yes, sizeof yes }, { CKA_LABEL, bytes("k"), 1 },
		{ CKA_PRIVATE, &yes, sizeof yes }, { CKA_ID, bytes("1"), 1 } };
	CK_OBJECT_HANDLE a, b;

	ck_assert_uint_eq(
	    m->C_GenerateKeyPair(session, &mechanism, public, ARRAY_LEN(public),
		private, ARRAY_LEN(private), &a, &b),
	    CKR_OK);
}

static void
make_token(const char *path)
{
	CK_FUNCTION_LIST *m = p11_kit_module_load(path, 0);
	CK_SLOT_ID slots[8];
	CK_ULONG n = ARRAY_LEN(slots);
	CK_SESSION_HANDLE session;

	ck_assert_ptr_nonnull(m);
	ck_assert_uint_eq(p11_kit_module_initialize(m), CKR_OK);
	ck_assert_uint_eq(m->C_GetSlotList(CK_TRUE, slots, &n), CKR_OK);
	ck_assert_uint_gt(n, 0);
	ck_assert_uint_eq(
	    m->C_InitToken(slots[0], bytes("5678"), 4, bytes(LABEL)), CKR_OK);
	ck_assert_uint_eq(
	    m->C_OpenSession(slots[0], CKF_SERIAL_SESSION | CKF_RW_SESSION,
		NULL, NULL, &session),
	    CKR_OK);
	ck_assert_uint_eq(
	    m->C_Login(session, CKU_SO, bytes("5678"), 4), CKR_OK);
	ck_assert_uint_eq(m->C_InitPIN(session, bytes(PIN), 4), CKR_OK);
	ck_assert_uint_eq(m->C_Logout(session), CKR_OK);
	ck_assert_uint_eq(m->C_Login(session, CKU_USER, bytes(PIN), 4), CKR_OK);
	make_key(m, session);
	ck_assert_uint_eq(m->C_CloseSession(session), CKR_OK);
	ck_assert_uint_eq(p11_kit_module_finalize(m), CKR_OK);
	p11_kit_module_release(m);
}

static bool
signs(void *ctx)
{
	const struct scene *s = ctx;
	struct keys_public k = { 0 };
	struct buf signature = { 0 };
	struct error err = { 0 };
	bool ok = pkcs11_open(s->uri, &k, &err);

	ck_assert_int_eq(ok, err.code == ERR_NONE);
	if (!ok) {
		ck_assert_ptr_null(k.signer);
		return false;
	}
	ok = sig_sign(&k, STR("hello"), &signature, &err);
	ck_assert_int_eq(ok, err.code == ERR_NONE);
	fault_pause(true);
	ck_assert_int_eq(
	    ok, sig_verify(&k, STR("hello"), buf_str(&signature), NULL));
	fault_pause(false);
	buf_free(&signature);
	k.signer->let_go(k.signer);
	keys_public_fini(&k);
	return ok;
}

START_TEST(a_key_in_a_token)
{
	const char *module = module_path(), *conf, *pin;
	struct scene s = { .arena = arena_new(0) };
	struct str text;

	if (!module) {
		skip("no SoftHSM");
		arena_free(s.arena);
		return;
	}
	text = str_printf(s.arena, "%s/tokens", test_folder());
	ck_assert_int_eq(mkdir(text.p, 0700), 0);
	conf = kit_file(s.arena, "softhsm2.conf",
	    str_printf(s.arena,
		"directories.tokendir = %s\nobjectstore.backend = file\n"
		"log.level = ERROR\n",
		text.p));
	ck_assert_int_eq(setenv("SOFTHSM2_CONF", conf, 1), 0);
	pin = kit_file(s.arena, "pin", STR(PIN "\n"));
	ck_assert_int_eq(chmod(pin, 0600), 0);
	make_token(module);
	s.uri = str_printf(s.arena,
	    "pkcs11:token=avow;object=k?module-path=%s&pin-source=file:%s",
	    module, pin)
		    .p;
	ck_assert_int_gt(fault_sweep("a key in a token", signs, &s), 10);
	arena_free(s.arena);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sweep pkcs11");
	TCase *tc = tcase_create("sweep pkcs11");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, a_key_in_a_token);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
