/*
 * rustc's ThreadSanitizer pass calls these since LLVM 15; libtsan of gcc 12 has what they stand for
 * only under its own names, and sees what is written there.
 */
#include <string.h>

void *__tsan_memcpy(void *to, const void *from, size_t size);
void *__tsan_memmove(void *to, const void *from, size_t size);
void *__tsan_memset(void *to, int value, size_t size);

void *__attribute__((weak)) __tsan_memcpy(void *to, const void *from, size_t size)
{
	return memcpy(to, from, size);
}

void *__attribute__((weak)) __tsan_memmove(void *to, const void *from, size_t size)
{
	return memmove(to, from, size);
}

void *__attribute__((weak)) __tsan_memset(void *to, int value, size_t size)
{
	return memset(to, value, size);
}
