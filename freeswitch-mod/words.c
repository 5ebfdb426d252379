/*
 * mod_outdial: outdial inside FreeSWITCH
 *
 * SPDX-License-Identifier: MIT
 */
#include "words.h"

/* Takes the quotes out, and ends the word at its comma. Returns what is behind that; NULL: nothing. */
static char *cut(char *word)
{
	char *from = word;
	char *to = word;
	int quoted = 0;

	for (; *from && (quoted || *from != ','); from++) {
		if (*from == '"') {
			quoted = !quoted;
		} else {
			*to++ = *from;
		}
	}
	from = *from ? from + 1 : NULL;
	*to = '\0';
	return from;
}

static char *strip(char *word)
{
	char *end;

	word += strspn(word, " \t");
	for (end = word + strlen(word); end > word && (end[-1] == ' ' || end[-1] == '\t'); end--) {
		end[-1] = '\0';
	}
	return word;
}

unsigned int words_split(char *text, char **words, unsigned int most)
{
	static char none[] = "";
	unsigned int count = 0;
	unsigned int i;

	for (i = 0; i < most; i++) {
		words[i] = none;
	}
	if (zstr(text)) {
		return 0;
	}
	while (text && count < most) {
		char *word = text;

		text = cut(word);
		words[count++] = strip(word);
	}
	return text ? most + 1 : count;
}

/* The bracket that closes the one at `text`: tones have some of their own. NULL: there is none. */
static const char *closing(const char *text)
{
	unsigned int depth = 0;

	for (; *text; text++) {
		depth += *text == '(';
		if (*text == ')' && --depth == 0) {
			return text;
		}
	}
	return NULL;
}

int words_argument(const char **at, char *to, size_t size, const char *otherwise)
{
	const char *end;

	if (**at != '(') {
		return shim_copy(to, size, otherwise, 1);
	}
	end = closing(*at);
	if (!end || end == *at + 1 || (size_t) (end - *at) > size) {
		return -1;
	}
	switch_copy_string(to, *at + 1, (switch_size_t) (end - *at));
	*at = end + 1;
	return 0;
}
