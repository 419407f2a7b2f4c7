/* LD_PRELOAD: a disk that is slow on order, and that says what has reached it.
 *
 * DRILL_SHIM_FSYNC names a folder with
 *   delay_us   8 bytes, an int64 mapped here: every fsync takes at least so long, changed live;
 *   synced     a line "device inode size" for each fsync that succeeded. The size is that of the
 *              file when fsync was called: no more is sure to be on the disk when it returns.
 *
 * Raw system calls, so that nothing has to be looked up while a program starts.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define STEP_US 5000

static const volatile int64_t *delay_us;
static int synced = -1;

static int open_in(const char *folder, const char *name, int flags)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return open(path, flags | O_CLOEXEC);
}

__attribute__((constructor)) static void begin(void)
{
    const char *folder = getenv("DRILL_SHIM_FSYNC");
    if (!folder)
        return;
    int fd = open_in(folder, "delay_us", O_RDONLY);
    if (fd >= 0) {
        void *page = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
        if (page != MAP_FAILED)
            delay_us = page;
        close(fd);
    }
    synced = open_in(folder, "synced", O_WRONLY | O_APPEND);
}

static int64_t now_us(void)
{
    struct timespec now;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void wait_as_told(void)
{
    if (!delay_us || *delay_us <= 0)
        return;
    for (int64_t began = now_us(), left; (left = *delay_us - (now_us() - began)) > 0;) {
        struct timespec pause = {0, (left < STEP_US ? left : STEP_US) * 1000};
        nanosleep(&pause, NULL);
    }
}

static int sync_and_say(long call, int fd)
{
    struct stat file;
    int known = fstat(fd, &file) == 0 && S_ISREG(file.st_mode);
    wait_as_told();
    int result = (int)syscall(call, fd);
    if (result == 0 && known && synced >= 0) {
        int kept = errno;
        char line[96];
        int length = snprintf(line, sizeof line, "%llu %llu %lld\n",
                              (unsigned long long)file.st_dev, (unsigned long long)file.st_ino,
                              (long long)file.st_size);
        while (write(synced, line, (size_t)length) < 0 && errno == EINTR)
            ;
        errno = kept;
    }
    return result;
}

int fsync(int fd)
{
    return sync_and_say(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return sync_and_say(SYS_fdatasync, fd);
}
