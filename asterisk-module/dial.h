/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief What dialing a customer and ringing an agent have in common.
 */

#ifndef OUTDIAL_DIAL_H
#define OUTDIAL_DIAL_H

#include "shim.h"

struct ast_channel;
struct ast_dial;

/*! \brief Longest dial string, with its NUL. */
#define OUTDIAL_DEVICE_LEN 256

#define OUTDIAL_DIGITS "0123456789"
/*! \brief What names in a dial string are made of. */
#define OUTDIAL_NAME_CHARACTERS OUTDIAL_DIGITS \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-."

/*! \brief Copy what must fit. Non-zero: it does not, or must not be empty and is. */
int dial_copy_text(char *to, size_t size, const char *from, int required);

/*! \brief Only such a text may become part of a dial string. */
int dial_is_made_of(const char *text, const char *allowed);

/*! \brief Why nothing may be dialed right now; NULL: go ahead. */
const char *dial_refusal(void);

/*!
 * \brief Make a dial of one device.
 *
 * It never follows a 302, and gives up after \a timeout_ms.
 *
 * \param id the channel's unique id
 *
 * \return NULL when out of memory
 */
struct ast_dial *dial_make(const char *tech, const char *device, const char *id,
	unsigned int timeout_ms);

/*!
 * \brief Set on the new channel what pbx_outgoing_attempt() sets.
 *
 * \param account account code; may be empty
 * \param number what the called one sees; may be empty
 * \param name the name with it; may be NULL
 */
void dial_dress(struct ast_channel *chan, const char *account, const char *number,
	const char *name);

#endif /* OUTDIAL_DIAL_H */
