/* LD_PRELOAD: a wall clock that is wrong on order. CLOCK_MONOTONIC stays right.
 *
 * DRILL_SHIM_CLOCK names a file of 8 bytes, an int64 mapped here: so many nanoseconds are added to
 * what the wall clock says, changed live.
 *
 * The functions stand before those of the C library, which would read the clock through the vDSO;
 * they use system calls instead (slower, and nothing has to be looked up while a program starts,
 * which is where libfaketime hangs under Redis). What a program linked statically or the C library
 * itself asks for is not seen.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS 1000000000LL

static const volatile int64_t *offset_ns;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("DRILL_SHIM_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *page = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
    if (page != MAP_FAILED)
        offset_ns = page;
    close(fd);
}

static int read_clock(clockid_t clock, struct timespec *at)
{
    int result = (int)syscall(SYS_clock_gettime, clock, at);
    int wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
    if (result == 0 && wall && offset_ns) {
        int64_t ns = at->tv_sec * SECOND_NS + at->tv_nsec + *offset_ns;
        at->tv_sec = ns / SECOND_NS;
        at->tv_nsec = ns % SECOND_NS;
    }
    return result;
}

int clock_gettime(clockid_t clock, struct timespec *at)
{
    return read_clock(clock, at);
}

int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    if (read_clock(CLOCK_REALTIME, &now) != 0)
        return -1;
    if (at) {
        at->tv_sec = now.tv_sec;
        at->tv_usec = now.tv_nsec / 1000;
    }
    return 0;
}

time_t time(time_t *at)
{
    struct timespec now;
    if (read_clock(CLOCK_REALTIME, &now) != 0)
        return (time_t)-1;
    if (at)
        *at = now.tv_sec;
    return now.tv_sec;
}

int timespec_get(struct timespec *at, int base)
{
    return base == TIME_UTC && read_clock(CLOCK_REALTIME, at) == 0 ? base : 0;
}
