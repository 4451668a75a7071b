/* Data read by declared type: values from strings and objects, records and
 * requests that fit or do not. Verdicts are those of Cedar 4.10. */
#include "policy/schema.h"

#include "tests/lib/entities.h"
#include "tests/lib/run.h"

/* clang-format off */
#define SCHEMA \
	"entity G in [G]; " \
	"entity U in [G] = {s: String, n?: Long, ip?: ipaddr, d?: decimal, e?: U, set?: Set<ipaddr>, r?: {a: Long, b?: decimal}, act?: Action, b?: Bool, sz?: Z, es?: Set<U>, dt?: datetime, du?: duration, x?: {__entity: {type: String, id: String}}} tags Set<decimal>; " \
	"entity T; " \
	"entity B in Z; " \
	"entity Z enum [\"x\",\"y\"]; " \
	"action all; " \
	"action ro in all; " \
	"action view in ro appliesTo {principal:U,resource:[U,T,Z],context:{x?: ipaddr, u?: U, z?: Z}}; " \
	"action pz appliesTo {principal:[Z,G],resource:T}; " \
	"action none; " \
	"action grp in [ro, all]; " \
	"action need appliesTo {principal: U, resource: T, context: {a: {b: Long}}}; "

struct row {
	struct str json;
	enum err_code code;
	const char *msg, *hint;
};

