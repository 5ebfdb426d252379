/*
 * res_outdial: outdial inside Asterisk
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/*! \file
 *
 * \brief What the files of the tests share, and what the module calls of them. Without Asterisk's
 * test framework there is nothing.
 */

#ifndef OUTDIAL_TESTS_H
#define OUTDIAL_TESTS_H

#include "compat.h"

#include "asterisk/test.h"

#ifdef TEST_FRAMEWORK

/*! \brief The head of a test's body. */
#define DESCRIBE(what_name, what) \
	switch (cmd) { \
	case TEST_INIT: \
		info->name = what_name; \
		info->category = "/res/outdial/"; \
		info->summary = what; \
		info->description = what "."; \
		return AST_TEST_NOT_RUN; \
	case TEST_EXECUTE: \
		break; \
	}

/*! \brief List the tests, and no more. @{ */
void tests_register(void);
void tests_unregister(void);
void tests_register_agents(void);
void tests_unregister_agents(void);
void tests_register_events(void);
void tests_unregister_events(void);
/*! @} */

/*! \brief An event is about to be posted; one of a test's leg or session is noted. Any thread. */
void tests_posted(const struct outdial_event *event);

/*! \brief Forget what was noted. */
void posted_clear(void);
/*! \brief Events that tests have posted since then. */
unsigned int posted_since_clear(void);
/*! \brief Was exactly this the event of that number, from 0? */
int posted_is(unsigned int at, uint32_t kind, const char *id, int value, int q850);

#else

#define tests_register() do { } while (0)
#define tests_unregister() do { } while (0)
#define tests_posted(event) do { } while (0)

#endif /* TEST_FRAMEWORK */

#endif /* OUTDIAL_TESTS_H */
