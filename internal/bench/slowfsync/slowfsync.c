/* A slow disk for a throwaway PostgreSQL: preloaded under the server (LD_PRELOAD),
 * every flush takes SLOWFSYNC_US microseconds more, 1000 unless set. It exists
 * because a flush costs next to nothing on many test machines, and group commit
 * is about flushes. Only internal/bench builds and uses it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static void wait_for_the_platter(void)
{
	const char *set = getenv("SLOWFSYNC_US");
	long us = set ? atol(set) : 1000;
	struct timespec t = {us / 1000000, (us % 1000000) * 1000};
	while (nanosleep(&t, &t) != 0) {
	}
}

int fsync(int fd)
{
	static int (*real)(int);
	if (!real)
		real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
	wait_for_the_platter();
	return real(fd);
}

int fdatasync(int fd)
{
	static int (*real)(int);
	if (!real)
		real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
	wait_for_the_platter();
	return real(fd);
}