static const struct row entities_rows[] = {
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\"},\"parents\":[]}]"), ERR_NONE,
	    "", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\"`: the attribute `s` is missing", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":1},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".s`: expected String, found a long", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"q\":1},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\"`: the schema declares no attribute `q` here", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"ip\":\"1.2.3.4\",\"d\":\"1.5\",\"e\":{\"type\":\"U\",\"id\":\"b\"},\"set\":[\"1.1.1.1\",\"::1\"],\"r\":{\"a\":1,\"b\":\"2.0\"}},\"parents\":[{\"type\":\"G\",\"id\":\"g\"}],\"tags\":{\"t\":[\"1.5\"]}}]"), ERR_NONE,
	    "", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"ip\":\"nope\"},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".ip`: `nope` is no text that `ip` can read", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"ip\":{\"__extn\":{\"fn\":\"ip\",\"arg\":\"1.2.3.4\"}}},\"parents\":[]}]"), ERR_NONE,
	    "", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"ip\":{\"fn\":\"ip\",\"arg\":\"1.2.3.4\"}},\"parents\":[]}]"), ERR_NONE,
	    "", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"ip\":{\"__extn\":{\"fn\":\"decimal\",\"arg\":\"1.2\"}}},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".ip`: expected ipaddr, found a decimal", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"ip\":{\"__extn\":{\"fn\":\"isIpv4\",\"arg\":\"1.2\"}}},\"parents\":[]}]"), ERR_EVAL_TYPE,
	    "`U::\"a\".ip`: `isIpv4` needs ipaddr, found string", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"ip\":1},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".ip`: expected ipaddr, found a long", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"e\":{\"__entity\":{\"type\":\"U\",\"id\":\"b\"}}},\"parents\":[]}]"), ERR_NONE,
	    "", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"e\":{\"type\":\"T\",\"id\":\"b\"}},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".e`: expected U, found `T::\"b\"`", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"e\":\"U::\\\"b\\\"\"},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".e`: expected U, found a string", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"e\":{\"type\":\"U\",\"id\":\"b\",\"foo\":1}},\"parents\":[]}]"), ERR_NONE,
	    "", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"sz\":{\"type\":\"Z\",\"id\":\"x\"}},\"parents\":[]}]"), ERR_NONE,
	    "", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"sz\":{\"type\":\"Z\",\"id\":\"q\"}},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".sz`: `Z::\"q\"` is none of the ids of `Z`", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"act\":{\"type\":\"Action\",\"id\":\"view\"}},\"parents\":[]}]"), ERR_NONE,
	    "", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"act\":{\"type\":\"Action\",\"id\":\"undeclared\"}},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".act`: the schema declares no action `Action::\"undeclared\"`", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\"},\"parents\":[{\"type\":\"T\",\"id\":\"g\"}]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\"`: an entity of this type may not be in `T::\"g\"`", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\"},\"parents\":[{\"type\":\"U\",\"id\":\"g\"}]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\"`: an entity of this type may not be in `U::\"g\"`", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\"},\"parents\":[{\"type\":\"X\",\"id\":\"g\"}]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\"`: an entity of this type may not be in `X::\"g\"`", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"X\",\"id\":\"a\"},\"attrs\":{},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`X::\"a\"`: the schema declares no entity type `X`", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"T\",\"id\":\"a\"},\"attrs\":{},\"parents\":[],\"tags\":{}}]"), ERR_NONE,
	    "", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"T\",\"id\":\"a\"},\"attrs\":{},\"parents\":[],\"tags\":{\"a\":\"x\"}}]"), ERR_SCHEMA_ENTITY,
	    "`T::\"a\"`: an entity of this type has no tags", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\"},\"parents\":[],\"tags\":{\"t\":\"x\"}}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".tags.t`: expected Set<decimal>, found a string", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"Z\",\"id\":\"x\"},\"attrs\":{},\"parents\":[]}]"), ERR_NONE,
	    "", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"Z\",\"id\":\"q\"},\"attrs\":{},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`Z::\"q\"`: `Z::\"q\"` is none of the ids of `Z`", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"Z\",\"id\":\"x\"},\"attrs\":{\"a\":1},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`Z::\"x\"`: the schema declares no attribute `a` here", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"Z\",\"id\":\"x\"},\"attrs\":{},\"parents\":[{\"type\":\"G\",\"id\":\"g\"}]}]"), ERR_SCHEMA_ENTITY,
	    "`Z::\"x\"`: an entity of this type may not be in `G::\"g\"`", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"Action\",\"id\":\"view\"},\"attrs\":{},\"parents\":[{\"type\":\"Action\",\"id\":\"ro\"}]}]"), ERR_SCHEMA_ENTITY,
	    "`Action::\"view\"`: its groups are not those that the schema declares", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"Action\",\"id\":\"view\"},\"attrs\":{},\"parents\":[{\"type\":\"Action\",\"id\":\"ro\"},{\"type\":\"Action\",\"id\":\"all\"}]}]"), ERR_NONE,
	    "", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"Action\",\"id\":\"view\"},\"attrs\":{},\"parents\":[{\"type\":\"Action\",\"id\":\"ro\"}]},{\"uid\":{\"type\":\"Action\",\"id\":\"ro\"},\"attrs\":{},\"parents\":[{\"type\":\"Action\",\"id\":\"all\"}]}]"), ERR_NONE,
	    "", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"Action\",\"id\":\"view\"},\"attrs\":{},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`Action::\"view\"`: its groups are not those that the schema declares", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"Action\",\"id\":\"none\"},\"attrs\":{},\"parents\":[]}]"), ERR_NONE,
	    "", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"Action\",\"id\":\"none\"},\"attrs\":{\"a\":1},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`Action::\"none\"`: an action has neither attributes nor tags", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"Action\",\"id\":\"none\"},\"attrs\":{},\"parents\":[],\"tags\":{\"a\":1}}]"), ERR_SCHEMA_ENTITY,
	    "`Action::\"none\"`: an action has neither attributes nor tags", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"Action\",\"id\":\"zz\"},\"attrs\":{},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`Action::\"zz\"`: the schema declares no action `Action::\"zz\"`", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"Action\",\"id\":\"grp\"},\"attrs\":{},\"parents\":[{\"type\":\"Action\",\"id\":\"ro\"},{\"type\":\"Action\",\"id\":\"all\"}]}]"), ERR_NONE,
	    "", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"Action\",\"id\":\"grp\"},\"attrs\":{},\"parents\":[{\"type\":\"Action\",\"id\":\"all\"},{\"type\":\"Action\",\"id\":\"ro\"}]},{\"uid\":{\"type\":\"Action\",\"id\":\"ro\"},\"attrs\":{},\"parents\":[{\"type\":\"Action\",\"id\":\"all\"}]}]"), ERR_NONE,
	    "", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"G\",\"id\":\"g\"},\"attrs\":{},\"parents\":[{\"type\":\"G\",\"id\":\"h\"}]}]"), ERR_NONE,
	    "", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\"},\"parents\":[{\"type\":\"G\",\"id\":\"g\"}]},{\"uid\":{\"type\":\"G\",\"id\":\"g\"},\"attrs\":{},\"parents\":[{\"type\":\"T\",\"id\":\"g\"}]}]"), ERR_SCHEMA_ENTITY,
	    "`G::\"g\"`: an entity of this type may not be in `T::\"g\"`", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":{\"__extn\":{\"fn\":\"ip\",\"arg\":\"1.2.3.4\"}}},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".s`: expected String, found an ipaddr", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"r\":{\"a\":1,\"c\":2}},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".r`: the schema declares no attribute `c` here", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"r\":{\"b\":\"2.0\"}},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".r`: the attribute `a` is missing", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"r\":[]},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".r`: expected {a: Long, b?: decimal}, found a set", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"set\":[]},\"parents\":[]}]"), ERR_NONE,
	    "", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"set\":[\"1.1.1.1\",{\"__extn\":{\"fn\":\"ip\",\"arg\":\"1.2.3.4\"}}]},\"parents\":[]}]"), ERR_NONE,
	    "", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"es\":[{\"type\":\"U\",\"id\":\"b\"},{\"__entity\":{\"type\":\"U\",\"id\":\"c\"}}]},\"parents\":[]}]"), ERR_NONE,
	    "", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"r\":{\"a\":1,\"__extn\":{\"fn\":\"ip\",\"arg\":\"1\"}}},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".r`: the schema declares no attribute `__extn` here", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"n\":1},\"parents\":[]}]"), ERR_NONE,
	    "", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"b\":\"true\"},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".b`: expected Bool, found a string", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"b\":null},\"parents\":[]}]"), ERR_JSON_SHAPE,
	    "`U::\"a\".b`: `null` is no value", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"d\":\"1.55555\"},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".d`: `1.55555` is no text that `decimal` can read", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"d\":{\"fn\":\"decimal\",\"args\":[\"1.5\"]}},\"parents\":[]}]"), ERR_NONE,
	    "", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"e\":{\"type\":\"U\",\"id\":\"b\"}},\"parents\":[{\"type\":\"G\",\"id\":\"g\"}],\"foo\":1}]"), ERR_NONE,
	    "", "" },
	{ STR_INIT("[{\"uid\":\"U::\\\"a\\\"\",\"attrs\":{\"s\":\"x\"},\"parents\":[]}]"), ERR_JSON_SHAPE,
	    "`entity 0`: expected {\"type\": ..., \"id\": ...}", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\"},\"parents\":[\"G::\\\"g\\\"\"]}]"), ERR_JSON_SHAPE,
	    "`U::\"a\"`: expected {\"type\": ..., \"id\": ...}", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"B\",\"id\":\"a\"},\"attrs\":{},\"parents\":[{\"type\":\"Z\",\"id\":\"q\"}]}]"), ERR_SCHEMA_ENTITY,
	    "`B::\"a\"`: `Z::\"q\"` is none of the ids of `Z`", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"B\",\"id\":\"a\"},\"attrs\":{},\"parents\":[{\"type\":\"Z\",\"id\":\"x\"}]}]"), ERR_NONE,
	    "", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"x\":{\"__entity\":{\"type\":\"U\",\"id\":\"b\"}}},\"parents\":[]}]"), ERR_NONE,
	    "", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\"},\"parents\":[{\"type\":\"Action\",\"id\":\"all\"}]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\"`: an entity of this type may not be in `Action::\"all\"`", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"Action\",\"id\":\"ro\"},\"attrs\":{},\"parents\":[{\"type\":\"Action\",\"id\":\"all\"}]},{\"uid\":{\"type\":\"Action\",\"id\":\"ro\"},\"attrs\":{},\"parents\":[{\"type\":\"Action\",\"id\":\"all\"},{\"type\":\"Action\",\"id\":\"all\"}]}]"), ERR_NONE,
	    "", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"Action\",\"id\":\"ro\"},\"attrs\":{},\"parents\":[{\"type\":\"Action\",\"id\":\"all\"}]},{\"uid\":{\"type\":\"Action\",\"id\":\"ro\"},\"attrs\":{},\"parents\":[]}]"), ERR_ENTITY_DUPLICATE,
	    "`Action::\"ro\"` has two different records", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"dt\":\"2024-01-01\",\"du\":\"1h\"},\"parents\":[]}]"), ERR_NONE,
	    "", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"dt\":\"2024-13-01\"},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".dt`: `2024-13-01` is no text that `datetime` can read", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"du\":\"1x\"},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".du`: `1x` is no text that `duration` can read", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"dt\":{\"fn\":\"datetime\",\"arg\":\"2024-01-01\"}},\"parents\":[]}]"), ERR_NONE,
	    "", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"sx\":1},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\"`: the schema declares no attribute `sx` here", "did you mean `sz`?" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\"},\"parents\":[],\"tags\":{\"t\":[\"1.0\"],\"u\":[\"x\"]}}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".tags.u[]`: `x` is no text that `decimal` can read", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"set\":[[\"1.1.1.1\"]]},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".set[]`: expected ipaddr, found a set", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"es\":[{\"type\":\"U\",\"id\":\"b\"},{\"type\":\"T\",\"id\":\"b\"}]},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".es[]`: expected U, found `T::\"b\"`", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"r\":{\"a\":\"1\"}},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".r.a`: expected Long, found a string", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"n\":\"1\"},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".n`: expected Long, found a string", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"n\":true},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".n`: expected Long, found a bool", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"e\":\"x\"},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".e`: expected U, found a string", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"e\":1},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".e`: expected U, found a long", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"set\":\"1.1.1.1\"},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".set`: expected Set<ipaddr>, found a string", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"s\":\"x\",\"act\":{\"type\":\"Foo::Action\",\"id\":\"view\"}},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`U::\"a\".act`: expected Action, found `Foo::Action::\"view\"`", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"Foo::Action\",\"id\":\"view\"},\"attrs\":{},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`Foo::Action::\"view\"`: the schema declares no action `Foo::Action::\"view\"`", "" },
	{ STR_INIT("[{\"uid\":{\"type\":\"action\",\"id\":\"view\"},\"attrs\":{},\"parents\":[]}]"), ERR_SCHEMA_ENTITY,
	    "`action::\"view\"`: the schema declares no entity type `action`", "" },
	{ STR_INIT("[]"), ERR_NONE,
	    "", "" },
};

