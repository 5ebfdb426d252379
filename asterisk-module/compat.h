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

#include "asterisk/causes.h"

/*!
 * \brief Came with 16.30, 18.16 and 20.1: NULL where the Asterisk that runs lacks it.
 *
 * So an older one loads the module at least, and the module can say what is wrong.
 */
extern int ast_channel_tech_hangupcause(const struct ast_channel *chan) __attribute__((weak));

/*!
 * \brief The technology's own cause of the hangup; a SIP status on PJSIP. With the channel locked.
 *
 * Where Asterisk does not keep it: without a response from the other end PJSIP ends a call by one of
 * two statuses of its own, and chan_pjsip makes these causes of them. Nobody replied, or the transport
 * failed.
 */
static inline int compat_tech_cause(struct ast_channel *chan)
{
	if (ast_channel_tech_hangupcause) {
		return ast_channel_tech_hangupcause(chan);
	}
	if (strcasecmp(ast_channel_tech(chan)->type, "PJSIP")) {
		return 0;
	}
	switch (ast_channel_hangupcause(chan)) {
	case AST_CAUSE_NO_USER_RESPONSE:
		return 408;
	case AST_CAUSE_CONGESTION:
		return 503;
	default:
		return 0;
	}
}

#endif /* OUTDIAL_COMPAT_H */
