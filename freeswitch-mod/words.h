/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 *
 * What stands behind an application's name in the dialplan.
 */
#ifndef OUTDIAL_WORDS_H
#define OUTDIAL_WORDS_H

#include "shim.h"

/* Cuts `text` at its commas, but for those in double quotes, which go; spaces around a word too. Returns
 * how many words there are: `most` + 1 for more than `most`. A word that is not there is empty. */
unsigned int words_split(char *text, char **words, unsigned int most);

/* The argument of the option's letter before `*at`, as in a(beep)m(default); `otherwise` without brackets,
 * NULL: there must be some. Non-zero: malformed, or too long. */
int words_argument(const char **at, char *to, size_t size, const char *otherwise);

#endif