static const struct row request_rows[] = {
	{ STR_INIT("{\"principal\":{\"type\":\"U\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"view\"},\"resource\":{\"type\":\"T\",\"id\":\"t\"},\"context\":{}}"), ERR_NONE,
	    "", "" },
	{ STR_INIT("{\"principal\":{\"type\":\"X\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"view\"},\"resource\":{\"type\":\"T\",\"id\":\"t\"},\"context\":{}}"), ERR_SCHEMA_REQUEST,
	    "`principal`: the schema declares no entity type `X`", "" },
	{ STR_INIT("{\"principal\":{\"type\":\"U\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"zz\"},\"resource\":{\"type\":\"T\",\"id\":\"t\"},\"context\":{}}"), ERR_SCHEMA_REQUEST,
	    "`action`: the schema declares no action `Action::\"zz\"`", "did you mean `pz`?" },
	{ STR_INIT("{\"principal\":{\"type\":\"G\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"view\"},\"resource\":{\"type\":\"T\",\"id\":\"t\"},\"context\":{}}"), ERR_SCHEMA_REQUEST,
	    "`principal`: the action `Action::\"view\"` does not apply to `G` as principal", "" },
	{ STR_INIT("{\"principal\":{\"type\":\"U\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"view\"},\"resource\":{\"type\":\"G\",\"id\":\"t\"},\"context\":{}}"), ERR_SCHEMA_REQUEST,
	    "`resource`: the action `Action::\"view\"` does not apply to `G` as resource", "" },
	{ STR_INIT("{\"principal\":{\"type\":\"U\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"none\"},\"resource\":{\"type\":\"T\",\"id\":\"t\"},\"context\":{}}"), ERR_SCHEMA_REQUEST,
	    "`principal`: the action `Action::\"none\"` does not apply to `U` as principal", "" },
	{ STR_INIT("{\"principal\":{\"type\":\"Z\",\"id\":\"q\"},\"action\":{\"type\":\"Action\",\"id\":\"pz\"},\"resource\":{\"type\":\"T\",\"id\":\"t\"},\"context\":{}}"), ERR_SCHEMA_REQUEST,
	    "`principal`: `Z::\"q\"` is none of the ids of `Z`", "" },
	{ STR_INIT("{\"principal\":{\"type\":\"Z\",\"id\":\"x\"},\"action\":{\"type\":\"Action\",\"id\":\"pz\"},\"resource\":{\"type\":\"T\",\"id\":\"t\"},\"context\":{}}"), ERR_NONE,
	    "", "" },
	{ STR_INIT("{\"principal\":{\"type\":\"U\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"view\"},\"resource\":{\"type\":\"Z\",\"id\":\"q\"},\"context\":{}}"), ERR_SCHEMA_REQUEST,
	    "`resource`: `Z::\"q\"` is none of the ids of `Z`", "" },
	{ STR_INIT("{\"principal\":{\"type\":\"U\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"view\"},\"resource\":{\"type\":\"T\",\"id\":\"t\"},\"context\":{\"x\":\"1.1.1.1\"}}"), ERR_NONE,
	    "", "" },
	{ STR_INIT("{\"principal\":{\"type\":\"U\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"view\"},\"resource\":{\"type\":\"T\",\"id\":\"t\"},\"context\":{\"x\":\"bad\"}}"), ERR_SCHEMA_REQUEST,
	    "`context.x`: `bad` is no text that `ip` can read", "" },
	{ STR_INIT("{\"principal\":{\"type\":\"U\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"view\"},\"resource\":{\"type\":\"T\",\"id\":\"t\"},\"context\":{\"q\":1}}"), ERR_SCHEMA_REQUEST,
	    "`context`: the schema declares no attribute `q` here", "" },
	{ STR_INIT("{\"principal\":{\"type\":\"U\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"view\"},\"resource\":{\"type\":\"T\",\"id\":\"t\"},\"context\":{\"u\":{\"type\":\"U\",\"id\":\"z\"}}}"), ERR_NONE,
	    "", "" },
	{ STR_INIT("{\"principal\":{\"type\":\"U\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"view\"},\"resource\":{\"type\":\"T\",\"id\":\"t\"},\"context\":{\"u\":{\"type\":\"T\",\"id\":\"z\"}}}"), ERR_SCHEMA_REQUEST,
	    "`context.u`: expected U, found `T::\"z\"`", "" },
	{ STR_INIT("{\"principal\":{\"type\":\"U\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"view\"},\"resource\":{\"type\":\"T\",\"id\":\"t\"},\"context\":{\"z\":{\"type\":\"Z\",\"id\":\"bad\"}}}"), ERR_SCHEMA_REQUEST,
	    "`context.z`: `Z::\"bad\"` is none of the ids of `Z`", "" },
	{ STR_INIT("{\"principal\":{\"type\":\"Action\",\"id\":\"view\"},\"action\":{\"type\":\"Action\",\"id\":\"view\"},\"resource\":{\"type\":\"T\",\"id\":\"t\"},\"context\":{}}"), ERR_SCHEMA_REQUEST,
	    "`principal`: the schema declares no entity type `Action`", "" },
	{ STR_INIT("{\"principal\":{\"type\":\"U\",\"id\":\"a\"},\"action\":{\"type\":\"Foo::Action\",\"id\":\"x\"},\"resource\":{\"type\":\"T\",\"id\":\"t\"},\"context\":{}}"), ERR_SCHEMA_REQUEST,
	    "`action`: the schema declares no action `Foo::Action::\"x\"`", "" },
	{ STR_INIT("{\"principal\":{\"type\":\"U\",\"id\":\"a\"},\"action\":{\"type\":\"U\",\"id\":\"x\"},\"resource\":{\"type\":\"T\",\"id\":\"t\"},\"context\":{}}"), ERR_SCHEMA_REQUEST,
	    "`action`: the schema declares no action `U::\"x\"`", "" },
	{ STR_INIT("{\"principal\":{\"type\":\"U\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"need\"},\"resource\":{\"type\":\"T\",\"id\":\"t\"},\"context\":{\"a\":{\"b\":1}}}"), ERR_NONE,
	    "", "" },
	{ STR_INIT("{\"principal\":{\"type\":\"U\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"need\"},\"resource\":{\"type\":\"T\",\"id\":\"t\"},\"context\":{}}"), ERR_SCHEMA_REQUEST,
	    "`context`: the attribute `a` is missing", "" },
	{ STR_INIT("{\"principal\":{\"type\":\"U\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"need\"},\"resource\":{\"type\":\"T\",\"id\":\"t\"},\"context\":{\"a\":{\"b\":\"1\"}}}"), ERR_SCHEMA_REQUEST,
	    "`context.a.b`: expected Long, found a string", "" },
	{ STR_INIT("{\"principal\":{\"type\":\"U\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"need\"},\"resource\":{\"type\":\"T\",\"id\":\"t\"},\"context\":{\"a\":{\"b\":1,\"c\":1}}}"), ERR_SCHEMA_REQUEST,
	    "`context.a`: the schema declares no attribute `c` here", "" },
	{ STR_INIT("{\"principal\":{\"type\":\"U\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"need\"},\"resource\":{\"type\":\"T\",\"id\":\"t\"},\"context\":{\"a\":1}}"), ERR_SCHEMA_REQUEST,
	    "`context.a`: expected {b: Long}, found a long", "" },
	{ STR_INIT("{\"principal\":{\"type\":\"U\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"need\"},\"resource\":{\"type\":\"T\",\"id\":\"t\"},\"context\":{\"__entity\":{\"type\":\"U\",\"id\":\"a\"}}}"), ERR_SCHEMA_REQUEST,
	    "`context`: the schema declares no attribute `__entity` here", "" },
};
/* clang-format on */

