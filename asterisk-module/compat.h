/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief What differs between the Asterisk versions that this module is built for.
 *
 * The build passes ASTERISK_MAJOR, taken from the headers it compiles against. Debian gives
 * different major versions the same AST_BUILDOPT_SUM, so the loader alone would take a module
 * that was built for another one; module.c compares before it does anything else.
 */

#ifndef OUTDIAL_COMPAT_H
#define OUTDIAL_COMPAT_H

#ifndef ASTERISK_MAJOR
#error "ASTERISK_MAJOR is not set: build with the Makefile of this folder"
#endif

#include "asterisk.h"

#include "asterisk/module.h"
#include "asterisk/logger.h"
#include "asterisk/utils.h"
#include "asterisk/channel.h"

#include "outdial.h"

#endif /* OUTDIAL_COMPAT_H */
