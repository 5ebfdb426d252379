/*
 * Before glibc 2.33 these were part of each program, not of libc.so. Rust's standard library names
 * them, so this library brings its own, as glibc 2.31 has them for 64-bit machines: the kernel's
 * struct stat is the program's.
 */

#define _GNU_SOURCE

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OWN __attribute__((visibility("hidden"))) int

struct stat64;

OWN fstat64(int file, struct stat64 *status)
{
	return (int) syscall(SYS_fstat, file, status);
}

OWN fstatat64(int folder, const char *path, struct stat64 *status, int flags)
{
	return (int) syscall(SYS_newfstatat, folder, path, status, flags);
}

OWN stat64(const char *path, struct stat64 *status)
{
	return fstatat64(AT_FDCWD, path, status, 0);
}

OWN lstat64(const char *path, struct stat64 *status)
{
	return fstatat64(AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW);
}