static struct schema *
make(void)
{
	struct errors errors = { 0 };
	struct schema *s = schema_new("s", STR(SCHEMA), SCHEMA_CEDAR, &errors);

	ck_assert_msg(s != NULL, "%s", errors.e[0].msg);
	return s;
}

static json_t *
parse(struct str text)
{
	json_t *json;

	ck_assert(json_parse(
	    text, "data", 1u << 20, 100, JSON_DATA_FILE, &json, NULL));
	return json;
}

static void
check(const struct row *row, bool ok, const struct error *err)
{
	ck_assert_msg(
	    ok == (row->code == ERR_NONE), "%s: %s", row->json.p, err->msg);
	ck_assert_str_eq(err->msg, row->msg);
	ck_assert_str_eq(err->hint, row->hint);
	ck_assert_int_eq(err->code, row->code);
	if (!ok && row->code == ERR_SCHEMA_ENTITY)
		ck_assert_str_eq(err->at.file, "data");
}

/* As an array, and as text that is read record by record. */
START_TEST(entities)
{
	const struct row *row = &entities_rows[_i];
	struct schema *s = make();

	for (int text = 0; text < 2; text++) {
		struct arena *a = arena_new(0);
		struct entities *layer = entities_new(a, NULL);
		struct error err = { 0 };
		json_t *json = parse(row->json);
		bool ok = schema_add_actions(s, layer, &err);

		if (text)
			ok = ok && schema_add_entities_text(
				       s, layer, row->json, "data", &err);
		else
			ok = ok &&
			     schema_add_entities(s, layer, json, "data", &err);
		check(row, ok && entities_finish(layer, &err), &err);
		json_decref(json);
		arena_free(a);
	}
	schema_free(s);
}
END_TEST

