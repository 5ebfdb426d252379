/*
 * SPDX-License-Identifier: MIT
 *
 * The part of FreeSWITCH's public API that freeswitch-mod uses, as the contract host plays it. Written
 * from that use; not FreeSWITCH's header, and not enough for any other module. A module that is built
 * against it runs in the contract host only: of structs it has those members that are used.
 *
 * To add something, write one line for it:
 *   types.def    types, constants and members of structs
 *   calls.def    functions
 *   macros.h     what is a macro here and there; the check needs no more than that it is one
 * and, for a function, write it in one of the host's files: the host does not link without. Where
 * FreeSWITCH is installed, check.c compares every line with its headers.
 */
#ifndef SWITCH_H
#define SWITCH_H

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define OPAQUE(type, tag) typedef struct tag type;
#define ALIAS(type, is) typedef is type;
#define ENUM(type) typedef enum {
#define CONSTANT(type, name, value) name = value,
#define ENUM_END(type) } type;
#define NUMBER(name, value) enum { name = value };
#define TEXT(name, value) static const char name[] __attribute__((unused)) = value;
#define CALLBACK(type, result, args) typedef result (*type) args;
#define STRUCT(type, tag) struct tag {
#define MEMBER(type, name, is) __typeof__(is) name;
#define STRUCT_END(type) };
#include "types.def"

#define FUNCTION(result, name, args) result name args;
#define CALL(result, name, args, names) result name args;
#define VARIABLE(type, name) extern type name;
#include "calls.def"

#undef OPAQUE
#undef ALIAS
#undef ENUM
#undef CONSTANT
#undef ENUM_END
#undef NUMBER
#undef TEXT
#undef CALLBACK
#undef STRUCT
#undef MEMBER
#undef STRUCT_END
#undef FUNCTION
#undef CALL
#undef VARIABLE

#include "macros.h"

#endif
