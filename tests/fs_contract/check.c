/*
 * SPDX-License-Identifier: MIT
 *
 * Compares the contract with FreeSWITCH's own headers: compiled, never run. Each line of types.def and
 * calls.def becomes an assertion about <switch.h> of the FreeSWITCH that is installed.
 */
#include <switch.h>

#define SAME(one, other, name) _Static_assert(__builtin_types_compatible_p(one, other), name ": the type differs")

#define OPAQUE(type, tag) _Static_assert(sizeof(type *) != 0, #type);
#define ALIAS(type, is) SAME(type, is, #type);
#define ENUM(type) _Static_assert(sizeof(type) == sizeof(int), #type ": no enum");
#define CONSTANT(type, name, value) _Static_assert((int) (name) == (value), #name ": the value differs");
#define ENUM_END(type)
#define NUMBER(name, value) _Static_assert((name) == (value), #name ": the value differs");
#define TEXT(name, value) _Static_assert(!__builtin_strcmp(name, value), #name ": the text differs");
#define CALLBACK(type, result, args) SAME(type, result (*) args, #type);
#define STRUCT(type, tag)
#define MEMBER(type, name, is) SAME(__typeof__(((type *) 0)->name), is, #type "." #name);
#define STRUCT_END(type)
#include "include/types.def"

/* A call of these types, and what it gives; parameters of a macro may be anything that converts. */
#define FUNCTION(result, name, args) SAME(__typeof__(name), result args, #name);
#define CALL(result, name, args, names) \
	result contract_call_##name args; \
	result contract_call_##name args \
	{ \
		SAME(__typeof__(name names), result, #name); \
		return name names; \
	}
#define VARIABLE(type, name) SAME(__typeof__(name), type, #name);
#include "include/calls.def"