START_TEST(requests)
{
	const struct row *row = &request_rows[_i];
	struct arena *a = arena_new(0);
	struct schema *s = make();
	struct error err = { 0 };
	json_t *json = parse(row->json);
	struct uid uids[3];
	struct value context;
	static const char *const names[] = { "principal", "action",
		"resource" };

	for (size_t i = 0; i < 3; i++)
		ck_assert(value_uid_from_json(
		    a, json_object_get(json, names[i]), "uid", &uids[i], NULL));
	check(row,
	    schema_context_from_json(s, a, uids[1],
		json_object_get(json, "context"), "context", &context, &err) &&
		schema_check_request(
		    s, uids[0], uids[1], uids[2], &context, &err),
	    &err);
	json_decref(json);
	arena_free(a);
	schema_free(s);
}
END_TEST

/* What a string became, and where the actions' groups come from. */
START_TEST(values)
{
	struct arena *a = arena_new(0);
	struct entities *layer = entities_new(a, NULL);
	struct schema *s = make();
	json_t *json =
	    parse(STR("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},"
		      "\"attrs\":{\"s\":\"1.5\",\"d\":\"1.5\",\"e\":{"
		      "\"type\":\"U\",\"id\":\"b\"},\"set\":[\"::1\"]},"
		      "\"parents\":[],\"tags\":{\"t\":[\"2.0\"]}}]"));
	struct uid view = { STR("Action"), STR("view") };
	struct uid all = { STR("Action"), STR("all") };
	const struct entity *e;
	struct buf out = { 0 };

	ck_assert(schema_add_actions(s, layer, NULL));
	ck_assert(schema_add_entities(s, layer, json, "data", NULL));
	ck_assert(entities_finish(layer, NULL));
	e = record_of(layer, (struct uid){ STR("U"), STR("a") });
	value_print(&out, &e->attrs);
	value_print(&out, &e->tags);
	ck_str_is(buf_str(&out),
	    "{\"d\": decimal(\"1.5\"), \"e\": U::\"b\", \"s\": \"1.5\", "
	    "\"set\": [ip(\"::1\")]}{\"t\": [decimal(\"2.0\")]}");
	ck_assert(entities_in(layer, view, all));
	ck_assert(!entities_in(layer, all, view));
	buf_free(&out);
	json_decref(json);
	arena_free(a);
	schema_free(s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("schema_data");
	TCase *tc = tcase_create("schema_data");

	tcase_add_loop_test(tc, entities, 0, ARRAY_LEN(entities_rows));
	tcase_add_loop_test(tc, requests, 0, ARRAY_LEN(request_rows));
	tcase_add_test(tc, values);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
