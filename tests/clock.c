/* In front of a Redis (LD_PRELOAD) this is its clock: the milliseconds in the file that TEST_CLOCK names, which are added
 * to the real time if TEST_CLOCK_RUNS is set. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static volatile int64_t *set;

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    struct timespec real = {0, 0};

    (void)zone;
    if (!set)
        set = mmap(NULL, sizeof *set, PROT_READ, MAP_SHARED, open(getenv("TEST_CLOCK"), O_RDONLY), 0);
    if (getenv("TEST_CLOCK_RUNS"))
        clock_gettime(CLOCK_REALTIME, &real);
    int64_t us = real.tv_sec * INT64_C(1000000) + real.tv_nsec / 1000 + *set * 1000;
    time->tv_sec = us / 1000000;
    time->tv_usec = us % 1000000;
    return 0;
}
