/* validity_messages.h - typical mistakes, and what is said of them: {policy, messages}. */
/* clang-format off */
	{ "permit(principal, action == Action::\"view\", resource) when { principal.nam == \"a\" };",
	    "p:1:72: error: `User` has no attribute `nam` [type.attribute]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { principal.nam == \"a\" };\n"
	    "                                                                         ^^^\n"
	    "hint: did you mean `name`?\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { principal.Name == \"a\" };",
	    "p:1:72: error: `User` has no attribute `Name` [type.attribute]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { principal.Name == \"a\" };\n"
	    "                                                                         ^^^^\n"
	    "hint: did you mean `name`?\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { principal.rec.aa == 1 };",
	    "p:1:76: error: `{a: Long, b?: Long}` has no attribute `aa` [type.attribute]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { principal.rec.aa == 1 };\n"
	    "                                                                             ^^\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { principal.opt == 1 };",
	    "p:1:72: error: the attribute `opt` of `User` is optional [type.optional]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { principal.opt == 1 };\n"
	    "                                                                         ^^^\n"
	    "hint: write `principal has opt && ...` before it\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { principal[\"opt\"] == 1 };",
	    "p:1:62: error: the attribute `opt` of `User` is optional [type.optional]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { principal[\"opt\"] == 1 };\n"
	    "                                                               ^^^^^^^^^^^^^^^^\n"
	    "hint: write `principal has opt && ...` before it\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { principal.friend.name == \"x\" };",
	    "p:1:72: error: the attribute `friend` of `User` is optional [type.optional]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { principal.friend.name == \"x\" };\n"
	    "                                                                         ^^^^^^\n"
	    "hint: write `principal has friend && ...` before it\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { context.x == 1 };",
	    "p:1:70: error: the attribute `x` of the context is optional [type.optional]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { context.x == 1 };\n"
	    "                                                                       ^\n"
	    "hint: write `context has x && ...` before it\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { context.r.q };",
	    "p:1:72: error: the attribute `q` of `{q?: Bool}` is optional [type.optional]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { context.r.q };\n"
	    "                                                                         ^\n"
	    "hint: write `context.r has q && ...` before it\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { principal.getTag(\"env\") == \"prod\" };",
	    "p:1:62: error: the tag may be missing [type.optional]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { principal.getTag(\"env\") == \"prod\" };\n"
	    "                                                               ^^^^^^^^^^^^^^^^^^^^^^^\n"
	    "hint: write `principal.hasTag(\"env\") && ...` before it\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { resource.hasTag(\"x\") || resource.getTag(\"x\") == \"y\" };",
	    "p:1:86: error: `Photo` has no tags [type.attribute]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { resource.hasTag(\"x\") || resource.getTag(\"x\") == \"y\" };\n"
	    "                                                                                       ^^^^^^^^^^^^^^^^^^^^\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { principal == \"alice\" };",
	    "p:1:75: error: `==` needs one type on both sides, found `User` and `String` [type.mismatch]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { principal == \"alice\" };\n"
	    "                                                                            ^^^^^^^\n"
	    "hint: an entity is written `User::\"...\"`\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { principal.name == 3 };",
	    "p:1:80: error: `==` needs one type on both sides, found `String` and `Long` [type.mismatch]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { principal.name == 3 };\n"
	    "                                                                                 ^\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { principal.name < \"b\" };",
	    "p:1:62: error: expected `Long`, `datetime` or `duration` for `<`, found `String` [type.mismatch]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { principal.name < \"b\" };\n"
	    "                                                               ^^^^^^^^^^^^^^\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { principal.d > decimal(\"1.0\") };",
	    "p:1:62: error: expected `Long`, `datetime` or `duration` for `>`, found `decimal` [type.mismatch]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { principal.d > decimal(\"1.0\") };\n"
	    "                                                               ^^^^^^^^^^^\n"
	    "hint: compare with the methods `lessThan`, `lessThanOrEqual`, ...\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { principal.dt < principal.du };",
	    "p:1:77: error: expected `datetime` for `<`, found `duration` [type.mismatch]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { principal.dt < principal.du };\n"
	    "                                                                              ^^^^^^^^^^^^\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { principal.s.contains(\"a\") };",
	    "p:1:83: error: `contains` needs one type on both sides, found `Long` and `String` [type.mismatch]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { principal.s.contains(\"a\") };\n"
	    "                                                                                    ^^^\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { principal.name.contains(\"a\") };",
	    "p:1:62: error: expected a set for `contains`, found `String` [type.mismatch]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { principal.name.contains(\"a\") };\n"
	    "                                                               ^^^^^^^^^^^^^^\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { [1, \"a\"].contains(1) };",
	    "p:1:66: error: members of a set have one type, found `Long` and `String` [type.mismatch]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { [1, \"a\"].contains(1) };\n"
	    "                                                                   ^^^\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { [].isEmpty() };",
	    "p:1:62: error: an empty set has no type [type.empty_set]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { [].isEmpty() };\n"
	    "                                                               ^^\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { if principal.bool then 1 else \"a\" };",
	    "p:1:92: error: both branches of `if` need one type, found `Long` and `String` [type.mismatch]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { if principal.bool then 1 else \"a\" };\n"
	    "                                                                                             ^^^\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { principal.name && true };",
	    "p:1:62: error: expected `Bool` for `&&`, found `String` [type.mismatch]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { principal.name && true };\n"
	    "                                                               ^^^^^^^^^^^^^^\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { !principal.name };",
	    "p:1:63: error: expected `Bool` for `!`, found `String` [type.mismatch]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { !principal.name };\n"
	    "                                                                ^^^^^^^^^^^^^^\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { principal.addr.isInRange(\"10.0.0.0/8\") };",
	    "p:1:87: error: expected `ipaddr` for `isInRange`, found `String` [type.mismatch]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { principal.addr.isInRange(\"10.0.0.0/8\") };\n"
	    "                                                                                        ^^^^^^^^^^^^\n"
	    "hint: write `ip(\"...\")`\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { ip(\"10.0.0.256\") == principal.addr };",
	    "p:1:65: error: `10.0.0.256` is no text that `ip` can read [type.extension]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { ip(\"10.0.0.256\") == principal.addr };\n"
	    "                                                                  ^^^^^^^^^^^^\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { ip(principal.name).isLoopback() };",
	    "p:1:65: error: expected a string literal for `ip`, found something to evaluate [type.literal]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { ip(principal.name).isLoopback() };\n"
	    "                                                                  ^^^^^^^^^^^^^^\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { principal.addr.isInRange() };",
	    "p:1:62: error: `isInRange` takes 1 argument, found 0 [type.arguments]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { principal.addr.isInRange() };\n"
	    "                                                               ^^^^^^^^^^^^^^^^^^^^^^^^^^\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { datetime(\"2024-02-30\") < principal.dt };",
	    "p:1:71: error: `2024-02-30` is no text that `datetime` can read [type.extension]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { datetime(\"2024-02-30\") < principal.dt };\n"
	    "                                                                        ^^^^^^^^^^^^\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { principal.name in G::\"g\" };",
	    "p:1:62: error: expected an entity for `in`, found `String` [type.mismatch]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { principal.name in G::\"g\" };\n"
	    "                                                               ^^^^^^^^^^^^^^\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { principal in \"admins\" };",
	    "p:1:75: error: expected an entity or a set of entities for `in`, found `String` [type.mismatch]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { principal in \"admins\" };\n"
	    "                                                                            ^^^^^^^^\n"
	    "hint: an entity is written `Type::\"...\"`\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { principal is Usr };",
	    "p:1:62: error: the schema has no entity type `Usr` [schema.name]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { principal is Usr };\n"
	    "                                                               ^^^^^^^^^^^^^^^^\n"
	    "hint: did you mean `User`?\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { Col::\"rde\" == Col::\"red\" };",
	    "p:1:62: error: `Col` has no id \"rde\": its ids are enumerated [schema.name]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { Col::\"rde\" == Col::\"red\" };\n"
	    "                                                               ^^^^^^^^^^\n"
	    "hint: did you mean `Col::\"red\"`?\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { principal in Group::\"g\" };",
	    "p:1:75: error: the schema has no entity type `Group` [schema.name]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { principal in Group::\"g\" };\n"
	    "                                                                            ^^^^^^^^^^\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { action == Action::\"veiw\" };",
	    "p:1:72: error: the schema has no action `Action::\"veiw\"` [schema.name]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { action == Action::\"veiw\" };\n"
	    "                                                                         ^^^^^^^^^^^^^^\n"
	    "hint: did you mean `Action::\"view\"`?\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { principal.name like \"a*\" && principal.s like \"b*\" };",
	    "p:1:90: error: expected `String` for `like`, found `Set<Long>` [type.mismatch]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { principal.name like \"a*\" && principal.s like \"b*\" };\n"
	    "                                                                                           ^^^^^^^^^^^\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { principal has nope };",
	    "p:1:1: warning: this policy can never apply: with this schema its conditions are always false [type.never]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { principal has nope };\n"
	    "  ^^^^^^\n"
	    "hint: look for a test that cannot hold\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { principal.name };",
	    "p:1:62: error: expected `Bool` for `when`, found `String` [type.mismatch]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { principal.name };\n"
	    "                                                               ^^^^^^^^^^^^^^\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { principal.s.anyLike(\"a*\") };",
	    "p:1:62: error: expected `Set<String>` for `anyLike`, found `Set<Long>` [type.mismatch]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { principal.s.anyLike(\"a*\") };\n"
	    "                                                               ^^^^^^^^^^^\n" },
	{ "permit(principal, action == Action::\"view\", resource) when { version(\"1..2\").lessThan(version(\"2\")) };",
	    "p:1:70: error: `1..2` is no text that `version` can read [type.extension]\n"
	    "  permit(principal, action == Action::\"view\", resource) when { version(\"1..2\").lessThan(version(\"2\")) };\n"
	    "                                                                       ^^^^^^\n" },
	{ "permit(principal, action, resource) when { principal.name == \"a\" };",
	    "p:1:54: error: `G` has no attribute `name`, for principal `G` [type.attribute]\n"
	    "  permit(principal, action, resource) when { principal.name == \"a\" };\n"
	    "                                                       ^^^^\n" },
	{ "permit(principal, action, resource) when { context.n == 1 };",
	    "p:1:52: error: the context has no attribute `n`, for action `Action::\"edit\"` [type.attribute]\n"
	    "  permit(principal, action, resource) when { context.n == 1 };\n"
	    "                                                     ^\n" },
	{ "permit(principal == Photo::\"p\", action == Action::\"view\", resource);",
	    "p:1:8: error: no request fits: the action `Action::\"view\"` has no such principal [type.scope]\n"
	    "  permit(principal == Photo::\"p\", action == Action::\"view\", resource);\n"
	    "         ^^^^^^^^^^^^^^^^^^^^^^^\n"
	    "hint: principal of `Action::\"view\"`: `User`\n" },
	{ "permit(principal, action == Action::\"all\", resource);",
	    "p:1:19: error: no request fits: the action applies to nothing [type.scope]\n"
	    "  permit(principal, action == Action::\"all\", resource);\n"
	    "                    ^^^^^^^^^^^^^^^^^^^^^^^\n"
	    "hint: write `action in` for all members of a group\n" },
	{ "permit(principal, action in [], resource);",
	    "p:1:26: error: nothing is in an empty list [type.empty_set]\n"
	    "  permit(principal, action in [], resource);\n"
	    "                           ^^^^^\n" },
	{ "permit(principal, action in Action::\"all\", resource is Album);",
	    "p:1:44: error: no request fits: the action `Action::\"view\"` has no such resource [type.scope]\n"
	    "  permit(principal, action in Action::\"all\", resource is Album);\n"
	    "                                             ^^^^^^^^^^^^^^^^^\n"
	    "hint: resource of `Action::\"view\"`: `Photo`\n" },
	{ "permit(principal is G, action == Action::\"view\", resource);",
	    "p:1:8: error: no request fits: the action `Action::\"view\"` has no such principal [type.scope]\n"
	    "  permit(principal is G, action == Action::\"view\", resource);\n"
	    "         ^^^^^^^^^^^^^^\n"
	    "hint: principal of `Action::\"view\"`: `User`\n" },
	{ "permit(principal is Album, action, resource);",
	    "p:1:8: error: no request fits: no action that fits has such a principal [type.scope]\n"
	    "  permit(principal is Album, action, resource);\n"
	    "         ^^^^^^^^^^^^^^^^^^\n"
	    "hint: principal of `Action::\"edit\"`: `G`, `User`\n" },
	{ "permit(principal is User, action, resource like Photo::\"${principal.nam}/*\");",
	    "p:1:57: error: `User` has no attribute `nam` [type.attribute]\n"
	    "  permit(principal is User, action, resource like Photo::\"${principal.nam}/*\");\n"
	    "                                                          ^^^^^^^^^^^^^^^^\n"
	    "hint: did you mean `name`?\n" },
